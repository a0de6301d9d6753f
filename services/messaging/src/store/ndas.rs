//! `discussion_ndas`: what was heard of signed NDAs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{NdaParties, PitchId, UserId};

use crate::schema::discussion_ndas as ndas;

/// Makes everything about one discussion wait for each other until the transaction ends.
pub fn lock(tx: &mut Tx, pitch: PitchId, signer: UserId) {
    tx.lock(&format!("messaging/discussion/{pitch}/{signer}"));
}

/// Notes a signature; an end that was heard of before stays.
pub async fn signed(
    tx: &mut Tx,
    parties: &NdaParties,
    signed_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let times = (ndas::signed_at.eq(signed_at), ndas::expires_at.eq(expires_at));
    diesel::insert_into(ndas::table)
        .values((names(parties), times))
        .on_conflict(ndas::nda_id)
        .do_update()
        .set(times)
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes an end; the signature may be heard of later.
pub async fn ended(tx: &mut Tx, parties: &NdaParties, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(ndas::table)
        .values((names(parties), ndas::ended_at.eq(at)))
        .on_conflict(ndas::nda_id)
        .do_update()
        .set(ndas::ended_at.eq(at))
        .execute(tx)
        .await?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn names(parties: &NdaParties) -> _ {
    let (nda, pitch): (i32, i32) = (parties.nda_id.0, parties.pitch_id.0);
    let (signer, owner): (i32, i32) = (parties.requester_id.0, parties.owner_id.0);
    (ndas::nda_id.eq(nda), ndas::pitch_id.eq(pitch), ndas::signer_id.eq(signer), ndas::owner_id.eq(owner))
}

/// Ends all NDAs of a pitch that is gone; returns their signers.
pub async fn end_all(tx: &mut Tx, pitch: PitchId, at: DateTime<Utc>) -> QueryResult<Vec<i32>> {
    let mut signers: Vec<i32> = diesel::update(ndas::table.filter(ndas::pitch_id.eq(pitch.0)))
        .filter(ndas::ended_at.is_null())
        .set(ndas::ended_at.eq(at))
        .returning(ndas::signer_id)
        .get_results(tx)
        .await?;
    signers.sort_unstable();
    signers.dedup();
    Ok(signers)
}

/// Whether an NDA of `signer` for `pitch` is in force at `now`, as far as was heard, and until when.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct InForce {
    #[diesel(sql_type = Bool)]
    pub in_force: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub until: Option<DateTime<Utc>>,
}

/// See [`InForce`].
pub async fn in_force(
    tx: &mut Tx,
    pitch: PitchId,
    signer: UserId,
    now: DateTime<Utc>,
) -> QueryResult<InForce> {
    let sql = "SELECT count(*) > 0 AS in_force, CASE WHEN bool_or(expires_at IS NULL) THEN NULL ELSE max(expires_at) END AS until
               FROM discussion_ndas
               WHERE pitch_id = $1 AND signer_id = $2 AND signed_at IS NOT NULL AND ended_at IS NULL
                 AND (expires_at IS NULL OR expires_at > $3)";
    diesel::sql_query(sql)
        .bind::<Integer, _>(pitch.0)
        .bind::<Integer, _>(signer.0)
        .bind::<Timestamptz, _>(now)
        .get_result(tx)
        .await
}
