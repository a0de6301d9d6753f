//! Each transition is one conditional UPDATE on the expected status; no row means that it was another.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{NdaId, UserId};
use serde_json::Value;

use super::{ANSWER_WITHIN, Nda, SIGN_WITHIN};
use crate::schema::{ndas, pitches};
use crate::words::{NdaStatus, PitchStatus};

/// The document that is offered to the signer, frozen at approval.
pub struct Offer<'a> {
    pub terms: Option<&'a str>,
    pub expiry_days: Option<i32>,
    /// Who approved by hand.
    pub approved_by: Option<UserId>,
    /// The text of the document, where it was made here.
    pub agreement: Option<&'a str>,
    /// `None`: it is the owner's own, which lies with the media.
    pub document: Option<&'a [u8]>,
    pub media_type: &'a str,
    pub hash: &'a str,
}

/// The request, while it can be answered: it is pending, and its time is not over.
#[diesel::dsl::auto_type(no_type_alias)]
fn open(id: NdaId, now: DateTime<Utc>) -> _ {
    let id: i32 = id.0;
    let pending: NdaStatus = NdaStatus::Pending;
    let since: DateTime<Utc> = now - ANSWER_WITHIN;
    ndas::table.find(id).filter(ndas::status.eq(pending)).filter(ndas::created_at.gt(since))
}

/// pending -> approved, while the pitch is published and the request is not too old.
pub async fn approve(
    tx: &mut Tx,
    id: NdaId,
    offer: &Offer<'_>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    let published = pitches::table
        .filter(pitches::id.eq(ndas::pitch_id))
        .filter(pitches::status.eq(PitchStatus::Published))
        .filter(pitches::deleted_at.is_null());
    diesel::update(open(id, now).filter(diesel::dsl::exists(published)))
        .set((
            ndas::status.eq(NdaStatus::Approved),
            ndas::approved_at.eq(now),
            ndas::approved_by.eq(offer.approved_by.map(|id| id.0)),
            ndas::agreement.eq(offer.agreement),
            ndas::terms.eq(offer.terms),
            ndas::expiry_days.eq(offer.expiry_days),
            ndas::document.eq(offer.document),
            ndas::document_media_type.eq(offer.media_type),
            ndas::document_hash.eq(offer.hash),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// pending -> rejected.
pub async fn reject(
    tx: &mut Tx,
    id: NdaId,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(open(id, now))
        .set((
            ndas::status.eq(NdaStatus::Rejected),
            ndas::rejected_at.eq(now),
            ndas::reject_reason.eq(reason),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// pending -> withdrawn.
pub async fn withdraw(tx: &mut Tx, id: NdaId, now: DateTime<Utc>) -> QueryResult<Option<Nda>> {
    diesel::update(open(id, now))
        .set((
            ndas::status.eq(NdaStatus::Withdrawn),
            ndas::withdrawn_at.eq(now),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// What a signature leaves behind. Address, user agent and the copy that names them are sealed.
#[derive(AsChangeset)]
#[diesel(table_name = ndas)]
pub struct Signature<'a> {
    pub signed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub signer_name: &'a str,
    pub signer_title: Option<&'a str>,
    pub signer_company: Option<&'a str>,
    pub ip_address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub receipt: &'a Value,
    pub signed_copy: Option<&'a str>,
    pub signed_copy_hash: &'a str,
}

/// approved -> signed, of the very document that was offered and in time.
pub async fn sign(tx: &mut Tx, id: NdaId, hash: &str, signature: &Signature<'_>) -> QueryResult<Option<Nda>> {
    let now = signature.signed_at;
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(NdaStatus::Approved))
            .filter(ndas::document_hash.eq(hash))
            .filter(ndas::approved_at.gt(now - SIGN_WITHIN)),
    )
    .set((
        signature,
        ndas::status.eq(NdaStatus::Signed),
        ndas::updated_at.eq(now),
        ndas::version.eq(ndas::version + 1),
    ))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// `from` -> revoked; `from` is approved or signed.
pub async fn revoke(
    tx: &mut Tx,
    id: NdaId,
    from: NdaStatus,
    by: UserId,
    reason: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(ndas::table.find(id.0).filter(ndas::status.eq(from)))
        .set((
            ndas::status.eq(NdaStatus::Revoked),
            ndas::revoked_at.eq(now),
            ndas::revoked_by.eq(by.0),
            ndas::revoke_reason.eq(reason),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// `from` -> expired, of these rows those that still are `from`.
pub async fn expire(tx: &mut Tx, ids: &[i32], from: NdaStatus, now: DateTime<Utc>) -> QueryResult<Vec<Nda>> {
    diesel::update(ndas::table.filter(ndas::id.eq_any(ids)).filter(ndas::status.eq(from)))
        .set((
            ndas::status.eq(NdaStatus::Expired),
            ndas::updated_at.eq(now),
            ndas::version.eq(ndas::version + 1),
        ))
        .returning(Nda::as_returning())
        .get_results(tx)
        .await
}

/// Notes that the requester was told that the NDA ends soon, unless that was done after `unless_after`, or it is no longer as `status`.
pub async fn warn(
    tx: &mut Tx,
    id: NdaId,
    status: NdaStatus,
    unless_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(
        ndas::table
            .find(id.0)
            .filter(ndas::status.eq(status))
            .filter(ndas::reminded_at.is_null().or(ndas::reminded_at.le(unless_after))),
    )
    .set((ndas::reminded_at.eq(now), ndas::version.eq(ndas::version + 1)))
    .returning(Nda::as_returning())
    .get_result(tx)
    .await
    .optional()
}

/// Notes that the owner is reminded now, unless it happened after `unless_after`. `None`: it did, or nothing is open any more.
pub async fn remind(
    tx: &mut Tx,
    id: NdaId,
    unless_after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Nda>> {
    diesel::update(open(id, now).filter(ndas::reminded_at.is_null().or(ndas::reminded_at.le(unless_after))))
        .set((ndas::reminded_at.eq(now), ndas::version.eq(ndas::version + 1)))
        .returning(Nda::as_returning())
        .get_result(tx)
        .await
        .optional()
}
