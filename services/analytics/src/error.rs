//! Every way in which this service refuses.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use pitchey_bus::NotTaken;
use pitchey_web::{ApiError, Refusal, error_response};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such pitch, or one that nobody was ever told of.
    #[error("There is no such pitch.")]
    PitchNotFound,
    /// Somebody else's pitch.
    #[error("Only its owner sees how a pitch is doing.")]
    NotTheOwner,
    /// This dashboard is another user type's.
    #[error("This dashboard is for other members.")]
    WrongPortal,
    /// Reports could not be made durable; the client may send them again.
    #[error("reports: {0}")]
    ReportsNotTaken(#[from] NotTaken),
    /// Another service was needed and could not be asked.
    #[error(transparent)]
    Dependency(#[from] pitchey_rpc::Error),
    /// A row can't be written in the format asked for: a mistake of ours.
    #[error("an export: {0}")]
    Unwritable(Box<dyn std::error::Error + Send + Sync>),
    /// What every service refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<pitchey_db::Error> for Error {
    fn from(error: pitchey_db::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl ApiError for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::PitchNotFound => "pitch_not_found",
            Self::NotTheOwner => "not_the_owner",
            Self::WrongPortal => "wrong_portal",
            Self::ReportsNotTaken(_) => "reports_not_taken",
            Self::Dependency(_) => "dependency_unavailable",
            Self::Unwritable(_) => "internal_error",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::PitchNotFound => StatusCode::NOT_FOUND,
            Self::NotTheOwner | Self::WrongPortal => StatusCode::FORBIDDEN,
            Self::ReportsNotTaken(_) | Self::Dependency(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unwritable(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Refused(refusal) => refusal.status(),
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        error_response(self)
    }
}
