//! Becoming a user, and proving the e-mail address.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{EmailVerificationRequested, EmailVerified, UserId, UserRegistered, UserType};
use pitchey_rpc::PublicUser;
use pitchey_web::Refusal;
use serde_json::json;

use super::{consents, mail, users::announce};
use crate::error::Error;
use crate::mail_tokens::Purpose;
use crate::state::AppState;
use crate::store::users::{self, NewUser};
use crate::store::words::TypeWord;
use crate::store::{act_as, mail_tokens};
use crate::tokens::digest;
use crate::view::{self, OwnUser};

/// Who wants to become a user.
pub struct Registration<'a> {
    pub email: &'a str,
    pub username: &'a str,
    pub password_hash: &'a str,
    pub user_type: UserType,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub company_name: Option<&'a str>,
}

/// Makes the user and promises the verification mail.
pub async fn register(
    tx: &mut Tx,
    state: &AppState,
    new: Registration<'_>,
    origin: &Origin,
) -> Result<OwnUser, Error> {
    let now = state.clock.now();
    let row = NewUser {
        email: new.email,
        username: new.username,
        password_hash: new.password_hash,
        user_type: TypeWord(new.user_type),
        first_name: new.first_name,
        last_name: new.last_name,
        company_name: new.company_name,
        created_at: now,
        updated_at: now,
    };
    let user = users::insert(tx, row).await?;
    let id = user.id();
    let mail_request_id = mail::promise(tx, &state.mail_tokens, id, Purpose::EmailVerification, now).await?;
    act_as(tx, id).await?;
    consents::at_registration(tx, id, now, origin).await?;
    let entry = Entry {
        actor: Some(id),
        action: "user.registered",
        entity_type: Some("user"),
        entity_id: Some(id.0.into()),
        new_values: Some(json!({ "userType": new.user_type })),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    outbox::append(tx, &UserRegistered { user_id: id, user_type: new.user_type, mail_request_id })?;
    OwnUser::of(user, &state.sealer)
}

/// Whoever shows the mailed token has the address. `tx` is nobody's and becomes the user's.
pub async fn verify_email(
    tx: &mut Tx,
    state: &AppState,
    token: &str,
    origin: &Origin,
) -> Result<PublicUser, Error> {
    let now = state.clock.now();
    let digest = digest(token);
    let owner = mail_tokens::owner(tx, &digest, Purpose::EmailVerification).await?;
    let id = owner.ok_or(Error::MailTokenInvalid)?;
    act_as(tx, id).await?;
    let (user, _) = users::lock(tx, id).await?.ok_or(Error::MailTokenInvalid)?;
    let works = mail_tokens::consume(tx, &digest, Purpose::EmailVerification, now).await?;
    if !works || !user.may_log_in() {
        return Err(Error::MailTokenInvalid);
    }
    if user.email_verified {
        return Ok(view::public(user));
    }
    let user = users::set_email_verified(tx, id, now).await?;
    let entry = Entry {
        actor: Some(id),
        action: "user.email_verified",
        entity_type: Some("user"),
        entity_id: Some(id.0.into()),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    outbox::append(tx, &EmailVerified { user_id: id, user_type: user.user_type })?;
    announce(tx, &user)?;
    Ok(view::public(user))
}

/// Whether there was anything to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resent {
    Promised,
    AlreadyVerified,
}

/// Promises the verification mail again.
pub async fn resend_verification(tx: &mut Tx, state: &AppState, id: UserId) -> Result<Resent, Error> {
    let (user, _) = users::lock(tx, id).await?.ok_or(Refusal::Unauthenticated)?;
    if user.email_verified {
        return Ok(Resent::AlreadyVerified);
    }
    let now = state.clock.now();
    let promised = mail::promise_again(tx, &state.mail_tokens, id, Purpose::EmailVerification, now).await?;
    if let Some(mail_request_id) = promised {
        outbox::append(tx, &EmailVerificationRequested { user_id: id, mail_request_id })?;
    }
    Ok(Resent::Promised)
}
