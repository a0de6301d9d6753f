//! Many rows: lists of the parties, counts, and what is due.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Integer, Interval, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{PitchId, UserId};

use super::{ANSWER_WITHIN, Nda, SIGN_WITHIN};
use crate::schema::ndas;
use crate::store::Place;
use crate::words::NdaStatus;

/// Which side of an agreement a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// As the owner of the pitch.
    Incoming(UserId),
    /// As the requester.
    Outgoing(UserId),
    /// As either.
    Both(UserId),
}

/// Where an NDA stands at a time, whether or not the sweep has come by.
pub type At = (NdaStatus, DateTime<Utc>);

type Boxed<'a> = ndas::BoxedQuery<'a, Pg>;

/// One side's NDAs, newest first: one page and one more, and how many there are.
pub async fn list(tx: &mut Tx, side: Side, status: Option<At>, place: Place) -> QueryResult<(Vec<Nda>, i64)> {
    let counted = Counted(of_side(side, status).select(ndas::id).limit(pitchey_web::COUNTED + 1))
        .get_result(tx)
        .await?;
    let rows = page(side, status, place).select(Nda::as_select()).load(tx).await?;
    Ok((rows, counted))
}

/// The query of a page.
pub(in crate::store) fn page<'a>(side: Side, status: Option<At>, place: Place) -> Boxed<'a> {
    let mut query = of_side(side, status);
    if let Some((at, id)) = place.after {
        query = query.filter(ndas::created_at.le(at)).filter(ndas::created_at.lt(at).or(ndas::id.lt(id)));
    }
    query.order((ndas::created_at.desc(), ndas::id.desc())).offset(place.offset).limit(place.limit + 1)
}

fn of_side<'a>(side: Side, status: Option<At>) -> Boxed<'a> {
    let query = ndas::table.into_boxed();
    let query = match side {
        Side::Incoming(owner) => query.filter(ndas::owner_id.eq(owner.0)),
        Side::Outgoing(requester) => query.filter(ndas::requester_id.eq(requester.0)),
        Side::Both(user) => query.filter(ndas::owner_id.eq(user.0).or(ndas::requester_id.eq(user.0))),
    };
    let Some((status, now)) = status else { return query };
    let (asked, offered) = (now - ANSWER_WITHIN, now - SIGN_WITHIN);
    // As `Nda::status_at` has it.
    match status {
        NdaStatus::Pending => query.filter(ndas::status.eq(status)).filter(ndas::created_at.gt(asked)),
        NdaStatus::Approved => query
            .filter(ndas::status.eq(status))
            .filter(ndas::approved_at.is_null().or(ndas::approved_at.gt(offered))),
        NdaStatus::Signed => query
            .filter(ndas::status.eq(status))
            .filter(ndas::expires_at.is_null().or(ndas::expires_at.gt(now))),
        NdaStatus::Expired => query.filter(
            ndas::status
                .eq(status)
                .or(ndas::status.eq(NdaStatus::Pending).and(ndas::created_at.le(asked)))
                .or(ndas::status.eq(NdaStatus::Approved).and(ndas::approved_at.le(offered)))
                .or(ndas::status.eq(NdaStatus::Signed).and(ndas::expires_at.le(now))),
        ),
        NdaStatus::Rejected | NdaStatus::Withdrawn | NdaStatus::Revoked => {
            query.filter(ndas::status.eq(status))
        }
    }
}

/// How many NDAs of one side stand where at `now`.
pub async fn counts(tx: &mut Tx, side: Side, now: DateTime<Utc>) -> QueryResult<Vec<(NdaStatus, i64)>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = Text)]
        status: NdaStatus,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let (whose, user) = whose(side);
    // As `Nda::status_at` has it.
    let sql = format!(
        "SELECT CASE WHEN (status = 'pending' AND created_at <= $2) OR (status = 'approved' AND approved_at <= $3)
                       OR (status = 'signed' AND expires_at <= $4) THEN 'expired' ELSE status END AS status, count(*) AS count
         FROM ndas WHERE {whose} GROUP BY 1"
    );
    let counts: Vec<Count> = diesel::sql_query(sql)
        .bind::<Integer, _>(user.0)
        .bind::<Timestamptz, _>(now - ANSWER_WITHIN)
        .bind::<Timestamptz, _>(now - SIGN_WITHIN)
        .bind::<Timestamptz, _>(now)
        .load(tx)
        .await?;
    Ok(counts.into_iter().map(|row| (row.status, row.count)).collect())
}

