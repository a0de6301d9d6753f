//! Reading NDAs.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use garde::Validate;
use pitchey_events::{NdaId, UserId};
use pitchey_web::{Actor, Answer, FieldError, Listed, Paging, PathId, Refusal, Timestamp, ValidatedQuery};
use serde::{Deserialize, Serialize};

use super::extract::private;
use crate::error::Error;
use crate::ops::ndas::{Moved, look};
use crate::state::AppState;
use crate::store::ndas::{self as store, Nda as Row, Side};
use crate::words::{Agreement, NdaStatus};

/// An NDA, as its two parties see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Nda {
    id: i32,
    pitch_id: i32,
    owner_id: i32,
    /// The same as `ownerId`.
    user_id: i32,
    requester_id: i32,
    /// The same as `requesterId`.
    signer_id: i32,
    nda_type: Agreement,
    status: NdaStatus,
    /// Signed, neither ended nor run out, and the pitch is neither deleted nor hidden by a moderator.
    access_granted: bool,
    request_message: Option<String>,
    reject_reason: Option<String>,
    revoke_reason: Option<String>,
    terms: Option<String>,
    #[schema(value_type = Option<String>)]
    approved_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    signed_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    signer_name: Option<String>,
    signer_title: Option<String>,
    signer_company: Option<String>,
    /// Once it was offered.
    document_url: Option<String>,
    /// SHA-256 of the document in hex: what the signer must name.
    document_hash: Option<String>,
    pitch_version: i32,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl Nda {
    /// The row as it stands at `now`.
    pub fn at(row: Row, now: DateTime<Utc>) -> Self {
        let status = row.status_at(now);
        Self {
            id: row.id,
            pitch_id: row.pitch_id,
            owner_id: row.owner_id,
            user_id: row.owner_id,
            requester_id: row.requester_id,
            signer_id: row.requester_id,
            nda_type: row.nda_type,
            status,
            access_granted: status == NdaStatus::Signed && row.pitch_open,
            request_message: row.request_message,
            reject_reason: row.reject_reason,
            revoke_reason: row.revoke_reason,
            terms: row.terms,
            approved_at: row.approved_at.map(Timestamp::from),
            signed_at: row.signed_at.map(Timestamp::from),
            expires_at: row.expires_at.map(Timestamp::from),
            signer_name: row.signer_name,
            signer_title: row.signer_title,
            signer_company: row.signer_company,
            document_url: row.document_hash.as_ref().map(|_| format!("/api/ndas/{}/document", row.id)),
            document_hash: row.document_hash,
            pitch_version: row.pitch_version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

/// What a write of an NDA answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NdaWritten {
    message: String,
    nda: Nda,
}

impl NdaWritten {
    /// `message`, or that it had happened before.
    pub fn of(moved: Moved, message: &str, now: DateTime<Utc>) -> Self {
        let message = if moved.repeated { "This had happened before." } else { message };
        Self { message: message.to_owned(), nda: Nda::at(moved.nda, now) }
    }

    /// As the answer of a command.
    pub fn answer(self) -> Answer {
        Answer::ok(&self.message).with("nda", &self.nda)
    }
}

/// Which NDAs.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Which {
    /// incoming (for own pitches) or outgoing (own requests); both without.
    role: Option<String>,
    /// pending, approved, rejected, signed, expired, withdrawn or revoked.
    status: Option<String>,
}

impl Which {
    fn side(&self, user: UserId) -> Result<Side, Refusal> {
        match self.role.as_deref() {
            None | Some("") => Ok(Side::Both(user)),
            Some("incoming") => Ok(Side::Incoming(user)),
            Some("outgoing") => Ok(Side::Outgoing(user)),
            Some(_) => Err(unknown("role", "This must be incoming or outgoing.")),
        }
    }

    fn status(&self) -> Result<Option<NdaStatus>, Refusal> {
        match self.status.as_deref() {
            None | Some("") => Ok(None),
            Some(word) => {
                NdaStatus::parse(word).map(Some).ok_or_else(|| unknown("status", "There is no such status."))
            }
        }
    }
}

fn unknown(field: &str, message: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError::new(field, "unknown_value", message)])
}

/// How many NDAs stand where.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    total: i64,
    pending: i64,
    approved: i64,
    signed: i64,
    rejected: i64,
    expired: i64,
    revoked: i64,
    withdrawn: i64,
    /// From request to answer; null without answers.
    median_answer_seconds: Option<f64>,
}

/// The caller's NDAs, newest first.
#[utoipa::path(tag = "ndas", params(Which, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Nda>)))]
#[get("/api/ndas")]
pub async fn list(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(which): ValidatedQuery<Which>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    page(&state, &actor, which.side(actor.id)?, which.status()?, &paging).await
}

/// The caller's NDAs in force, newest first.
#[utoipa::path(tag = "ndas", params(Which, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, body = Listed<Nda>)))]
#[get("/api/ndas/signed")]
pub async fn signed(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(which): ValidatedQuery<Which>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    page(&state, &actor, which.side(actor.id)?, Some(NdaStatus::Signed), &paging).await
}

async fn page(
    state: &AppState,
    actor: &Actor,
    side: Side,
    status: Option<NdaStatus>,
    paging: &Paging,
) -> Result<HttpResponse, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let rows = look::list(&mut tx, side, status, paging, now).await?;
    Ok(private(&rows.map(|row| Nda::at(row, now))))
}

/// How many of the caller's NDAs stand where.
#[utoipa::path(tag = "ndas", params(Which), responses((status = 200, body = Stats)))]
#[get("/api/ndas/stats")]
pub async fn stats(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(which): ValidatedQuery<Which>,
) -> Result<HttpResponse, Error> {
    let side = which.side(actor.id)?;
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let mut stats = Stats::default();
    for (status, count) in store::counts(&mut tx, side, state.clock.now()).await? {
        stats.total += count;
        let field = match status {
            NdaStatus::Pending => &mut stats.pending,
            NdaStatus::Approved => &mut stats.approved,
            NdaStatus::Signed => &mut stats.signed,
            NdaStatus::Rejected => &mut stats.rejected,
            NdaStatus::Expired => &mut stats.expired,
            NdaStatus::Revoked => &mut stats.revoked,
            NdaStatus::Withdrawn => &mut stats.withdrawn,
        };
        *field = count;
    }
    stats.median_answer_seconds = store::median_answer_seconds(&mut tx, side).await?;
    Ok(private(&stats))
}

/// One of the caller's NDAs.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = Nda)))]
#[get("/api/ndas/{id}")]
pub async fn get(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<NdaId>,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let row = look::get(&mut tx, id).await?;
    Ok(private(&Nda::at(row, state.clock.now())))
}
