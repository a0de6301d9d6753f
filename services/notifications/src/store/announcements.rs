use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use uuid::Uuid;

use crate::schema::announcements;

/// A publication that followers are being told of.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = announcements)]
pub(crate) struct Announcement {
    pub(crate) id: i64,
    pub(crate) event_id: Uuid,
    pub(crate) owner_id: i32,
    pub(crate) pitch_id: i32,
    /// The follower up to whom all are told.
    pub(crate) reached: i32,
    pub(crate) attempts: i32,
}

/// One to be begun.
#[derive(Debug, Insertable)]
#[diesel(table_name = announcements)]
pub(crate) struct New {
    pub(crate) event_id: Uuid,
    pub(crate) owner_id: i32,
    pub(crate) pitch_id: i32,
    pub(crate) not_before: DateTime<Utc>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Writes `new` unless its event asked already.
pub(crate) async fn insert(tx: &mut Tx, new: &New) -> QueryResult<()> {
    diesel::insert_into(announcements::table).values(new).on_conflict_do_nothing().execute(tx).await?;
    Ok(())
}

/// Takes one that is due and nobody's, for `worker` until `until`.
pub(crate) async fn claim(
    tx: &mut Tx,
    worker: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Option<Announcement>> {
    let due: Option<i64> = due(now).first(tx).await.optional()?;
    let Some(id) = due else { return Ok(None) };
    diesel::update(announcements::table.find(id))
        .set((announcements::claimed_by.eq(worker), announcements::claimed_until.eq(until)))
        .returning(Announcement::as_returning())
        .get_result(tx)
        .await
        .optional()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn due(now: DateTime<Utc>) -> _ {
    announcements::table
        .filter(announcements::finished_at.is_null())
        .filter(announcements::not_before.le(now))
        .filter(announcements::claimed_until.is_null().or(announcements::claimed_until.lt(now)))
        .order((announcements::not_before, announcements::id))
        .select(announcements::id)
        .for_update()
        .skip_locked()
}

/// All followers up to `reached` are told, `told` of them now. False if it is no longer `worker`'s, or somebody else got further: then nothing of
/// this transaction is to last.
pub(crate) async fn advance(
    tx: &mut Tx,
    worker: &str,
    before: &Announcement,
    reached: i32,
    told: i32,
    until: DateTime<Utc>,
) -> QueryResult<bool> {
    let mine = announcements::table
        .find(before.id)
        .filter(announcements::claimed_by.eq(worker))
        .filter(announcements::reached.eq(before.reached))
        .filter(announcements::finished_at.is_null());
    let updated = diesel::update(mine)
        .set((
            announcements::reached.eq(reached),
            announcements::told.eq(announcements::told + told),
            announcements::attempts.eq(0),
            announcements::claimed_until.eq(until),
        ))
        .execute(tx)
        .await?;
    Ok(updated == 1)
}

/// Nobody is left to be told.
pub(crate) async fn finish(tx: &mut Tx, worker: &str, id: i64, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(announcements::table.find(id).filter(announcements::claimed_by.eq(worker)))
        .set((
            announcements::finished_at.eq(now),
            announcements::claimed_by.eq(None::<String>),
            announcements::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives it back, to be gone on with at `at`.
pub(crate) async fn postpone(tx: &mut Tx, worker: &str, id: i64, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(announcements::table.find(id).filter(announcements::claimed_by.eq(worker)))
        .set((
            announcements::attempts.eq(announcements::attempts + 1),
            announcements::not_before.eq(at),
            announcements::claimed_by.eq(None::<String>),
            announcements::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets up to `limit` that were finished and begun before `before`.
pub(crate) async fn forget(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    let old = announcements::table
        .filter(announcements::created_at.lt(before))
        .filter(announcements::finished_at.is_not_null())
        .order(announcements::created_at)
        .select(announcements::id)
        .limit(limit);
    let ids: Vec<i64> = old.load(tx).await?;
    diesel::delete(announcements::table.filter(announcements::id.eq_any(ids))).execute(tx).await
}
