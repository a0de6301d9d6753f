//! The platform's public keys.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;

use crate::receipts::PublishedKey;
use crate::state::AppState;

/// With which keys receipts are signed, or ever were.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Keys {
    /// The one that signs now comes first.
    keys: Vec<PublishedKey>,
}

/// The keys that receipts name, for who verifies one without us.
#[utoipa::path(tag = "proofs", responses((status = 200, body = Keys)))]
#[get("/.well-known/pitchey-keys")]
pub async fn published(state: Data<AppState>) -> HttpResponse {
    let keys = Keys { keys: state.receipts.published() };
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(keys)
}
