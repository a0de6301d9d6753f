use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;

/// What a service's `enum Error` tells the platform about itself.
pub trait ApiError: std::error::Error + 'static {
    /// Stable, unique, snake_case: what programs decide by.
    fn code(&self) -> &'static str;

    /// HTTP status.
    fn status(&self) -> StatusCode;

    /// The text for people. Internals never show: an error of status 500 or above is told in general words whatever this says.
    fn message(&self) -> String {
        self.to_string()
    }

    /// More for programs, such as the current status after a lost race.
    fn details(&self) -> Value {
        Value::Object(serde_json::Map::new())
    }

    /// Which fields are wrong; a 400 always names some.
    fn validation_errors(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// Seconds after which another try makes sense.
    fn retry_after(&self) -> Option<u32> {
        None
    }

    /// The limit of the service's own that was reached; such an error is a 429.
    fn rate_limit(&self) -> Option<RateLimit> {
        None
    }

    /// What every service refuses alike, when this error is only a wrapper of it: then it speaks for itself.
    fn refusal(&self) -> Option<&Refusal> {
        None
    }
}

/// How often something may be done, told in the headers of a 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How often within the limit's time.
    pub limit: u32,
    /// Seconds until the next try.
    pub retry_after: u32,
}

/// One wrong field of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Its JSON name; with dots and indexes where nested.
    pub field: String,
    /// What is wrong, for people.
    pub message: String,
    /// What is wrong, for programs.
    pub code: String,
}

impl FieldError {
    /// `field` is wrong in the way of `code`; `message` says it to people.
    pub fn new(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), code: code.to_owned() }
    }
}

/// The error envelope. `error` and `message` are the same text.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// For people.
    pub error: String,
    /// The same.
    pub message: String,
    /// For programs: stable and unique.
    pub code: String,
    /// The HTTP status again.
    pub status: u16,
    /// When, RFC 3339 UTC.
    #[schema(value_type = String)]
    pub timestamp: crate::Timestamp,
    /// More for programs.
    pub details: Value,
    /// Which fields are wrong.
    pub validation_errors: Vec<FieldError>,
    /// Quote it when asking for help.
    #[serde(rename = "requestId")]
    pub request_id: String,
}

/// An error on its way out: the outermost middleware writes it as an [`ErrorBody`], since it knows the request's id and the time.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
    pub(crate) validation_errors: Vec<FieldError>,
    pub(crate) rate_limit: Option<RateLimit>,
}

/// The answer for `error`; what `ResponseError::error_response` of a service's error returns.
pub fn error_response(error: &impl ApiError) -> HttpResponse {
    if let Some(refusal) = error.refusal() {
        return refusal.error_response();
    }
    let status = error.status();
    let mut response = HttpResponse::build(status);
    let message = if status.is_server_error() {
        tracing::error!(error = error as &dyn std::error::Error, code = error.code(), "request failed");
        let general = if status == StatusCode::INTERNAL_SERVER_ERROR {
            "Something went wrong on our side."
        } else {
            "This is not available right now; please try again."
        };
        general.to_owned()
    } else {
        error.message()
    };
    let rate_limit = error.rate_limit();
    let retry_after = error
        .retry_after()
        .or(rate_limit.map(|reached| reached.retry_after))
        .or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
    if let Some(seconds) = retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    let mut response = response.finish();
    response.extensions_mut().insert(Pending {
        code: error.code(),
        message,
        details: error.details(),
        validation_errors: error.validation_errors(),
        rate_limit,
    });
    response
}

/// The errors that every service shares.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 401.
    #[error("Please log in.")]
    Unauthenticated,
    /// 403, in general.
    #[error("You are not allowed to do this.")]
    Forbidden,
    /// 403: a suspended account.
    #[error("This account is suspended: it can be read, exported and deleted only.")]
    Suspended,
    /// 404.
    #[error("There is no such thing, or it is not yours to see.")]
    NotFound,
    /// 405.
    #[error("This address does not know that method.")]
    MethodNotAllowed,
    /// 413.
    #[error("The request is larger than {0} bytes.")]
    TooLarge(usize),
    /// 415: with the type that is taken there.
    #[error("Please send Content-Type: {0}.")]
    UnsupportedMediaType(&'static str),
    /// 400: the body is not JSON at all.
    #[error("The request is not valid JSON: {0}")]
    MalformedJson(String),
    /// 400: fields are wrong.
    #[error("Some fields are not valid.")]
    Invalid(Vec<FieldError>),
    /// 409.
    #[error("This Idempotency-Key was used with another request.")]
    IdempotencyKeyReused,
    /// 400: not 1 to 200 visible ASCII characters.
    #[error("The Idempotency-Key is not valid.")]
    IdempotencyKeyInvalid,
    /// 401 for a service or program that is not the gateway: its signature does not hold.
    #[error("This request did not come through the gateway.")]
    NotTheGateway,
    /// 408: the client did not send its request to the end.
    #[error("The request was not sent to its end.")]
    Incomplete,
    /// 503: the database is away or too busy.
    #[error("the database: {0}")]
    Database(#[from] pitchey_db::Error),
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

impl ApiError for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Suspended => "account_suspended",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge(_) => "payload_too_large",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::MalformedJson(_) => "malformed_json",
            Self::Invalid(_) => "validation_failed",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::IdempotencyKeyInvalid => "idempotency_key_invalid",
            Self::NotTheGateway => "not_the_gateway",
            Self::Incomplete => "request_incomplete",
            Self::Database(pitchey_db::Error::Unavailable(_)) => "temporarily_unavailable",
            Self::Database(_) => "internal_error",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::NotTheGateway => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Suspended => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MalformedJson(_) | Self::Invalid(_) | Self::IdempotencyKeyInvalid => {
                StatusCode::BAD_REQUEST
            }
            Self::IdempotencyKeyReused => StatusCode::CONFLICT,
            Self::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Database(pitchey_db::Error::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn validation_errors(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::MalformedJson(what) => vec![FieldError::new("body", "malformed_json", what)],
            Self::IdempotencyKeyInvalid => {
                vec![FieldError::new("Idempotency-Key", "invalid", "1 to 200 visible ASCII characters")]
            }
            _ => Vec::new(),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = error_response(self);
        if matches!(self, Self::MethodNotAllowed) {
            // RFC 9110 asks for the header, also when it can't be known.
            response.headers_mut().insert(ALLOW, actix_web::http::header::HeaderValue::from_static(""));
        }
        response
    }
}
