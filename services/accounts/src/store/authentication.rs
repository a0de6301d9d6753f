//! Whose session it is, of those that live: what every request asks.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_events::{Tier, UserType};
use uuid::Uuid;

use super::words::{TierWord, TypeWord};
use crate::schema::{session_branches, sessions, users};

/// What every request of a logged-in user needs to know.
#[derive(Queryable)]
pub struct Authenticated {
    pub session_id: Uuid,
    pub access_expires_at: DateTime<Utc>,
    pub last_activity_at: DateTime<Utc>,
    pub user_id: i32,
    #[diesel(deserialize_as = TypeWord)]
    pub user_type: UserType,
    pub email_verified: bool,
    pub company_verified: bool,
    /// Runs the platform, and proved the second factor in this session.
    pub admin: bool,
    pub suspended_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = TierWord)]
    pub tier: Tier,
}

macro_rules! live {
    ($which:expr) => {
        sessions::table
            .inner_join(users::table)
            .filter($which)
            .filter(sessions::ended_at.is_null())
            .filter(users::is_active)
            .filter(users::banned_at.is_null())
            .filter(users::deleted_at.is_null())
            .select((
                sessions::id,
                sessions::access_expires_at,
                sessions::last_activity_at,
                users::id,
                users::user_type,
                users::email_verified,
                users::company_verified,
                users::is_admin.and(sessions::second_factor_at.is_not_null()),
                users::suspended_at,
                users::subscription_tier,
            ))
    };
}

/// A macro, so that the test that asks Postgres for the plan has the very query.
macro_rules! token_look_up {
    ($digest:expr, $now:expr) => {
        live!(sessions::token.eq($digest).and(sessions::access_expires_at.gt($now)))
    };
}

/// The live session of this id and its user, whatever its access token is by now.
pub async fn living(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Option<Authenticated>> {
    live!(sessions::id.eq(id).and(sessions::expires_at.gt(now))).first(connection).await.optional()
}

/// (session, user) of those of `ids` that live.
pub async fn all_living(
    connection: &mut AsyncPgConnection,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> QueryResult<Vec<(Uuid, i32)>> {
    live!(sessions::id.eq_any(ids).and(sessions::expires_at.gt(now)))
        .select((sessions::id, users::id))
        .load(connection)
        .await
}

/// The live session of an access token and its user.
pub async fn authenticate(
    connection: &mut AsyncPgConnection,
    digest: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Authenticated>> {
    let found = token_look_up!(digest, now).first(connection).await.optional()?;
    if found.is_some() {
        return Ok(found);
    }
    let branch: Option<(Uuid, DateTime<Utc>)> =
        branch_look_up(digest, now).first(connection).await.optional()?;
    let Some((id, access_expires_at)) = branch else { return Ok(None) };
    let session = living(connection, id, now).await?;
    Ok(session.map(|session| Authenticated { access_expires_at, ..session }))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn branch_look_up<'a>(digest: &'a str, now: DateTime<Utc>) -> _ {
    session_branches::table
        .filter(session_branches::token.eq(digest))
        .filter(session_branches::access_expires_at.gt(now))
        .select((session_branches::session_id, session_branches::access_expires_at))
}

/// Notes that the session is in use.
pub async fn touch(connection: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(sessions::table.find(id))
        .set(sessions::last_activity_at.eq(now))
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn a_token_is_looked_up_by_index_as_the_run_time_role() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts_system").await;
        let now = pitchey_clock::Clock::system().now();
        let plan = Plan::of(&mut connection, token_look_up!("digest", now)).await;
        plan.assert_uses_index("sessions_token_key");
        plan.assert_uses_index("users_pkey");
        let plan = Plan::of(&mut connection, branch_look_up("digest", now)).await;
        plan.assert_uses_index("session_branches_token_key");
    }
}
