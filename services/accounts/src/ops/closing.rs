//! The end of an account: asked for with the password, 14 days of grace, then the row is a pseudonym. What is somebody else's evidence stays.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{DeletionCancelled, DeletionRequested, UserDeleted, UserId};
use pitchey_web::Refusal;

use super::passwords::Proof;
use super::sessions;
use super::users::announce;
use crate::error::Error;
use crate::state::AppState;
use crate::store::data_requests::{self, DataRequest, Kind, Status};
use crate::store::sessions::EndReason;
use crate::store::users::{self, Standing, User};
use crate::store::{
    self, company_verifications, feature_flags, mail_tokens, user_blocks, user_consents, user_preferences,
    user_totp,
};

/// How long the account can be had back by logging in.
pub const GRACE: TimeDelta = TimeDelta::days(14);

/// Closes the account of a user who knows the password; all its sessions end.
pub async fn close(
    tx: &mut Tx,
    user: UserId,
    proof: Option<Proof>,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<DataRequest, Error> {
    let proof = proof.ok_or(Error::WrongPassword("password"))?;
    let (row, hash) = users::lock(tx, user).await?.ok_or(Refusal::Unauthenticated)?;
    if !proof.holds(&hash) {
        return Err(Error::WrongPassword("password"));
    }
    if !row.may_log_in() {
        return Err(Refusal::Unauthenticated.into());
    }
    let deleted_from = now + GRACE;
    let standing = Standing { deleted_at: Some(now), ..Standing::of(&row) };
    let row = users::set_standing(tx, user, standing, now).await?;
    let request = data_requests::insert(tx, user, Kind::Deletion, Some(deleted_from), now).await?;
    let request = match request {
        Some(request) => request,
        None => data_requests::newest(tx, user, Kind::Deletion).await?.ok_or(Refusal::NotFound)?,
    };
    // An export that is on its way would come to nobody.
    data_requests::end(tx, user, Kind::Export, Status::Cancelled, now).await?;
    sessions::end_all(tx, user, None, EndReason::Deleted, now, origin).await?;
    audit::record(tx, origin, entry(Some(user), "user.deletion_requested", user));
    outbox::append(tx, &DeletionRequested { user_id: user, deleted_from })?;
    announce(tx, &row)?;
    Ok(request)
}

/// Whether a closed account may still be had back.
pub fn may_come_back(user: &User, now: DateTime<Utc>) -> bool {
    user.is_closing() && user.deleted_at.is_some_and(|at| now < at + GRACE)
}

/// Opens the account again; the row must be locked.
pub async fn come_back(tx: &mut Tx, user: &User, now: DateTime<Utc>, origin: &Origin) -> Result<User, Error> {
    let id = user.id();
    let standing = Standing { deleted_at: None, ..Standing::of(user) };
    let row = users::set_standing(tx, id, standing, now).await?;
    data_requests::end(tx, id, Kind::Deletion, Status::Cancelled, now).await?;
    audit::record(tx, origin, entry(Some(id), "user.deletion_cancelled", id));
    outbox::append(tx, &DeletionCancelled { user_id: id })?;
    announce(tx, &row)?;
    Ok(row)
}

/// Makes pseudonyms of those whose grace is over, each in a transaction. Any replica may do it at any time.
pub async fn anonymise_overdue(state: &AppState) -> Result<i64, Error> {
    let mut count = 0;
    loop {
        let now = state.clock.now();
        let mut tx = state.databases.system.begin().await?;
        let Some(id) = users::lock_overdue(&mut tx, now - GRACE).await? else { return Ok(count) };
        anonymise(&mut tx, UserId(id), now).await?;
        tx.commit().await?;
        count += 1;
    }
}

async fn anonymise(tx: &mut Tx, id: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    let user = users::anonymise(tx, id, now).await?;
    store::sessions::forget(tx, id).await?;
    mail_tokens::forget(tx, id).await?;
    user_blocks::forget(tx, id).await?;
    user_preferences::forget(tx, id).await?;
    user_totp::forget(tx, id).await?;
    company_verifications::forget(tx, id).await?;
    feature_flags::forget(tx, id).await?;
    user_consents::clear_addresses(tx, id).await?;
    data_requests::forget_archives(tx, id).await?;
    data_requests::end(tx, id, Kind::Deletion, Status::Completed, now).await?;
    audit::record(tx, &Origin::default(), entry(None, "user.anonymised", id));
    outbox::append(tx, &UserDeleted { user_id: id })?;
    announce(tx, &user)?;
    Ok(())
}

fn entry(actor: Option<UserId>, action: &str, user: UserId) -> Entry<'_> {
    Entry { actor, action, entity_type: Some("user"), entity_id: Some(user.0.into()), ..Entry::default() }
}
