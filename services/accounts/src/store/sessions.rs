use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::{SessionId, Tier, UserId, UserType};
use uuid::Uuid;

use super::words::{TierWord, TypeWord};
use crate::schema::{session_refresh_tokens, sessions, users};

/// A row, without the digests.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub struct Session {
    pub id: Uuid,
    pub user_id: i32,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub last_activity_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Whether it can still be refreshed.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub struct NewSession<'a> {
    pub user_id: i32,
    pub token: &'a str,
    pub refresh_token: &'a str,
    pub ip_address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub expires_at: DateTime<Utc>,
    pub access_expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub last_activity_at: DateTime<Utc>,
}

/// What a refresh sets.
#[derive(AsChangeset)]
#[diesel(table_name = sessions)]
pub struct Rotation<'a> {
    pub token: &'a str,
    pub refresh_token: &'a str,
    pub ip_address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub expires_at: DateTime<Utc>,
    pub access_expires_at: DateTime<Utc>,
    pub last_activity_at: DateTime<Utc>,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    Logout,
    Revoked,
    Dropped,
    PasswordChanged,
    TokenReuse,
}

impl EndReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Dropped => "dropped",
            Self::PasswordChanged => "password_changed",
            Self::TokenReuse => "token_reuse",
        }
    }
}

pub async fn insert(tx: &mut Tx, session: NewSession<'_>) -> QueryResult<Session> {
    diesel::insert_into(sessions::table)
        .values(session)
        .returning(Session::as_returning())
        .get_result(tx)
        .await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn live_of(user: i32, now: DateTime<Utc>) -> _ {
    sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::created_at.desc(), sessions::id.desc()))
}

/// The user's sessions that can still be refreshed, newest first.
pub async fn live(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> QueryResult<Vec<Session>> {
    live_of(user.0, now).select(Session::as_select()).load(tx).await
}

/// One of the user's sessions, whatever became of it.
pub async fn of_user(tx: &mut Tx, user: UserId, id: SessionId) -> QueryResult<Option<Session>> {
    sessions::table
        .find(id.0)
        .filter(sessions::user_id.eq(user.0))
        .select(Session::as_select())
        .first(tx)
        .await
        .optional()
}

/// (the user had a session, the user had one from `user_agent`), ended ones included.
pub async fn had(tx: &mut Tx, user: UserId, user_agent: Option<&str>) -> QueryResult<(bool, bool)> {
    let of_user = sessions::table.filter(sessions::user_id.eq(user.0));
    diesel::select((
        exists(of_user),
        exists(of_user.filter(sessions::user_agent.is_not_distinct_from(user_agent))),
    ))
    .get_result(tx)
    .await
}

/// Ends those of `ids` that had not ended; returns which.
pub async fn end(
    tx: &mut Tx,
    user: UserId,
    ids: &[Uuid],
    reason: EndReason,
    now: DateTime<Utc>,
) -> QueryResult<Vec<SessionId>> {
    let ended: Vec<Uuid> = diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user.0))
        .filter(sessions::id.eq_any(ids))
        .filter(sessions::ended_at.is_null())
        .set((
            sessions::ended_at.eq(now),
            sessions::end_reason.eq(reason.as_str()),
            sessions::ip_address.eq(None::<String>),
        ))
        .returning(sessions::id)
        .get_results(tx)
        .await?;
    Ok(ended.into_iter().map(SessionId).collect())
}

/// The session whose current refresh token this is, locked.
pub async fn lock_by_refresh_token(tx: &mut Tx, digest: &str) -> QueryResult<Option<Session>> {
    sessions::table
        .filter(sessions::refresh_token.eq(digest))
        .select(Session::as_select())
        .for_no_key_update()
        .first(tx)
        .await
        .optional()
}

/// The session that a refresh token once belonged to, and when it was replaced.
pub async fn replaced(tx: &mut Tx, digest: &str) -> QueryResult<Option<(Uuid, DateTime<Utc>)>> {
    session_refresh_tokens::table
        .find(digest)
        .select((session_refresh_tokens::session_id, session_refresh_tokens::replaced_at))
        .first(tx)
        .await
        .optional()
}

pub async fn lock(tx: &mut Tx, id: Uuid) -> QueryResult<Option<Session>> {
    sessions::table.find(id).select(Session::as_select()).for_no_key_update().first(tx).await.optional()
}

/// Replaces the tokens; the session must be locked. The refresh token it had is remembered as used.
pub async fn rotate(tx: &mut Tx, id: Uuid, rotation: Rotation<'_>) -> QueryResult<Session> {
    let now = rotation.last_activity_at;
    let current = sessions::table.find(id).filter(sessions::refresh_token.is_not_null()).select((
        sessions::refresh_token.assume_not_null(),
        sessions::id,
        now.into_sql::<diesel::sql_types::Timestamptz>(),
    ));
    diesel::insert_into(session_refresh_tokens::table)
        .values(current)
        .into_columns((
            session_refresh_tokens::digest,
            session_refresh_tokens::session_id,
            session_refresh_tokens::replaced_at,
        ))
        .execute(tx)
        .await?;
    diesel::update(sessions::table.find(id))
        .set(rotation)
        .returning(Session::as_returning())
        .get_result(tx)
        .await
}

/// Forgets refresh tokens that were replaced so long ago that they would have expired anyway.
pub async fn forget_replaced(tx: &mut Tx, id: Uuid, before: DateTime<Utc>) -> QueryResult<()> {
    diesel::delete(session_refresh_tokens::table)
        .filter(session_refresh_tokens::session_id.eq(id))
        .filter(session_refresh_tokens::replaced_at.lt(before))
        .execute(tx)
        .await?;
    Ok(())
}

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
    pub admin: bool,
    pub suspended_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = TierWord)]
    pub tier: Tier,
}

/// A macro, so that the test that asks Postgres for the plan has the very query.
macro_rules! token_look_up {
    ($digest:expr, $now:expr) => {
        sessions::table
            .inner_join(users::table)
            .filter(sessions::token.eq($digest))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::access_expires_at.gt($now))
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
                users::is_admin,
                users::suspended_at,
                users::subscription_tier,
            ))
    };
}

/// The live session of an access token and its user.
pub async fn authenticate(
    connection: &mut AsyncPgConnection,
    digest: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Authenticated>> {
    token_look_up!(digest, now).first(connection).await.optional()
}

/// Notes that the session is in use.
pub async fn touch(connection: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(sessions::table.find(id))
        .set(sessions::last_activity_at.eq(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets sessions that ended, or would have, before `before`, and the addresses of those that have expired by `now`.
pub async fn sweep(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::delete(sessions::table).filter(sessions::expires_at.lt(before)).execute(connection).await?;
    diesel::update(sessions::table)
        .filter(sessions::expires_at.lt(now))
        .filter(sessions::ip_address.is_not_null())
        .set(sessions::ip_address.eq(None::<String>))
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
    }

    #[tokio::test]
    async fn a_users_sessions_are_found_by_index_under_row_level_security() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts").await;
        let now = pitchey_clock::Clock::system().now();
        let plan = Plan::of(&mut connection, live_of(1, now).select(sessions::id)).await;
        plan.assert_uses_index("sessions_user_id_idx");
    }
}
