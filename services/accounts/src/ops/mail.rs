//! Promising a mail with a token in it.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_db::Tx;
use pitchey_events::{MailRequestId, UserId};

use super::throttle::place;
use crate::error::Error;
use crate::mail_tokens::{MailTokens, Purpose};
use crate::store::mail_tokens::{self, NewMailToken};
use crate::store::users;
use crate::tokens::{digest, hex};

/// Tokens of a purpose that work at the same time.
const MOST_AT_ONCE: i64 = 3;
/// Asking again this soon gets no second mail.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Mails of a purpose that one user gets: in an hour, in a day.
const LIMITS: [(TimeDelta, usize); 2] = [(TimeDelta::hours(1), 4), (TimeDelta::days(1), 10)];
/// Mails in an hour that strangers at one place can have sent.
const MOST_FROM_A_PLACE: i64 = 20;

/// Promises a mail to `user`, whose row must be locked. The oldest tokens of the purpose stop working.
pub async fn promise(
    tx: &mut Tx,
    tokens: &MailTokens,
    user: UserId,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<MailRequestId, Error> {
    promise_for(tx, tokens, user, purpose, None, now).await
}

async fn promise_for(
    tx: &mut Tx,
    tokens: &MailTokens,
    user: UserId,
    purpose: Purpose,
    requested_from: Option<&str>,
    now: DateTime<Utc>,
) -> Result<MailRequestId, Error> {
    mail_tokens::invalidate_older(tx, user, purpose, MOST_AT_ONCE - 1, now).await?;
    let nonce: [u8; 16] = rand::random();
    let digest = digest(&tokens.token(purpose, user, &nonce));
    if purpose == Purpose::EmailVerification {
        users::set_verification_digest(tx, user, &hex(&digest)).await?;
    }
    let token = NewMailToken {
        user_id: user.0,
        purpose: purpose.as_str(),
        nonce: &nonce,
        digest: &digest,
        expires_at: now + purpose.lifetime(),
        created_at: now,
        requested_from,
    };
    Ok(mail_tokens::insert(tx, token).await?)
}

/// [`promise`], unless the user got one a moment ago, or many lately.
pub async fn promise_again(
    tx: &mut Tx,
    tokens: &MailTokens,
    user: UserId,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<MailRequestId>, Error> {
    if is_enough(tx, user, purpose, now).await? {
        return Ok(None);
    }
    promise(tx, tokens, user, purpose, now).await.map(Some)
}

/// [`promise_again`], on the word of a stranger at `ip`: also not if that place had many mails sent.
pub async fn promise_stranger(
    tx: &mut Tx,
    tokens: &MailTokens,
    user: UserId,
    purpose: Purpose,
    ip: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<MailRequestId>, Error> {
    let place = place(ip.unwrap_or_default());
    let sent = mail_tokens::lock_and_count(tx, &place, now - TimeDelta::hours(1)).await?;
    if sent >= MOST_FROM_A_PLACE || is_enough(tx, user, purpose, now).await? {
        metrics::counter!("mails_not_promised_total").increment(1);
        return Ok(None);
    }
    promise_for(tx, tokens, user, purpose, Some(&place), now).await.map(Some)
}

async fn is_enough(tx: &mut Tx, user: UserId, purpose: Purpose, now: DateTime<Utc>) -> Result<bool, Error> {
    let [_, (longest, most)] = LIMITS;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let promised = mail_tokens::promised_since(tx, user, purpose, now - longest, most).await?;
    let since = |time: TimeDelta| promised.iter().filter(|at| **at > now - time).count();
    Ok(since(PAUSE) > 0 || LIMITS.iter().any(|&(time, most)| since(time) >= most))
}
