use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use pitchey_web::decode;
use serde::Deserialize;
use serde_json::json;

use crate::error::Error;
use crate::ops::reports::{self, Report, What};
use crate::state::AppState;
use crate::webhook::Signed;

/// What the mail provider reports.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
struct Reports {
    /// At most 500.
    #[garde(length(max = 500), dive)]
    events: Vec<Reported>,
}

/// Something that happened to a mail.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
struct Reported {
    /// The provider's name of it, the same when it is reported again.
    #[garde(length(min = 1, max = 200))]
    id: String,
    /// `delivered`, `deferred`, `bounced`, `complained`, `opened` or `clicked`; others are ignored.
    r#type: String,
    /// The Message-ID header of the mail.
    #[garde(length(max = 500))]
    message_id: String,
    /// Of a bounce: `hard`, the address does not exist, or `soft`, also when nothing is said.
    bounce: Option<String>,
    /// When it happened, RFC 3339.
    #[schema(value_type = String)]
    timestamp: DateTime<Utc>,
    /// In the provider's or the other server's words.
    reason: Option<String>,
}

/// Takes what the mail provider reports: deliveries, bounces, complaints. Signed as Standard Webhooks have it, and safe to repeat.
#[utoipa::path(tag = "email", request_body = Reports,
    params(("webhook-id" = String, Header,), ("webhook-timestamp" = i64, Header,), ("webhook-signature" = String, Header,)),
    responses((status = 200, description = "{message, applied}"), (status = 400), (status = 401)))]
#[post("/api/webhooks/email")]
pub(super) async fn report(
    request: HttpRequest,
    body: Bytes,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signed = Signed {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: header("webhook-signature"),
        body: &body,
    };
    if !state.signatures.hold(signed, state.clock.now()) {
        return Err(Error::WebhookSignatureInvalid);
    }
    let Reports { events } = decode(&body)?;
    let applied = reports::take(&state, events.into_iter().filter_map(Into::into).collect()).await?;
    Ok(HttpResponse::Ok().json(json!({ "message": "Thank you.", "applied": applied })))
}

impl From<Reported> for Option<Report> {
    fn from(reported: Reported) -> Self {
        let what = match (reported.r#type.as_str(), reported.bounce.as_deref()) {
            ("delivered", _) => What::Delivered,
            ("deferred", _) => What::Deferred,
            ("bounced", Some("hard")) => What::HardBounce,
            ("bounced", _) => What::SoftBounce,
            ("complained", _) => What::Complained,
            ("opened", _) => What::Opened,
            ("clicked", _) => What::Clicked,
            _ => return None,
        };
        // Some providers leave the brackets out.
        let message_id = format!("<{}>", reported.message_id.trim().trim_matches(['<', '>']));
        Some(Report { id: reported.id, message_id, what, at: reported.timestamp, reason: reported.reason })
    }
}
