//! What was offered, and proof of what was signed: for the two parties.

use actix_web::body::SizedStream;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{Data, Query};
use actix_web::{HttpResponse, get};
use pitchey_events::NdaId;
use pitchey_web::{Actor, FieldError, PathId, Refusal};
use serde::{Deserialize, Serialize};

use super::extract::private;
use crate::content::sha256;
use crate::error::Error;
use crate::ops::ndas::documents::MEDIA_TYPE;
use crate::ops::ndas::look::{self, Content};
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

/// Which copy.
#[derive(Deserialize, utoipa::IntoParams)]
pub struct Copy {
    /// `signed`: the one with the signature block. Without it, the one that was offered.
    copy: Option<String>,
}

/// The very document that was offered: its SHA-256 is what the signer names. With `copy=signed`, the copy with the signature block. For the two
/// parties.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path), Copy), responses((status = 200, content_type = "application/pdf")))]
#[get("/api/ndas/{id}/document")]
pub async fn document(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<NdaId>,
    which: Option<Query<Copy>>,
) -> Result<HttpResponse, Error> {
    let copy = which.and_then(|query| query.into_inner().copy);
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (found, what) = match copy.as_deref() {
        None | Some("" | "offered") => (look::document(&mut tx, id).await?, "nda"),
        Some("signed") => (look::signed_copy(&mut tx, &state, id).await?, "signed-nda"),
        Some(_) => {
            let message = "This must be offered or signed.";
            return Err(Refusal::Invalid(vec![FieldError::new("copy", "unknown_value", message)]).into());
        }
    };
    drop(tx);
    let extension = if found.media_type == MEDIA_TYPE { "pdf" } else { "txt" };
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CONTENT_TYPE, found.media_type))
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"{what}-{id}.{extension}\"")))
        .insert_header((CACHE_CONTROL, "private, no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((ETAG, format!("\"{}\"", found.hash)))
        .insert_header(("X-Document-SHA256", found.hash));
    Ok(match found.content {
        Content::Here(bytes) => answer.body(bytes),
        Content::File { key, size } => {
            answer.body(SizedStream::new(size, state.files.read(&key, 0..size).await?))
        }
    })
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
    let offered = look::document(&mut tx, id).await?;
    drop(tx);
    let signature_valid = state.receipts.holds(&signed);
    let named = signed.statement.get("documentSha256").and_then(|hash| hash.as_str());
    let found = match offered.content {
        Content::Here(bytes) => sha256(&bytes),
        Content::File { key, size } => state.files.sha256(&key, size).await?,
    };
    let document_valid = named == Some(offered.hash.as_str()) && found == offered.hash;
    Ok(private(&Verified {
        valid: signature_valid && document_valid,
        signature_valid,
        document_valid,
        status: nda.status_at(state.clock.now()),
        key_id: signed.key_id,
    }))
}
