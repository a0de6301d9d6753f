//! Promising a mail with a token in it.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_db::Tx;
use pitchey_events::{MailRequestId, UserId};

use crate::error::Error;
use crate::mail_tokens::{MailTokens, Purpose, digest};
use crate::store::mail_tokens::{self, NewMailToken};
use crate::store::users;
use crate::tokens::hex;

/// Asking again this soon gets no second mail.
const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Promises a mail to `user`, whose row must be locked. Older tokens of the purpose stop working.
pub async fn promise(
    tx: &mut Tx,
    tokens: &MailTokens,
    user: UserId,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<MailRequestId, Error> {
    mail_tokens::invalidate(tx, user, purpose, now).await?;
    let nonce: [u8; 16] = rand::random();
    let digest = digest(&tokens.token(purpose, user, &nonce));
    if purpose == Purpose::EmailVerification {
        users::set_verification_digest(tx, user, &hex(&digest)).await?;
    }
    let token = NewMailToken {
        user_id: user.0,
        purpose: purpose.as_str(),
        nonce: &nonce,
        digest,
        expires_at: now + purpose.lifetime(),
        created_at: now,
    };
    Ok(mail_tokens::insert(tx, token).await?)
}

/// [`promise`], unless one was promised a moment ago and still works.
pub async fn promise_again(
    tx: &mut Tx,
    tokens: &MailTokens,
    user: UserId,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Option<MailRequestId>, Error> {
    if mail_tokens::promised_since(tx, user, purpose, now - PAUSE).await? {
        return Ok(None);
    }
    promise(tx, tokens, user, purpose, now).await.map(Some)
}
