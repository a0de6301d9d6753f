use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use pitchey_events::UserType;
use pitchey_web::{ApiError, FieldError, RateLimit, Refusal, error_response};
use serde_json::{Value, json};

use crate::ops::throttle::LIMIT;

/// What accounts refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What every service refuses alike.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// 401: whichever of the two is wrong.
    #[error("The e-mail address or the password is wrong.")]
    WrongCredentials,
    /// 429.
    #[error("Too many failed log-ins. Please try again later.")]
    TooManyAttempts {
        /// Seconds until the next try.
        retry_after: u32,
    },
    /// 403: the right password at the door of another type.
    #[error("This account belongs to a {0}. Please use the log-in made for it.")]
    WrongDoor(UserType),
    /// 403: banned or closed.
    #[error("This account is closed.")]
    AccountClosed,
    /// 409.
    #[error("There is an account with this e-mail address.")]
    EmailTaken,
    /// 409.
    #[error("This user name is taken.")]
    UsernameTaken,
    /// 400: unknown, used or too old.
    #[error("This link does not work any more. Please ask for a new one.")]
    MailTokenInvalid,
    /// 400.
    #[error("The current password is wrong.")]
    WrongPassword,
    /// 401: unknown, or its session has ended.
    #[error("The session has ended. Please log in.")]
    RefreshTokenInvalid,
    /// 401: replaced before, so two have it; the session has ended for both.
    #[error("The session was ended because its refresh token was used twice. Please log in.")]
    RefreshTokenReused,
    /// 503: too many passwords to hash at the moment.
    #[error("too many passwords to hash")]
    Busy,
    /// 500.
    #[error("a password could not be hashed")]
    Hashing,
    /// 500.
    #[error("personal data does not open: {0}")]
    Sealed(#[from] pitchey_seal::Error),
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
            Self::Refused(refusal) => refusal.code(),
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyAttempts { .. } => "too_many_login_attempts",
            Self::WrongDoor(_) => "wrong_login_door",
            Self::AccountClosed => "account_closed",
            Self::EmailTaken => "email_taken",
            Self::UsernameTaken => "username_taken",
            Self::MailTokenInvalid => "mail_token_invalid",
            Self::WrongPassword => "wrong_password",
            Self::RefreshTokenInvalid => "refresh_token_invalid",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Busy => "too_busy",
            Self::Hashing | Self::Sealed(_) => "internal_error",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::WrongCredentials | Self::RefreshTokenInvalid | Self::RefreshTokenReused => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongDoor(_) | Self::AccountClosed => StatusCode::FORBIDDEN,
            Self::EmailTaken | Self::UsernameTaken => StatusCode::CONFLICT,
            Self::MailTokenInvalid | Self::WrongPassword => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Hashing | Self::Sealed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::WrongDoor(user_type) => json!({ "userType": user_type }),
            _ => json!({}),
        }
    }

    fn validation_errors(&self) -> Vec<FieldError> {
        let of = |field| vec![FieldError::new(field, self.code(), self.message())];
        match self {
            Self::MailTokenInvalid => of("token"),
            Self::WrongPassword => of("currentPassword"),
            _ => Vec::new(),
        }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        match self {
            Self::TooManyAttempts { retry_after } => {
                Some(RateLimit { limit: LIMIT, retry_after: *retry_after })
            }
            _ => None,
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

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        tracing::warn!(%error, "a call failed");
        pitchey_rpc::refusal(error.status().as_u16(), error.code(), &error.message())
    }
}
