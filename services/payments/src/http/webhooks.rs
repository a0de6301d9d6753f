//! Where Stripe tells what has happened.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, post};
use pitchey_web::Refusal;
use serde_json::json;

use crate::error::Error;
use crate::ops::webhooks;
use crate::provider::Provider;
use crate::state::AppState;
use crate::stripe::Event;

/// Longest event that is read, in bytes: what actix reads of a body by itself.
const LONGEST: usize = 256 * 1024;

/// An event of Stripe's, signed. 2xx says that its effect is committed; anything else makes Stripe send it again.
#[utoipa::path(tag = "payments", request_body = serde_json::Value, responses((status = 200)))]
#[post("/api/webhooks/stripe")]
pub async fn stripe(
    state: Data<AppState>,
    request: HttpRequest,
    body: Option<Bytes>,
) -> Result<HttpResponse, Error> {
    let Provider::Stripe(_, secrets) = &state.provider else { return Err(Refusal::NotFound.into()) };
    let body = body.ok_or(Refusal::TooLarge(LONGEST))?;
    let signature =
        request.headers().get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Err(forged) = secrets.verify(signature, &body, state.clock.now()) {
        tracing::warn!(%forged, "a webhook was refused");
        metrics::counter!("payments_webhooks_refused_total").increment(1);
        return Err(Error::WebhookRefused);
    }
    let event: Event =
        serde_json::from_slice(&body).map_err(|error| Error::WebhookUnreadable(error.to_string()))?;
    let new = webhooks::receive(&state, &event).await?;
    metrics::counter!("payments_webhooks_total", "new" => if new { "true" } else { "false" }).increment(1);
    Ok(HttpResponse::Ok().json(json!({ "received": true })))
}