/// The condition on a row of `side`, and the user it is bound to.
const fn whose(side: Side) -> (&'static str, UserId) {
    match side {
        Side::Incoming(owner) => ("owner_id = $1", owner),
        Side::Outgoing(requester) => ("requester_id = $1", requester),
        Side::Both(user) => ("(owner_id = $1 OR requester_id = $1)", user),
    }
}

/// The median time from request to answer of one side's requests, in seconds. `None` without answers.
pub async fn median_answer_seconds(tx: &mut Tx, side: Side) -> QueryResult<Option<f64>> {
    #[derive(QueryableByName)]
    struct Median {
        #[diesel(sql_type = Nullable<Double>)]
        seconds: Option<f64>,
    }
    let (whose, user) = whose(side);
    let sql = format!(
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM coalesce(approved_at, rejected_at) - created_at)::float8) AS seconds
         FROM ndas WHERE {whose} AND coalesce(approved_at, rejected_at) IS NOT NULL"
    );
    let median: Median = diesel::sql_query(sql).bind::<Integer, _>(user.0).get_result(tx).await?;
    Ok(median.seconds)
}

/// Up to `limit` rows whose time as `status` is over, locked in the order of their ids; rows that somebody works on are left out.
pub async fn overdue(
    tx: &mut Tx,
    status: NdaStatus,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<i32>> {
    let mut query = ndas::table.filter(ndas::status.eq(status)).select(ndas::id).limit(limit).into_boxed();
    query = match status {
        NdaStatus::Pending => query.filter(ndas::created_at.le(now - ANSWER_WITHIN)).order(ndas::created_at),
        NdaStatus::Approved => query.filter(ndas::approved_at.le(now - SIGN_WITHIN)).order(ndas::approved_at),
        _ => query.filter(ndas::expires_at.le(now)).order(ndas::expires_at),
    };
    let ids: Vec<i32> = query.load(tx).await?;
    ndas::table
        .filter(ndas::id.eq_any(ids))
        .order(ndas::id)
        .select(ndas::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await
}

/// Up to `limit` requests that have waited for `waited` and of which the owner was not reminded since then.
pub async fn unanswered(
    tx: &mut Tx,
    waited: TimeDelta,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<i32>> {
    ndas::table
        .filter(ndas::status.eq(NdaStatus::Pending))
        .filter(ndas::created_at.le(now - waited))
        .filter(ndas::created_at.gt(now - ANSWER_WITHIN))
        .filter(
            ndas::reminded_at
                .is_null()
                .or(ndas::reminded_at.lt((ndas::created_at + waited.into_sql::<Interval>()).nullable())),
        )
        .order(ndas::created_at)
        .select(ndas::id)
        .limit(limit)
        .for_update()
        .skip_locked()
        .load(tx)
        .await
}

/// Up to `limit` rows, approved or signed, that will end within `ahead` if nothing happens, and whose requester was not told since that is so; locked.
/// A signature that is younger than `ahead` is fresh in memory.
pub async fn ending(
    tx: &mut Tx,
    status: NdaStatus,
    ahead: TimeDelta,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<i32>> {
    let mut query = ndas::table.filter(ndas::status.eq(status)).select(ndas::id).limit(limit).into_boxed();
    let told_at = ndas::reminded_at;
    query = if status == NdaStatus::Approved {
        let begins = (SIGN_WITHIN - ahead).into_sql::<Interval>();
        query
            .filter(ndas::approved_at.gt(now - SIGN_WITHIN))
            .filter(ndas::approved_at.le(now - SIGN_WITHIN + ahead))
            .filter(told_at.is_null().or(told_at.lt(ndas::approved_at + begins.nullable())))
            .order(ndas::approved_at)
    } else {
        query
            .filter(ndas::expires_at.gt(now))
            .filter(ndas::expires_at.le(now + ahead))
            .filter(ndas::signed_at.le(now - ahead))
            .filter(
                told_at.is_null().or(told_at.lt(ndas::expires_at - ahead.into_sql::<Interval>().nullable())),
            )
            .order(ndas::expires_at)
    };
    let ids: Vec<i32> = query.load(tx).await?;
    ndas::table
        .filter(ndas::id.eq_any(ids))
        .order(ndas::id)
        .select(ndas::id)
        .for_update()
        .skip_locked()
        .load(tx)
        .await
}

/// Active rows of a pitch that are not signed yet, in the order of their ids, locked.
pub async fn open_of_pitch(tx: &mut Tx, pitch: PitchId) -> QueryResult<Vec<(i32, NdaStatus)>> {
    ndas::table
        .filter(ndas::pitch_id.eq(pitch.0))
        .filter(ndas::status.eq_any([NdaStatus::Pending, NdaStatus::Approved]))
        .order(ndas::id)
        .select((ndas::id, ndas::status))
        .for_update()
        .load(tx)
        .await
}
