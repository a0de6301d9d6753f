//! The second factor of a log-in. Anybody may have one; an admin is one only in a session that proved it.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{SessionId, UserId};
use pitchey_web::Refusal;
use secrecy::{ExposeSecret, SecretString};
use totp_rs::Secret;

use super::passwords::Proof;
use crate::error::Error;
use crate::second_factor::{self as codes, place};
use crate::state::AppState;
use crate::store::user_totp::{self, Factor};
use crate::store::{sessions, users};
use crate::tokens::digest;

/// Whether a log-in of `user` with `code` has proved a second factor: false for who has none. The user's row must be locked.
pub async fn check(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let Some(factor) = user_totp::get(tx, user).await?.filter(|factor| factor.confirmed_at.is_some()) else {
        return Ok(false);
    };
    let code = code.map(codes::tidy).filter(|code| !code.is_empty());
    let code = code.ok_or(Error::SecondFactorRequired)?;
    if takes(tx, state, user, &factor, &code, now).await? { Ok(true) } else { Err(Error::SecondFactorWrong) }
}

/// Whether `code` is one, of either kind; it works once.
async fn takes(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    factor: &Factor,
    code: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    match codes::step(opened(state, user, factor)?, code, now)? {
        Some(step) => Ok(user_totp::take_step(tx, user, step).await?),
        None => Ok(user_totp::take_recovery_code(tx, user, &digest(code), now).await?),
    }
}

fn opened(state: &AppState, user: UserId, factor: &Factor) -> Result<Secret, Error> {
    codes::secret(&state.sealer.open(&place(user), &factor.secret)?)
}

/// What an app needs to make codes.
pub struct Enrolment {
    /// In base32.
    pub secret: SecretString,
    pub url: SecretString,
}

/// Gives a user who knows the password a secret; it is asked for once it is confirmed.
pub async fn enrol(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    proof: Option<Proof>,
    origin: &Origin,
) -> Result<Enrolment, Error> {
    let proof = proof.ok_or(Error::WrongPassword("password"))?;
    let (row, hash) = users::lock(tx, user).await?.ok_or(Refusal::Unauthenticated)?;
    if !proof.holds(&hash) {
        return Err(Error::WrongPassword("password"));
    }
    let secret = codes::new_secret();
    let base32 = SecretString::from(secret.to_base32());
    let sealed = state.sealer.seal(&place(user), base32.expose_secret())?;
    if !user_totp::enrol(tx, user, &sealed, state.clock.now()).await? {
        return Err(Error::SecondFactorSet);
    }
    audit::record(tx, origin, entry("second_factor.enrolled", user));
    Ok(Enrolment { secret: base32, url: codes::url(secret, &row.email)?.into() })
}

/// The user's app makes right codes: from now on they are asked for. Returns the recovery codes; this session has proved the factor.
pub async fn confirm(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    session: SessionId,
    code: &str,
    origin: &Origin,
) -> Result<Vec<String>, Error> {
    let now = state.clock.now();
    users::lock(tx, user).await?.ok_or(Refusal::Unauthenticated)?;
    let factor = user_totp::get(tx, user).await?.ok_or(Error::SecondFactorNotSet)?;
    if factor.confirmed_at.is_some() {
        return Err(Error::SecondFactorSet);
    }
    let step = codes::step(opened(state, user, &factor)?, &codes::tidy(code), now)?;
    let step = step.ok_or(Error::CodeWrong)?;
    if !user_totp::take_step(tx, user, step).await? || !user_totp::confirm(tx, user, now).await? {
        return Err(Error::CodeWrong);
    }
    let recovery = codes::recovery_codes();
    let digests: Vec<_> = recovery.iter().map(|code| digest(code)).collect();
    user_totp::set_recovery_codes(tx, user, &digests).await?;
    sessions::set_second_factor(tx, session, now).await?;
    audit::record(tx, origin, entry("second_factor.confirmed", user));
    Ok(recovery)
}

/// Removes the second factor of a user who knows the password and has a code. No session has proved one any more.
pub async fn remove(
    tx: &mut Tx,
    state: &AppState,
    user: UserId,
    proof: Option<Proof>,
    code: &str,
    origin: &Origin,
) -> Result<(), Error> {
    let proof = proof.ok_or(Error::WrongPassword("password"))?;
    let (_, hash) = users::lock(tx, user).await?.ok_or(Refusal::Unauthenticated)?;
    if !proof.holds(&hash) {
        return Err(Error::WrongPassword("password"));
    }
    let factor = user_totp::get(tx, user).await?.ok_or(Error::SecondFactorNotSet)?;
    let confirmed = factor.confirmed_at.is_some();
    if confirmed && !takes(tx, state, user, &factor, &codes::tidy(code), state.clock.now()).await? {
        return Err(Error::CodeWrong);
    }
    user_totp::forget(tx, user).await?;
    sessions::clear_second_factor(tx, user).await?;
    audit::record(tx, origin, entry("second_factor.removed", user));
    Ok(())
}

/// (since when it is asked for, recovery codes left).
pub async fn standing(tx: &mut Tx, user: UserId) -> Result<(Option<DateTime<Utc>>, i64), Error> {
    let since = user_totp::get(tx, user).await?.and_then(|factor| factor.confirmed_at);
    Ok((since, user_totp::recovery_codes_left(tx, user).await?))
}

fn entry(action: &str, user: UserId) -> Entry<'_> {
    Entry {
        actor: Some(user),
        action,
        entity_type: Some("user"),
        entity_id: Some(user.0.into()),
        ..Entry::default()
    }
}
