//! What happens around every handler.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use pitchey_clock::Clock;
use pitchey_identity::{HEADER, Refused, Request, Verified, Verifier};
use tracing::{Instrument, field};

use crate::error::{ErrorBody, Pending, RateLimit};
use crate::{Refusal, extract};

/// The outermost: a span that continues the caller's trace, one log line, metrics, and errors in their envelope.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route = field::Empty,
        request_id = field::Empty,
        trace_id = field::Empty,
    );
    pitchey_telemetry::trace_context::begin(&span, header("traceparent").as_deref());
    let (method, clock) = (request.method().clone(), request.app_data::<web::Data<Clock>>().cloned());
    async move {
        let response = next.call(request).await?.map_into_boxed_body();
        let context = extract::context(response.request());
        tracing::Span::current().record("request_id", &context.request_id);
        let response = enveloped(response, clock.as_ref().map(|clock| clock.get_ref()), &context.request_id);

        let status = response.status();
        let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        // The route, not the path: that may hold a token, or a name.
        tracing::Span::current().record("route", &route);
        let labels = [("method", known(&method)), ("route", route), ("status", status.as_u16().to_string())];
        metrics::histogram!("http_request_seconds", &labels).record(begun.elapsed().as_secs_f64());
        tracing::debug!(status = status.as_u16(), micros = begun.elapsed().as_micros(), "answered");
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Anybody can make up methods; a label for each would fill the memory of the metrics.
fn known(method: &Method) -> String {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.to_string() } else { "other".to_owned() }
}

/// What anybody on the internal network may ask.
const OPEN: [&str; 3] = ["/health", "/metrics", "/openapi.json"];

/// Lets nobody in whose signature does not hold, and tells the handlers who it is.
pub(crate) async fn identify(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !OPEN.contains(&request.path()) {
        match verify(&request) {
            Ok(verified) => request.extensions_mut().insert(verified.context),
            Err(refused) => {
                tracing::warn!(%refused, "a request without a valid identity");
                return Ok(request.error_response(Refusal::NotTheGateway));
            }
        };
    }
    if request.path().contains('\0') || request.path().contains("%00") {
        return Ok(request.error_response(Refusal::NotFound));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn verify(request: &ServiceRequest) -> Result<Verified, Refused> {
    let verifier = request.app_data::<web::Data<Verifier>>().ok_or(Refused::UnknownCaller)?;
    let header =
        request.headers().get(HEADER).and_then(|header| header.to_str().ok()).ok_or(Refused::Malformed)?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    verifier.verify(header, Request { method: request.method().as_str(), path })
}

/// Runs writes in a task of their own: a client that hangs up drops only its wait for the answer.
pub(crate) async fn detach_writes(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let write = async move { next.call(request).await.map(ServiceResponse::map_into_boxed_body) };
    match actix_web::rt::spawn(write.in_current_span()).await {
        Ok(answered) => answered,
        Err(panicked) => {
            tracing::error!(%panicked, "a handler panicked");
            let answer = HttpResponse::InternalServerError().json(body(internal(), 500, None, ""));
            Err(InternalError::from_response(panicked, answer).into())
        }
    }
}

/// Writes every error, also the framework's own, as the platform's envelope.
fn enveloped(
    response: ServiceResponse<BoxBody>,
    clock: Option<&Clock>,
    request_id: &str,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
    let pending = response.response().extensions().get::<Pending>().cloned();
    let Some(pending) = pending.or_else(|| (!is_json).then(|| of_framework(status))) else { return response };
    let rate_limit = pending.rate_limit;
    let body = body(pending, status.as_u16(), clock, request_id);
    let mut response = response.map_body(|head, _| {
        head.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        BoxBody::new(serde_json::to_vec(&body).unwrap_or_default())
    });
    response.headers_mut().remove(header::CONTENT_LENGTH);
    if let Some(reached) = rate_limit {
        tell(reached, body.timestamp, response.headers_mut());
    }
    response
}

/// Like the gateway: reset is the Unix time in seconds.
fn tell(reached: RateLimit, now: crate::Timestamp, headers: &mut header::HeaderMap) {
    let reset = now.0.timestamp() + i64::from(reached.retry_after);
    for (name, value) in [
        ("x-ratelimit-limit", i64::from(reached.limit)),
        ("x-ratelimit-remaining", 0),
        ("x-ratelimit-reset", reset),
    ] {
        headers.insert(header::HeaderName::from_static(name), value.into());
    }
}

fn of_framework(status: StatusCode) -> Pending {
    let refusal = match status {
        StatusCode::NOT_FOUND => Refusal::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Refusal::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge(crate::body::JSON_LIMIT),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::UnsupportedMediaType("application/json"),
        StatusCode::REQUEST_TIMEOUT => Refusal::Incomplete,
        status if status.is_client_error() => {
            Refusal::Invalid(vec![crate::FieldError::new("request", "invalid", "The request is not valid.")])
        }
        _ => return internal(),
    };
    refusal
        .error_response()
        .extensions()
        .get::<Pending>()
        .cloned()
        .unwrap_or_else(|| unreachable!("set by error_response"))
}

fn internal() -> Pending {
    Pending {
        code: "internal_error",
        message: "Something went wrong on our side.".to_owned(),
        details: serde_json::json!({}),
        validation_errors: Vec::new(),
        rate_limit: None,
    }
}

fn body(pending: Pending, status: u16, clock: Option<&Clock>, request_id: &str) -> ErrorBody {
    ErrorBody {
        error: pending.message.clone(),
        message: pending.message,
        code: pending.code.to_owned(),
        status,
        timestamp: clock.unwrap_or(&Clock::system()).now().into(),
        details: pending.details,
        validation_errors: pending.validation_errors,
        request_id: request_id.to_owned(),
    }
}

/// What no route matched: 405 where the path exists for another method, else 404.
pub(crate) async fn unrouted(request: actix_web::HttpRequest) -> Result<HttpResponse, Refusal> {
    if request.match_pattern().is_some() { Err(Refusal::MethodNotAllowed) } else { Err(Refusal::NotFound) }
}
