use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use garde::Validate;
use pitchey_web::ValidatedQuery;
use serde::{Deserialize, Serialize};

use super::wants_html;
use crate::error::Error;
use crate::mail::{Kept, mails_page};
use crate::state::AppState;

/// Which mails.
#[derive(Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
struct Filter {
    /// Sent to this address only.
    to: Option<String>,
}

/// What was sent.
#[derive(Serialize, utoipa::ToSchema)]
struct DevMails {
    data: Vec<Kept>,
}

/// What the page may load: nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'";

/// The newest mails that were sent, as JSON, or as a page for who asks with a browser. Development mode only.
#[utoipa::path(tag = "development", params(Filter), responses((status = 200, body = DevMails)))]
#[get("/dev/mails")]
pub(super) async fn list(
    request: HttpRequest,
    filter: ValidatedQuery<Filter>,
    state: Data<AppState>,
) -> Result<HttpResponse, Error> {
    let to = filter.0.to.filter(|to| !to.is_empty());
    let data = state.folder.newest(to.as_deref()).await?;
    if wants_html(&request) {
        return Ok(HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .body(mails_page(&data, to.as_deref())));
    }
    Ok(HttpResponse::Ok().json(DevMails { data }))
}
