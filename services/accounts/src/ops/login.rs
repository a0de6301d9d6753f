//! Logging in: prove who it is, then begin a session.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{SessionId, SessionStarted, UserId, UserType};
use serde_json::json;

use super::sessions::{self, LoggedIn, Pair};
use super::throttle::{self, Counted, Turn};
use super::{closing, second_factor};
use crate::error::Error;
use crate::passwords::Verdict;
use crate::state::AppState;
use crate::store::sessions::EndReason;
use crate::store::{self, users};
use crate::view::OwnUser;

/// Sessions a user may have; one more drops the oldest.
const MOST_SESSIONS: usize = 5;

/// What was typed, and where.
pub struct Attempt<'a> {
    pub email: &'a str,
    pub password: &'a str,
    /// The only type that this door lets in.
    pub door: Option<UserType>,
    /// Of the second factor, or a recovery code.
    pub code: Option<&'a str>,
}

/// Somebody who gave the right password.
struct Proven {
    user: UserId,
    hash: String,
    new_hash: Option<String>,
    turn: Turn,
    counted: Counted,
}

/// Logs in: tokens of a new session.
pub async fn log_in(state: &AppState, attempt: Attempt<'_>, origin: &Origin) -> Result<LoggedIn, Error> {
    let code = attempt.code;
    let proven = prove(state, attempt, origin).await?;
    let mut tx = state.databases.user.begin(Some(proven.user)).await?;
    match begin_session(&mut tx, state, &proven, code, origin).await {
        Ok(logged_in) => {
            tx.commit().await?;
            Ok(logged_in)
        }
        Err(error) => {
            tx.rollback().await?;
            // A wrong code counts like a wrong password; that one is needed is found out by asking.
            let withdraw =
                (!matches!(error, Error::SecondFactorWrong)).then_some((&proven.turn, &proven.counted));
            Err(refused(state, Some(proven.user), withdraw, error, origin).await?)
        }
    }
}

/// Whether somebody is who they say. The hash is computed between two transactions, not in one.
async fn prove(state: &AppState, attempt: Attempt<'_>, origin: &Origin) -> Result<Proven, Error> {
    let turn = state.turns.take(attempt.email, origin.ip.as_deref()).await;
    let mut tx = state.databases.user.begin(None).await?;
    let counted = throttle::attempt(&mut tx, &turn, state.clock.now()).await?;
    let found = users::by_email(&mut tx, attempt.email).await?;
    tx.commit().await?;

    let hash = found.as_ref().map(|(_, hash)| hash.as_str());
    let verdict = throttle::verify(state, &turn, &counted, attempt.password, hash).await?;
    let (user, hash) = match (verdict, found) {
        (Verdict::Right | Verdict::RightButOutdated, Some(found)) => found,
        (_, found) => {
            let user = found.map(|(user, _)| user.id());
            return Err(refused(state, user, None, Error::WrongCredentials, origin).await?);
        }
    };
    let refusal = match attempt.door {
        _ if !user.may_log_in() && !closing::may_come_back(&user, state.clock.now()) => {
            Some(Error::AccountClosed)
        }
        Some(door) if door != user.user_type => Some(Error::WrongDoor(user.user_type)),
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Err(refused(state, Some(user.id()), Some((&turn, &counted)), refusal, origin).await?);
    }
    let new_hash = match verdict {
        Verdict::RightButOutdated => Some(state.passwords.hash(attempt.password).await?),
        _ => None,
    };
    Ok(Proven { user: user.id(), hash, new_hash, turn, counted })
}

/// Leaves a row in the audit log, the same statements whether the account exists or not. What was no guess at the password is withdrawn as an attempt;
/// former ones stay, or guessing codes would begin anew with each.
async fn refused(
    state: &AppState,
    user: Option<UserId>,
    withdraw: Option<(&Turn, &Counted)>,
    error: Error,
    origin: &Origin,
) -> Result<Error, Error> {
    let mut tx = state.databases.user.begin(None).await?;
    if let Some((turn, counted)) = withdraw {
        throttle::withdraw(&mut tx, turn, counted).await?;
    }
    let entry = Entry {
        action: "login.failed",
        entity_type: Some("user"),
        entity_id: user.map(|id| i64::from(id.0)),
        new_values: Some(json!({ "reason": pitchey_web::ApiError::code(&error) })),
        ..Entry::default()
    };
    audit::record(&mut tx, origin, entry);
    tx.commit().await?;
    Ok(error)
}

/// Begins a session of somebody proven, whose transaction `tx` is.
async fn begin_session(
    tx: &mut Tx,
    state: &AppState,
    proven: &Proven,
    code: Option<&str>,
    origin: &Origin,
) -> Result<LoggedIn, Error> {
    let now = state.clock.now();

    // The lock also lets one log-in of a user at a time count the sessions.
    let (mut user, hash) = users::lock(tx, proven.user).await?.ok_or(Error::WrongCredentials)?;
    if hash != proven.hash {
        return Err(Error::WrongCredentials);
    }
    let back = closing::may_come_back(&user, now);
    if !user.may_log_in() && !back {
        return Err(Error::AccountClosed);
    }
    let second_factor = second_factor::check(tx, state, proven.user, code, now).await?;
    if back {
        user = closing::come_back(tx, &user, now, origin).await?;
    }
    if let Some(hash) = &proven.new_hash {
        users::set_password_hash(tx, proven.user, hash).await?;
    }
    throttle::forgive(tx, &proven.turn).await?;

    let (had_any, had_device) = store::sessions::had(tx, proven.user, origin.user_agent.as_deref()).await?;
    let live = store::sessions::live(tx, proven.user, now).await?;
    let surplus: Vec<_> = live.iter().skip(MOST_SESSIONS - 1).map(|session| session.id).collect();
    sessions::end(tx, proven.user, &surplus, EndReason::Dropped, now, origin).await?;

    let pair = Pair::new();
    let session = store::sessions::insert(tx, pair.first(proven.user, second_factor, now, origin)).await?;
    users::set_last_login(tx, proven.user, now).await?;
    user.last_login_at = Some(now);
    let entry = Entry {
        actor: Some(proven.user),
        action: "login.succeeded",
        entity_type: Some("session"),
        entity_key: Some(session.id.to_string()),
        new_values: second_factor.then(|| json!({ "secondFactor": true })),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    let started = SessionStarted {
        user_id: proven.user,
        session_id: SessionId(session.id),
        device_known: had_device || !had_any,
    };
    outbox::append(tx, &started)?;
    Ok(pair.logged_in(OwnUser::of(user, &state.sealer)?))
}
