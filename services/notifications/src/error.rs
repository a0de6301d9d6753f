use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use pitchey_web::{ApiError, Refusal, error_response};

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody's, or somebody else's.
    #[error("There is no such notification.")]
    NotificationNotFound,
    /// Not one of ours, or whose it was is gone.
    #[error("This link does not work.")]
    UnsubscribeTokenUnknown,
    /// Nobody we know says so, or not now.
    #[error("The signature is missing, wrong or too old.")]
    WebhookSignatureInvalid,
    /// The folder of the development page can't be read.
    #[error("the mail folder: {0}")]
    MailFolder(#[from] std::io::Error),
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
            Self::NotificationNotFound => "notification_not_found",
            Self::UnsubscribeTokenUnknown => "unsubscribe_token_unknown",
            Self::WebhookSignatureInvalid => "webhook_signature_invalid",
            Self::MailFolder(_) => "mail_folder_unreadable",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotificationNotFound | Self::UnsubscribeTokenUnknown => StatusCode::NOT_FOUND,
            Self::WebhookSignatureInvalid => StatusCode::UNAUTHORIZED,
            Self::MailFolder(_) => StatusCode::INTERNAL_SERVER_ERROR,
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
