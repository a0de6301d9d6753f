//! `nda_timings`: when NDAs were asked for and answered. Events come in any order, so each writes what it knows.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::NdaParties;

use super::activity::Subject;
use crate::schema::nda_timings;

/// Notes when it was asked for.
pub(crate) async fn requested(tx: &mut Tx, nda: &NdaParties, at: DateTime<Utc>) -> QueryResult<usize> {
    diesel::insert_into(nda_timings::table)
        .values((parties(nda), nda_timings::requested_at.eq(at)))
        .on_conflict(nda_timings::nda_id)
        .do_update()
        .set(nda_timings::requested_at.eq(at))
        .execute(tx)
        .await
}

/// Notes when the owner, or the owner's policy, said yes or no.
pub(crate) async fn answered(
    tx: &mut Tx,
    nda: &NdaParties,
    at: DateTime<Utc>,
    by_policy: bool,
) -> QueryResult<usize> {
    let answer = (nda_timings::answered_at.eq(at), nda_timings::by_policy.eq(by_policy));
    diesel::insert_into(nda_timings::table)
        .values((parties(nda), answer))
        .on_conflict(nda_timings::nda_id)
        .do_update()
        .set(answer)
        .execute(tx)
        .await
}

type Parties = (
    diesel::dsl::Eq<nda_timings::nda_id, i32>,
    diesel::dsl::Eq<nda_timings::pitch_id, i32>,
    diesel::dsl::Eq<nda_timings::owner_id, i32>,
    diesel::dsl::Eq<nda_timings::requester_id, i32>,
);

fn parties(nda: &NdaParties) -> Parties {
    (
        nda_timings::nda_id.eq(nda.nda_id.0),
        nda_timings::pitch_id.eq(nda.pitch_id.0),
        nda_timings::owner_id.eq(nda.owner_id.0),
        nda_timings::requester_id.eq(nda.requester_id.0),
    )
}

/// How fast requests were answered by hand.
#[derive(Clone, Copy, Debug, PartialEq, QueryableByName)]
pub(crate) struct Answering {
    /// Answers that this is the median of.
    #[diesel(sql_type = BigInt)]
    pub(crate) answers: i64,
    /// Seconds; `None` without answers.
    #[diesel(sql_type = Nullable<Double>)]
    pub(crate) median: Option<f64>,
}

/// The answers since `since` that `subject` gave (an owner), got (a member) or that were about it (a pitch).
pub(crate) async fn answering(tx: &mut Tx, subject: Subject, since: DateTime<Utc>) -> QueryResult<Answering> {
    let (column, id) = match subject {
        Subject::Pitch(id) => ("pitch_id", id.0),
        Subject::Owner(id) => ("owner_id", id.0),
        Subject::Member(id) => ("requester_id", id.0),
        Subject::Platform => ("0", 0),
    };
    sql_query(format!(
        "SELECT count(*) AS answers,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - requested_at)::float8) AS median
         FROM nda_timings
         WHERE {column} = $1 AND answered_at >= $2 AND requested_at IS NOT NULL AND NOT by_policy"
    ))
    .bind::<Integer, _>(id)
    .bind::<Timestamptz, _>(since)
    .get_result(tx)
    .await
}

/// Takes `user` out of what others' numbers are made of: the times stay, who asked does not.
pub(crate) async fn anonymise(tx: &mut Tx, user: i32) -> QueryResult<usize> {
    diesel::update(nda_timings::table.filter(nda_timings::requester_id.eq(user)))
        .set(nda_timings::requester_id.eq(0))
        .execute(tx)
        .await
}
