//! `nda_policies`: whose requests an owner approves automatically.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::schema::nda_policies as policies;
use crate::words::Policy;

diesel::define_sql_function! {
    /// The policy of any owner; the row itself is visible to that owner only.
    fn nda_policy_for(owner: Integer) -> Text;
}

/// The policy of `owner`, whoever asks.
pub async fn of(tx: &mut Tx, owner: UserId) -> QueryResult<Policy> {
    diesel::select(nda_policy_for(owner.0)).get_result(tx).await
}

/// Sets the policy of `owner`, who must be the acting user.
pub async fn set(tx: &mut Tx, owner: UserId, policy: Policy, now: DateTime<Utc>) -> QueryResult<()> {
    let value = (policies::policy.eq(policy.as_str()), policies::updated_at.eq(now));
    diesel::insert_into(policies::table)
        .values((policies::user_id.eq(owner.0), value))
        .on_conflict(policies::user_id)
        .do_update()
        .set(value)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets the policy of `owner`.
pub async fn forget(tx: &mut Tx, owner: UserId) -> QueryResult<()> {
    diesel::delete(policies::table.filter(policies::user_id.eq(owner.0))).execute(tx).await?;
    Ok(())
}
