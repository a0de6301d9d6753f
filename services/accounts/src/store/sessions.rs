use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::{SessionId, UserId};
use uuid::Uuid;

use crate::schema::{session_branches, session_refresh_tokens, sessions};

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
    pub second_factor_at: Option<DateTime<Utc>>,
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
    Banned,
    Deleted,
}

impl EndReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Dropped => "dropped",
            Self::PasswordChanged => "password_changed",
            Self::TokenReuse => "token_reuse",
            Self::Banned => "banned",
            Self::Deleted => "deleted",
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

/// All of the user's sessions that are still known, newest first.
pub async fn all(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Session>> {
    sessions::table
        .filter(sessions::user_id.eq(user.0))
        .order(sessions::created_at.desc())
        .limit(1_000)
        .select(Session::as_select())
        .load(tx)
        .await
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

/// A pair of tokens that works beside the newest of its session.
#[derive(Queryable)]
pub struct Branch {
    pub id: i64,
    pub session_id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// The branch whose refresh token this is.
pub async fn branch(tx: &mut Tx, digest: &str) -> QueryResult<Option<Branch>> {
    session_branches::table
        .filter(session_branches::refresh_token.eq(digest))
        .select((session_branches::id, session_branches::session_id, session_branches::expires_at))
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

/// Which of a session's refresh tokens was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// That of the newest pair.
    Newest,
    /// That of a pair beside it.
    Branch(i64),
    /// One that was replaced a moment ago: the client did not get the answer, or two of its windows asked at once.
    Replaced,
}

/// Pairs of a session that work beside the newest: more windows than that do not ask at once.
const MOST_BRANCHES: i64 = 4;

/// Sets a new pair for that of the refresh token `digest`, which is used up; the session must be locked. Where it was not the newest pair, the newest
/// goes on beside the new one: somebody may be using it.
pub async fn rotate(
    tx: &mut Tx,
    id: Uuid,
    digest: &str,
    shown: Shown,
    rotation: Rotation<'_>,
) -> QueryResult<()> {
    if shown != Shown::Replaced {
        diesel::insert_into(session_refresh_tokens::table)
            .values((
                session_refresh_tokens::digest.eq(digest),
                session_refresh_tokens::session_id.eq(id),
                session_refresh_tokens::replaced_at.eq(rotation.last_activity_at),
            ))
            .execute(tx)
            .await?;
    }
    if let Shown::Branch(branch) = shown {
        diesel::delete(session_branches::table.find(branch)).execute(tx).await?;
    }
    if shown != Shown::Newest {
        let newest = sessions::table.find(id).filter(sessions::refresh_token.is_not_null()).select((
            sessions::id,
            sessions::token,
            sessions::refresh_token.assume_not_null(),
            sessions::access_expires_at,
            sessions::expires_at,
        ));
        diesel::insert_into(session_branches::table)
            .values(newest)
            .into_columns((
                session_branches::session_id,
                session_branches::token,
                session_branches::refresh_token,
                session_branches::access_expires_at,
                session_branches::expires_at,
            ))
            .execute(tx)
            .await?;
        forget_surplus(tx, id).await?;
    }
    diesel::update(sessions::table.find(id)).set(rotation).execute(tx).await?;
    Ok(())
}

async fn forget_surplus(tx: &mut Tx, id: Uuid) -> QueryResult<()> {
    let oldest_kept = session_branches::table
        .filter(session_branches::session_id.eq(id))
        .select(session_branches::id)
        .order(session_branches::id.desc())
        .offset(MOST_BRANCHES - 1)
        .first::<i64>(tx)
        .await
        .optional()?;
    if let Some(oldest) = oldest_kept {
        diesel::delete(session_branches::table)
            .filter(session_branches::session_id.eq(id))
            .filter(session_branches::id.lt(oldest))
            .execute(tx)
            .await?;
    }
    Ok(())
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

/// The user proved a second factor in this session.
pub async fn set_second_factor(tx: &mut Tx, id: SessionId, at: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(sessions::table.find(id.0)).set(sessions::second_factor_at.eq(at)).execute(tx).await?;
    Ok(())
}

/// The second factor is gone, and with it what it proved.
pub async fn clear_second_factor(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::update(sessions::table.filter(sessions::user_id.eq(user.0)))
        .set(sessions::second_factor_at.eq(None::<DateTime<Utc>>))
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets all sessions of a user who is gone.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user.0))).execute(tx).await?;
    Ok(())
}

/// Forgets sessions that ended, or would have, before `before`, and the addresses of those that have expired by `now`.
pub async fn sweep(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> QueryResult<usize> {
    // What ended before would have expired within a week of it: a range of the index.
    let ended = diesel::delete(sessions::table)
        .filter(sessions::expires_at.lt(before + TimeDelta::days(7)))
        .filter(sessions::expires_at.lt(before).or(sessions::ended_at.lt(before)))
        .execute(connection)
        .await?;
    let branches = diesel::delete(session_branches::table)
        .filter(session_branches::expires_at.lt(now))
        .execute(connection)
        .await?;
    let addresses = diesel::update(sessions::table)
        .filter(sessions::expires_at.lt(now))
        .filter(sessions::ip_address.is_not_null())
        .set(sessions::ip_address.eq(None::<String>))
        .execute(connection)
        .await?;
    Ok(ended + branches + addresses)
}

#[cfg(test)]
mod tests {
    use pitchey_testkit::{Plan, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn a_users_sessions_are_found_by_index_under_row_level_security() {
        let db = TestDatabase::create().await;
        let mut connection = db.connect_as("pitchey_accounts").await;
        let now = pitchey_clock::Clock::system().now();
        let plan = Plan::of(&mut connection, live_of(1, now).select(sessions::id)).await;
        plan.assert_uses_index("sessions_user_id_idx");
    }
}
