//! Changing a password, and setting a new one without the old.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{PasswordChanged, PasswordResetRequested, SessionId, UserId};
use pitchey_web::Refusal;

use super::{mail, sessions, throttle};
use crate::error::Error;
use crate::mail_tokens::Purpose;
use crate::passwords::Verdict;
use crate::state::AppState;
use crate::store::sessions::EndReason;
use crate::store::{act_as, mail_tokens, users};
use crate::tokens::digest;

/// The hash that a password was right for.
pub struct Proof(String);

impl Proof {
    /// Whether it still is the user's.
    pub fn holds(&self, hash: &str) -> bool {
        self.0 == hash
    }
}

/// Whether a user who is logged in knows the own password; nothing if it is wrong. Failures count like those of log-ins, so that a stolen session is no
/// way to guess it.
pub async fn prove(
    state: &AppState,
    user: UserId,
    password: &str,
    origin: &Origin,
) -> Result<Option<Proof>, Error> {
    let found = {
        let mut connection = state.databases.user.connection().await?;
        users::password_hash(&mut connection, user).await?
    };
    let (email, current_hash) = found.ok_or(Refusal::Unauthenticated)?;
    let turn = state.turns.take(&email, origin.ip.as_deref()).await;
    let mut tx = state.databases.user.begin(Some(user)).await?;
    let counted = throttle::attempt(&mut tx, &turn, state.clock.now()).await?;
    tx.commit().await?;
    if throttle::verify(state, &turn, &counted, password, Some(&current_hash)).await? == Verdict::Wrong {
        return Ok(None);
    }
    let mut tx = state.databases.user.begin(Some(user)).await?;
    throttle::forgive(&mut tx, &turn).await?;
    tx.commit().await?;
    Ok(Some(Proof(current_hash)))
}

/// A right current password, and the hash of the new one.
pub struct Change {
    current: Proof,
    new_hash: String,
}

/// [`prove`]s the current password and hashes the new one.
pub async fn prepare_change(
    state: &AppState,
    user: UserId,
    current: &str,
    new: &str,
    origin: &Origin,
) -> Result<Option<Change>, Error> {
    let Some(current) = prove(state, user, current, origin).await? else { return Ok(None) };
    Ok(Some(Change { current, new_hash: state.passwords.hash(new).await? }))
}

/// Sets the new password and ends the user's other sessions.
pub async fn change(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    session: SessionId,
    change: Option<Change>,
    origin: &Origin,
) -> Result<(), Error> {
    let change = change.ok_or(Error::WrongPassword("currentPassword"))?;
    let (_, hash) = users::lock(tx, user).await?.ok_or(Refusal::Unauthenticated)?;
    if !change.current.holds(&hash) {
        return Err(Error::WrongPassword("currentPassword"));
    }
    set(tx, state, user, &change.new_hash, Some(session), "password.changed", origin).await
}

/// Promises a mail with a token to whoever owns the address, if anybody does. The caller must not be told.
pub async fn forgot(tx: &mut Tx, state: &AppState, email: &str, origin: &Origin) -> Result<(), Error> {
    let Some((found, _)) = users::by_email(tx, email).await? else { return Ok(()) };
    let Some((user, _)) = users::lock(tx, found.id()).await? else { return Ok(()) };
    let (id, now) = (user.id(), state.clock.now());
    if !user.may_log_in() {
        return Ok(());
    }
    let (purpose, ip) = (Purpose::PasswordReset, origin.ip.as_deref());
    let promised = mail::promise_stranger(tx, &state.mail_tokens, id, purpose, ip, now).await?;
    if let Some(mail_request_id) = promised {
        let entry = Entry {
            action: "password.reset_requested",
            entity_type: Some("user"),
            entity_id: Some(id.0.into()),
            ..Entry::default()
        };
        audit::record(tx, origin, entry);
        outbox::append(tx, &PasswordResetRequested { user_id: id, mail_request_id })?;
    }
    Ok(())
}

/// The hash of the new password, if the token works: nobody without one makes us hash.
pub async fn prepare_reset(state: &AppState, token: &str, new: &str) -> Result<Option<String>, Error> {
    let works = {
        let mut connection = state.databases.user.connection().await?;
        mail_tokens::works(&mut connection, &digest(token), Purpose::PasswordReset, state.clock.now()).await?
    };
    if works { state.passwords.hash(new).await.map(Some) } else { Ok(None) }
}

/// Sets the new password and ends all sessions. `tx` is nobody's and becomes the user's.
pub async fn reset(
    tx: &mut Tx,
    state: &AppState,
    token: &str,
    new_hash: Option<&str>,
    origin: &Origin,
) -> Result<(), Error> {
    let new_hash = new_hash.ok_or(Error::MailTokenInvalid)?;
    let digest = digest(token);
    let owner = mail_tokens::owner(tx, &digest, Purpose::PasswordReset).await?;
    let id = owner.ok_or(Error::MailTokenInvalid)?;
    act_as(tx, id).await?;
    let (user, _) = users::lock(tx, id).await?.ok_or(Error::MailTokenInvalid)?;
    let works = mail_tokens::consume(tx, &digest, Purpose::PasswordReset, state.clock.now()).await?;
    if !works || !user.may_log_in() {
        return Err(Error::MailTokenInvalid);
    }
    set(tx, state, id, new_hash, None, "password.reset", origin).await
}

async fn set(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    hash: &str,
    keep: Option<SessionId>,
    action: &str,
    origin: &Origin,
) -> Result<(), Error> {
    let now = state.clock.now();
    users::set_password_hash(tx, user, hash).await?;
    // A token that was asked for before is no way in any more.
    mail_tokens::invalidate(tx, user, Purpose::PasswordReset, now).await?;
    sessions::end_all(tx, user, keep, EndReason::PasswordChanged, now, origin).await?;
    let entry = Entry {
        actor: Some(user),
        action,
        entity_type: Some("user"),
        entity_id: Some(user.0.into()),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    outbox::append(tx, &PasswordChanged { user_id: user })?;
    Ok(())
}
