use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::json;

use super::wants_html;
use crate::error::Error;
use crate::mail::{Category, unsubscribe_page};
use crate::ops::unsubscribe as ops;
use crate::state::AppState;

/// What the page may do: show itself, and post to where it came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'";

/// Asks whether to unsubscribe. Changes nothing: programs that look at every link of a mail unsubscribe nobody.
#[utoipa::path(tag = "email", params(("token" = String, Path,)),
    responses((status = 200, description = "A page"), (status = 404)))]
#[get("/api/email/unsubscribe/{token}")]
pub(super) async fn ask(token: Path<String>, state: Data<AppState>) -> Result<HttpResponse, Error> {
    let said = state.unsubscriber.read(&token).ok_or(Error::UnsubscribeTokenUnknown)?;
    Ok(page(said.category, false))
}

/// Unsubscribes: by the button of the page, or in one click (RFC 8058), whoever asks. The signature says who, and from what.
#[utoipa::path(tag = "email", params(("token" = String, Path,)),
    responses((status = 200, description = "{message, category}"), (status = 404)))]
#[post("/api/email/unsubscribe/{token}")]
pub(super) async fn act(
    token: Path<String>,
    request: HttpRequest,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    let said = state.unsubscriber.read(&token).ok_or(Error::UnsubscribeTokenUnknown)?;
    ops::unsubscribe(&state, said).await?;
    if wants_html(&request) {
        return Ok(page(said.category, true));
    }
    Ok(HttpResponse::Ok()
        .json(json!({ "message": "You get no more of these mails.", "category": said.category })))
}

fn page(category: Category, done: bool) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(unsubscribe_page(category, done))
}
