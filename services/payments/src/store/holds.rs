//! `credit_holds`. That one is made is in [`super::ledger`].

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{HoldKey, UserId};
use uuid::Uuid;

use crate::schema::credit_holds as holds;
use crate::words::{Free, HoldStatus, Reason};

/// A hold.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = holds, check_for_backend(diesel::pg::Pg))]
pub struct Hold {
    pub key: Uuid,
    pub user_id: i32,
    pub reason: Reason,
    pub amount: i32,
    pub granted: i32,
    pub monthly: i32,
    pub status: HoldStatus,
}

impl Hold {
    pub const fn key(&self) -> HoldKey {
        HoldKey(self.key)
    }

    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }
}

/// The hold under `key`.
pub async fn find(tx: &mut Tx, key: HoldKey) -> QueryResult<Option<Hold>> {
    holds::table.find(key.0).select(Hold::as_select()).first(tx).await.optional()
}

/// The hold under `key`, locked.
pub async fn lock(tx: &mut Tx, key: HoldKey) -> QueryResult<Option<Hold>> {
    holds::table.find(key.0).select(Hold::as_select()).for_update().first(tx).await.optional()
}

/// A hold of nothing: what it is for is free, `because` of that.
///
/// # Errors
/// `credit_holds_pkey` if the key is in use.
pub async fn free(
    tx: &mut Tx,
    key: HoldKey,
    user: UserId,
    reason: Reason,
    because: Free,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(holds::table)
        .values((
            holds::key.eq(key.0),
            holds::user_id.eq(user.0),
            holds::reason.eq(reason),
            holds::amount.eq(0),
            holds::free_because.eq(because),
            holds::tentative_until.eq(until),
            holds::created_at.eq(now),
            holds::updated_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// How many holds for publishing `user` has, of those that are not back.
pub async fn publications(tx: &mut Tx, user: UserId) -> QueryResult<i64> {
    of_publications(user).count().get_result(tx).await
}

/// Spelled as the index is, so that it serves.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn of_publications(user: UserId) -> _ {
    let user: i32 = user.0;
    let open: SqlLiteral<Bool> =
        sql("reason = 'pitch_publish' AND status IN ('tentative', 'firm', 'captured')");
    holds::table.filter(holds::user_id.eq(user)).filter(open)
}

/// Moves a locked hold.
pub async fn set(tx: &mut Tx, key: HoldKey, status: HoldStatus, now: DateTime<Utc>) -> QueryResult<()> {
    let row = holds::table.find(key.0);
    diesel::update(row)
        .set((holds::status.eq(status), holds::uncovered.eq(false), holds::updated_at.eq(now)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes what a locked hold consists of, once more.
pub async fn consists(tx: &mut Tx, key: HoldKey, granted: i32, monthly: i32) -> QueryResult<()> {
    let row = holds::table.find(key.0);
    diesel::update(row).set((holds::granted.eq(granted), holds::monthly.eq(monthly))).execute(tx).await?;
    Ok(())
}

/// Notes that a locked hold is for something that exists and can't be paid.
pub async fn uncovered(tx: &mut Tx, key: HoldKey, now: DateTime<Utc>) -> QueryResult<()> {
    let row = holds::table.find(key.0);
    diesel::update(row).set((holds::uncovered.eq(true), holds::updated_at.eq(now))).execute(tx).await?;
    Ok(())
}

/// Up to `limit` tentative holds whose time is over.
pub async fn overdue(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<HoldKey>> {
    let keys: Vec<Uuid> = holds::table
        .filter(sql::<Bool>("status = 'tentative'"))
        .filter(holds::tentative_until.le(now))
        .order(holds::tentative_until)
        .limit(limit)
        .select(holds::key)
        .load(tx)
        .await?;
    Ok(keys.into_iter().map(HoldKey).collect())
}
