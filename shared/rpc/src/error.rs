use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// Carries the stable code of a refusal.
const CODE: &str = "pitchey-code";

/// A call that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The other service could not be reached, was too slow or too busy. Fail closed; another try later makes sense.
    #[error("{service} is unavailable: {reason}")]
    Unavailable {
        /// The service asked.
        service: &'static str,
        /// For logs.
        reason: String,
    },
    /// There is no such thing.
    #[error("{service} knows no such thing")]
    NotFound {
        /// The service asked.
        service: &'static str,
    },
    /// The other service refused, or answered what makes no sense: a bug or a wrong key.
    #[error("{service} refused ({code}): {reason}")]
    Refused {
        /// The service asked.
        service: &'static str,
        /// Its stable code, or gRPC's.
        code: String,
        /// For logs.
        reason: String,
    },
}

impl Error {
    pub(crate) fn of(service: &'static str, status: &Status) -> Self {
        let reason = status.message().to_owned();
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => {
                Self::Unavailable { service, reason }
            }
            _ if broke_off(status) => Self::Unavailable { service, reason },
            Code::NotFound => Self::NotFound { service },
            code => {
                let stable =
                    status.metadata().get(CODE).and_then(|code| code.to_str().ok()).map(str::to_owned);
                Self::Refused { service, code: stable.unwrap_or_else(|| format!("{code:?}")), reason }
            }
        }
    }

    pub(crate) fn nonsense(service: &'static str, what: &str) -> Self {
        Self::Refused { service, code: "nonsense".to_owned(), reason: what.to_owned() }
    }
}

/// Whether the status is not the other side's word but what became of the connection: only such a one has a cause. A replica that is killed ends
/// its calls with the code Unknown.
pub(crate) fn broke_off(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// A service's error as gRPC tells it: by its HTTP status and stable code. Internals of a 5xx do not leave the service.
pub fn refusal(http_status: u16, code: &str, message: &str) -> Status {
    let (grpc, message) = match http_status {
        400 => (Code::InvalidArgument, message),
        401 => (Code::Unauthenticated, message),
        403 => (Code::PermissionDenied, message),
        404 => (Code::NotFound, message),
        402 | 409 => (Code::FailedPrecondition, message),
        429 => (Code::ResourceExhausted, message),
        503 => (Code::Unavailable, "unavailable"),
        _ => (Code::Internal, "internal error"),
    };
    let mut status = Status::new(grpc, message);
    if let Ok(code) = MetadataValue::try_from(code) {
        status.metadata_mut().insert(CODE, code);
    }
    status
}
