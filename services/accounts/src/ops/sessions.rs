//! Sessions after the log-in: refreshed, ended, listed.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{SessionId, SessionsRevoked, UserId};
use pitchey_web::Refusal;
use serde::Serialize;
use uuid::Uuid;

use crate::error::Error;
use crate::state::AppState;
use crate::store::sessions::{EndReason, NewSession, Rotation, Session, Shown};
use crate::store::{sessions, users};
use crate::tokens::{self, Token};
use crate::view::OwnUser;

const ACCESS: TimeDelta = TimeDelta::hours(2);
const REFRESH: TimeDelta = TimeDelta::days(7);
/// How long a replaced refresh token may come again: a client that did not get its answer, or two of its windows at once.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// The tokens of a session, both new.
pub struct Pair {
    access: Token,
    refresh: Token,
}

/// What a log-in and a refresh answer.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// To be sent as `Authorization: Bearer`.
    pub token: String,
    /// Good for one refresh.
    pub refresh_token: String,
    /// Seconds that `token` works.
    #[serde(rename = "expires_in")]
    pub expires_in: i64,
    /// Who logged in.
    pub user: OwnUser,
}

impl Pair {
    pub fn new() -> Self {
        Self { access: Token::access(), refresh: Token::refresh() }
    }

    /// The row of a new session with these tokens.
    pub fn first<'a>(
        &'a self,
        user: UserId,
        second_factor: bool,
        now: DateTime<Utc>,
        origin: &'a Origin,
    ) -> NewSession<'a> {
        NewSession {
            user_id: user.0,
            token: &self.access.digest,
            refresh_token: &self.refresh.digest,
            ip_address: origin.ip.as_deref(),
            user_agent: origin.user_agent.as_deref(),
            expires_at: now + REFRESH,
            access_expires_at: now + ACCESS,
            created_at: now,
            last_activity_at: now,
            second_factor_at: second_factor.then_some(now),
        }
    }

    fn next<'a>(&'a self, now: DateTime<Utc>, origin: &'a Origin) -> Rotation<'a> {
        Rotation {
            token: &self.access.digest,
            refresh_token: &self.refresh.digest,
            ip_address: origin.ip.as_deref(),
            user_agent: origin.user_agent.as_deref(),
            expires_at: now + REFRESH,
            access_expires_at: now + ACCESS,
            last_activity_at: now,
        }
    }

    pub fn logged_in(self, user: OwnUser) -> LoggedIn {
        LoggedIn {
            token: self.access.text,
            refresh_token: self.refresh.text,
            expires_in: ACCESS.num_seconds(),
            user,
        }
    }
}

/// New tokens for an old refresh token. It is not known whose it is before it is found, so this runs as the system.
pub async fn refresh(state: &AppState, token: &str, origin: &Origin) -> Result<LoggedIn, Error> {
    let now = state.clock.now();
    let digest = tokens::hex(&tokens::digest(token));
    let mut tx = state.databases.system.begin().await?;
    let (session, shown) = match find(&mut tx, &digest, now).await? {
        Found::Good(session, shown) => (session, shown),
        Found::Reused(session) => {
            if session.is_live(now) {
                end_reused(&mut tx, &session, now, origin).await?;
                tx.commit().await?;
            }
            return Err(Error::RefreshTokenReused);
        }
        Found::Nothing => return Err(Error::RefreshTokenInvalid),
    };
    let user = users::get(&mut tx, UserId(session.user_id)).await?;
    let user =
        user.filter(|user| user.may_log_in() && session.is_live(now)).ok_or(Error::RefreshTokenInvalid)?;
    let pair = Pair::new();
    sessions::forget_replaced(&mut tx, session.id, now - REFRESH).await?;
    sessions::rotate(&mut tx, session.id, &digest, shown, pair.next(now, origin)).await?;
    tx.commit().await?;
    Ok(pair.logged_in(OwnUser::of(user, &state.sealer)?))
}

/// What a refresh token turned out to be.
enum Found {
    /// It may be used; the session is locked.
    Good(Session, Shown),
    /// It was used before, too long ago to be a repetition; the session is locked.
    Reused(Session),
    Nothing,
}

/// Each step looks again under the session's lock: who waited for it finds the token replaced meanwhile.
async fn find(tx: &mut Tx, digest: &str, now: DateTime<Utc>) -> Result<Found, Error> {
    if let Some(session) = sessions::lock_by_refresh_token(tx, digest).await? {
        return Ok(Found::Good(session, Shown::Newest));
    }
    if let Some(branch) = sessions::branch(tx, digest).await? {
        let Some(session) = sessions::lock(tx, branch.session_id).await? else { return Ok(Found::Nothing) };
        if let Some(branch) = sessions::branch(tx, digest).await? {
            let good = branch.expires_at > now;
            return Ok(if good { Found::Good(session, Shown::Branch(branch.id)) } else { Found::Nothing });
        }
    }
    let Some((id, replaced_at)) = sessions::replaced(tx, digest).await? else { return Ok(Found::Nothing) };
    let Some(session) = sessions::lock(tx, id).await? else { return Ok(Found::Nothing) };
    Ok(if now - replaced_at > GRACE { Found::Reused(session) } else { Found::Good(session, Shown::Replaced) })
}

async fn end_reused(
    tx: &mut Tx,
    session: &Session,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<(), Error> {
    let user = UserId(session.user_id);
    tracing::warn!(%user, session = %session.id, "a refresh token was used again; its session ends");
    end(tx, user, &[session.id], EndReason::TokenReuse, now, origin).await?;
    Ok(())
}

/// Ends sessions of `user`, and tells everybody; returns how many had not ended.
pub async fn end(
    tx: &mut Tx,
    user: UserId,
    ids: &[Uuid],
    reason: EndReason,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<usize, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let ended = sessions::end(tx, user, ids, reason, now).await?;
    let action = match reason {
        EndReason::Logout => "logout",
        EndReason::TokenReuse => "session.refresh_reused",
        EndReason::Revoked
        | EndReason::Dropped
        | EndReason::PasswordChanged
        | EndReason::Banned
        | EndReason::Deleted => "session.revoked",
    };
    for id in &ended {
        let entry = Entry {
            // Who shows a stolen token is not the user, nor known; who bans is in the row of the ban.
            actor: (!matches!(reason, EndReason::TokenReuse | EndReason::Banned)).then_some(user),
            action,
            entity_type: Some("session"),
            entity_key: Some(id.to_string()),
            new_values: Some(serde_json::json!({ "reason": reason.as_str() })),
            ..Entry::default()
        };
        audit::record(tx, origin, entry);
    }
    let count = ended.len();
    if count > 0 {
        outbox::append(tx, &SessionsRevoked { user_id: user, session_ids: ended })?;
    }
    Ok(count)
}

/// Ends all sessions of `user`, but for one.
pub async fn end_all(
    tx: &mut Tx,
    user: UserId,
    except: Option<SessionId>,
    reason: EndReason,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<usize, Error> {
    let live = sessions::live(tx, user, now).await?;
    let ids: Vec<_> =
        live.iter().map(|session| session.id).filter(|&id| Some(SessionId(id)) != except).collect();
    end(tx, user, &ids, reason, now, origin).await
}

/// Ends one of the user's own sessions; one that ended already stays as it is.
pub async fn revoke(
    tx: &mut Tx,
    user: UserId,
    id: SessionId,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<(), Error> {
    if end(tx, user, &[id.0], EndReason::Revoked, now, origin).await? == 0
        && sessions::of_user(tx, user, id).await?.is_none()
    {
        return Err(Refusal::NotFound.into());
    }
    Ok(())
}
