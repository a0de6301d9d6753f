//! What was offered, and proof of what was signed: for the two parties.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use pitchey_events::NdaId;
use pitchey_web::{Actor, PathId};
use serde::Serialize;

use super::extract::private;
use crate::content::sha256;
use crate::error::Error;
use crate::ops::ndas::look;
use crate::receipts::Receipt;
use crate::state::AppState;
use crate::words::NdaStatus;

/// Whether the evidence holds.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Everything below holds.
    valid: bool,
    /// The receipt bears our signature over what it states.
    signature_valid: bool,
    /// The receipt names the document that is kept, and its bytes have that hash.
    document_valid: bool,
    /// Where the NDA stands now: evidence stays valid after its end.
    status: NdaStatus,
    key_id: String,
}

/// The very document that was offered. Its SHA-256 is what the signer names.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, content_type = "text/plain")))]
#[get("/api/ndas/{id}/document")]
pub async fn document(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<NdaId>,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (bytes, media_type, hash) = look::document(&mut tx, id).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"nda-{id}.txt\"")))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((ETAG, format!("\"{hash}\"")))
        .insert_header(("X-Document-SHA256", hash))
        .body(bytes))
}

/// The receipt of the signature, which anybody can verify without us.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = Receipt)))]
#[get("/api/ndas/{id}/receipt")]
pub async fn receipt(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<NdaId>,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    Ok(private(&look::receipt(&mut tx, id).await?))
}

/// Checks receipt and document against each other and our key.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = Verified)))]
#[get("/api/ndas/{id}/verify")]
pub async fn verify(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<NdaId>,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let nda = look::get(&mut tx, id).await?;
    let signed = look::receipt(&mut tx, id).await?;
    let (bytes, _, hash) = look::document(&mut tx, id).await?;
    let signature_valid = state.receipts.holds(&signed);
    let named = signed.statement.get("documentSha256").and_then(|hash| hash.as_str());
    let document_valid = named == Some(hash.as_str()) && sha256(&bytes) == hash;
    Ok(private(&Verified {
        valid: signature_valid && document_valid,
        signature_valid,
        document_valid,
        status: nda.status_at(state.clock.now()),
        key_id: signed.key_id,
    }))
}
