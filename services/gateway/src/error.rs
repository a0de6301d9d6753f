use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use pitchey_clock::Clock;
use pitchey_events::Service;
use pitchey_web::{ApiError, ErrorBody};
use serde_json::{Value, json};

/// Why the gateway itself does not pass a request on, or its answer back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No line of the routing table owns the path.
    #[error("There is no such thing, or it is not yours to see.")]
    NotFound,
    /// One of the gateway's own pages is only read.
    #[error("This address does not know that method.")]
    MethodNotAllowed,
    /// The token belongs to no live session.
    #[error("Your session has ended. Please log in.")]
    SessionInvalid,
    /// The Authorization header is not a bearer token.
    #[error("The Authorization header must be: Bearer <token>.")]
    AuthorizationMalformed,
    /// Accounts can't say whose token it is.
    #[error("accounts did not answer whose session this is")]
    SessionUnknown,
    /// A suspended user may not do this.
    #[error("This account is suspended: it can be read, exported and deleted only.")]
    Suspended,
    /// A page of this origin may not open sockets.
    #[error("Pages of this origin may not connect.")]
    OriginNotAllowed,
    /// Too many requests a minute.
    #[error("Too many requests. Please try again in {retry_after} s.")]
    RateLimited {
        /// Seconds until one more is allowed.
        retry_after: u32,
        /// Requests a minute.
        limit: u32,
    },
    /// The body is longer than this many bytes.
    #[error("The request is larger than {0} bytes.")]
    TooLarge(usize),
    /// The address is too long.
    #[error("The address is longer than {0} bytes.")]
    UriTooLong(usize),
    /// The headers are too long.
    #[error("The headers are longer than {0} bytes.")]
    HeadersTooLarge(usize),
    /// The client did not send its body to the end, or not in time.
    #[error("The request was not sent to its end.")]
    Incomplete,
    /// The service does not exist yet, or no replica of it can be reached.
    #[error("{0} can't be reached")]
    ServiceUnavailable(Service),
    /// The service has more requests in flight than it should.
    #[error("{0} has too many requests in flight")]
    ServiceOverloaded(Service),
    /// The service broke off.
    #[error("{0} broke off")]
    BadGateway(Service),
    /// The service did not answer in time.
    #[error("{0} did not answer in time")]
    GatewayTimeout(Service),
}

impl ApiError for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::SessionInvalid => "session_invalid",
            Self::AuthorizationMalformed => "authorization_malformed",
            Self::SessionUnknown => "session_check_unavailable",
            Self::Suspended => "account_suspended",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::RateLimited { .. } => "rate_limited",
            Self::TooLarge(_) => "payload_too_large",
            Self::UriTooLong(_) => "uri_too_long",
            Self::HeadersTooLarge(_) => "headers_too_large",
            Self::Incomplete => "request_incomplete",
            Self::ServiceUnavailable(_) => "service_unavailable",
            Self::ServiceOverloaded(_) => "service_overloaded",
            Self::BadGateway(_) => "bad_gateway",
            Self::GatewayTimeout(_) => "gateway_timeout",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::SessionInvalid | Self::AuthorizationMalformed => StatusCode::UNAUTHORIZED,
            Self::Suspended | Self::OriginNotAllowed => StatusCode::FORBIDDEN,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::HeadersTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::SessionUnknown | Self::ServiceUnavailable(_) | Self::ServiceOverloaded(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::BadGateway(_) => StatusCode::BAD_GATEWAY,
            Self::GatewayTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn message(&self) -> String {
        if self.status().is_server_error() {
            "This is not available right now; please try again.".to_owned()
        } else {
            self.to_string()
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::RateLimited { retry_after, limit } => json!({ "limit": limit, "retryAfter": retry_after }),
            _ => json!({}),
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            error if error.status() == StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        }
    }
}

impl Error {
    /// The answer: the platform's error envelope.
    pub fn respond(&self, request_id: &str, clock: &Clock) -> HttpResponse<BoxBody> {
        let (status, message) = (self.status(), self.message());
        if status.is_server_error() {
            tracing::warn!(error = %self, code = self.code(), request_id, "not passed on");
        }
        let body = ErrorBody {
            error: message.clone(),
            message,
            code: self.code().to_owned(),
            status: status.as_u16(),
            timestamp: clock.now().into(),
            details: self.details(),
            validation_errors: self.validation_errors(),
            request_id: request_id.to_owned(),
        };
        let mut response =
            HttpResponse::with_body(status, BoxBody::new(serde_json::to_vec(&body).unwrap_or_default()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        match self {
            Self::SessionInvalid | Self::AuthorizationMalformed => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            _ => {}
        }
        response
    }
}
