//! `user_totp` and `user_recovery_codes`.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::{user_recovery_codes, user_totp};

/// A second factor.
#[derive(Queryable, Selectable)]
#[diesel(table_name = user_totp, check_for_backend(Pg))]
pub struct Factor {
    /// Sealed.
    pub secret: String,
    pub confirmed_at: Option<DateTime<Utc>>,
}

pub async fn get(tx: &mut Tx, user: UserId) -> QueryResult<Option<Factor>> {
    user_totp::table.find(user.0).select(Factor::as_select()).first(tx).await.optional()
}

/// Sets a secret that is still to be confirmed; whether it is set, which it is not over a confirmed one.
pub async fn enrol(tx: &mut Tx, user: UserId, secret: &str, at: DateTime<Utc>) -> QueryResult<bool> {
    use diesel::query_dsl::methods::FilterDsl as _;

    let set = diesel::insert_into(user_totp::table)
        .values((user_totp::user_id.eq(user.0), user_totp::secret.eq(secret), user_totp::created_at.eq(at)))
        .on_conflict(user_totp::user_id)
        .do_update()
        .set((user_totp::secret.eq(secret), user_totp::last_step.eq(0), user_totp::created_at.eq(at)))
        .filter(user_totp::confirmed_at.is_null())
        .execute(tx)
        .await?;
    Ok(set == 1)
}

/// Whether the enrolment was open.
pub async fn confirm(tx: &mut Tx, user: UserId, at: DateTime<Utc>) -> QueryResult<bool> {
    let confirmed = diesel::update(user_totp::table.find(user.0))
        .filter(user_totp::confirmed_at.is_null())
        .set(user_totp::confirmed_at.eq(at))
        .execute(tx)
        .await?;
    Ok(confirmed == 1)
}

/// Takes the code of a time step; false if that or a later one was taken before.
pub async fn take_step(tx: &mut Tx, user: UserId, step: i64) -> QueryResult<bool> {
    let taken = diesel::update(user_totp::table.find(user.0))
        .filter(user_totp::last_step.lt(step))
        .set(user_totp::last_step.eq(step))
        .execute(tx)
        .await?;
    Ok(taken == 1)
}

/// Takes a recovery code; false if it is none, or was taken before.
pub async fn take_recovery_code(
    tx: &mut Tx,
    user: UserId,
    digest: &[u8],
    at: DateTime<Utc>,
) -> QueryResult<bool> {
    let taken = diesel::update(user_recovery_codes::table.find((user.0, digest)))
        .filter(user_recovery_codes::used_at.is_null())
        .set(user_recovery_codes::used_at.eq(at))
        .execute(tx)
        .await?;
    Ok(taken == 1)
}

/// Sets the recovery codes; those there were do not work any more.
pub async fn set_recovery_codes(tx: &mut Tx, user: UserId, digests: &[[u8; 32]]) -> QueryResult<()> {
    diesel::delete(user_recovery_codes::table.filter(user_recovery_codes::user_id.eq(user.0)))
        .execute(tx)
        .await?;
    let rows: Vec<_> = digests
        .iter()
        .map(|digest| {
            (user_recovery_codes::user_id.eq(user.0), user_recovery_codes::digest.eq(digest.as_slice()))
        })
        .collect();
    diesel::insert_into(user_recovery_codes::table).values(&rows).execute(tx).await?;
    Ok(())
}

/// Recovery codes that still work.
pub async fn recovery_codes_left(tx: &mut Tx, user: UserId) -> QueryResult<i64> {
    user_recovery_codes::table
        .filter(user_recovery_codes::user_id.eq(user.0))
        .filter(user_recovery_codes::used_at.is_null())
        .count()
        .get_result(tx)
        .await
}

/// Removes the second factor.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(user_recovery_codes::table.filter(user_recovery_codes::user_id.eq(user.0)))
        .execute(tx)
        .await?;
    diesel::delete(user_totp::table.find(user.0)).execute(tx).await?;
    Ok(())
}
