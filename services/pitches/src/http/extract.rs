//! Headers that mean something to this service.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{CACHE_CONTROL, IF_MATCH};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use pitchey_web::{FieldError, Principal, Refusal};
use serde::Serialize;

use crate::input::fault;
use crate::projection;

/// Longest reason, in characters.
const REASON: usize = 500;

/// Who looks, with the `X-Access-Reason` that admins give to read what is protected.
pub struct Viewer(pub projection::Viewer);

impl FromRequest for Viewer {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let principal = Principal::from_request(request, payload).into_inner();
        ready(principal.and_then(|principal| Ok(Self(projection::Viewer::new(&principal, reason(request)?)))))
    }
}

fn reason(request: &HttpRequest) -> Result<Option<String>, Refusal> {
    let Some(header) = request.headers().get("x-access-reason") else { return Ok(None) };
    let text = std::str::from_utf8(header.as_bytes()).unwrap_or("\0").trim();
    match fault(text, 0, REASON) {
        Some((code, message)) => {
            Err(Refusal::Invalid(vec![FieldError::new("X-Access-Reason", code, message)]))
        }
        None => Ok(Some(text.to_owned()).filter(|text| !text.is_empty())),
    }
}

/// The version that `If-Match` names, with or without quotes; `*` names any.
pub struct IfMatch(pub Option<i64>);

impl FromRequest for IfMatch {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(header) = request.headers().get(IF_MATCH) else { return ready(Ok(Self(None))) };
        let text = header.to_str().unwrap_or_default().trim();
        if text == "*" {
            return ready(Ok(Self(None)));
        }
        let wrong = || FieldError::new("If-Match", "invalid", "This must be the version of the pitch.");
        ready(
            text.trim_matches('"')
                .parse()
                .map(|version| Self(Some(version)))
                .map_err(|_| Refusal::Invalid(vec![wrong()])),
        )
    }
}

/// An answer that depends on who asks: no cache may keep it.
pub fn private(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "private, no-store")).json(body)
}

/// An answer that is the same for everybody who is not logged in. It may be kept if it is asked for again.
pub fn public(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, no-cache")).json(body)
}
