use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use pitchey_events::UserType;
use pitchey_web::{ApiError, FieldError, RateLimit, Refusal, error_response};
use serde_json::{Value, json};

use crate::ops::consents::Purpose;
use crate::ops::throttle::LIMIT;
use crate::store::{company_verifications, data_requests};

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
    /// 400: the user's own password, in this field.
    #[error("The password is wrong.")]
    WrongPassword(&'static str),
    /// 401: the password is right, and a code is to be sent along.
    #[error("Please enter the code of your authenticator app.")]
    SecondFactorRequired,
    /// 401: the password is right, the code is not, or was used.
    #[error("The code is wrong, or was used before.")]
    SecondFactorWrong,
    /// 409.
    #[error("There is a second factor already.")]
    SecondFactorSet,
    /// 409.
    #[error("There is no second factor.")]
    SecondFactorNotSet,
    /// 400.
    #[error("The code is wrong, or was used before.")]
    CodeWrong,
    /// 500; of a job, which tries again.
    #[error("an archive could not be written: {0}")]
    Archive(std::io::Error),
    /// 503; of a job, which tries again.
    #[error("another service did not tell what it keeps: {0}")]
    Keeper(pitchey_rpc::Error),
    /// 500.
    #[error("a second factor can't be used")]
    SecondFactorBroken,
    /// 400.
    #[error("You can't block yourself.")]
    OwnBlock,
    /// 400.
    #[error(
        "Nobody has an account without the terms and the privacy notice. To take this back, please delete the account."
    )]
    ConsentNeeded,
    /// 409: the text that was shown is not the current one.
    #[error("The text has changed. Please read the new one.")]
    ConsentOutdated(Purpose),
    /// 409.
    #[error("The copy of your data is not ready.")]
    ExportNotReady(data_requests::Status),
    /// 403.
    #[error("Please verify your e-mail address first.")]
    EmailNotVerified,
    /// 409.
    #[error("Your company is verified already.")]
    CompanyVerified,
    /// 409: another admin decided, or the company changed.
    #[error("This was decided before.")]
    VerificationDecided(company_verifications::Status),
    /// 403.
    #[error("Only an operator can do this to an admin.")]
    AdminProtected,
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
            Self::WrongPassword(_) => "wrong_password",
            Self::SecondFactorRequired => "second_factor_required",
            Self::SecondFactorWrong => "second_factor_wrong",
            Self::SecondFactorSet => "second_factor_set",
            Self::SecondFactorNotSet => "second_factor_not_set",
            Self::CodeWrong => "code_wrong",
            Self::OwnBlock => "own_block",
            Self::ConsentNeeded => "consent_needed",
            Self::ConsentOutdated(_) => "consent_outdated",
            Self::ExportNotReady(_) => "export_not_ready",
            Self::EmailNotVerified => "email_not_verified",
            Self::CompanyVerified => "company_verified",
            Self::VerificationDecided(_) => "verification_decided",
            Self::AdminProtected => "admin_protected",
            Self::RefreshTokenInvalid => "refresh_token_invalid",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::Busy => "too_busy",
            Self::Hashing | Self::Sealed(_) | Self::Archive(_) | Self::SecondFactorBroken => "internal_error",
            Self::Keeper(_) => "service_unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::WrongCredentials
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused
            | Self::SecondFactorRequired
            | Self::SecondFactorWrong => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongDoor(_) | Self::AccountClosed | Self::EmailNotVerified | Self::AdminProtected => {
                StatusCode::FORBIDDEN
            }
            Self::EmailTaken
            | Self::UsernameTaken
            | Self::SecondFactorSet
            | Self::SecondFactorNotSet
            | Self::ConsentOutdated(_)
            | Self::ExportNotReady(_)
            | Self::CompanyVerified
            | Self::VerificationDecided(_) => StatusCode::CONFLICT,
            Self::MailTokenInvalid
            | Self::WrongPassword(_)
            | Self::CodeWrong
            | Self::OwnBlock
            | Self::ConsentNeeded => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Keeper(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Hashing | Self::Sealed(_) | Self::Archive(_) | Self::SecondFactorBroken => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::WrongDoor(user_type) => json!({ "userType": user_type }),
            Self::ConsentOutdated(purpose) => {
                json!({ "purpose": purpose, "documentVersion": purpose.current_version() })
            }
            Self::ExportNotReady(status) => json!({ "status": status }),
            Self::VerificationDecided(status) => json!({ "status": status }),
            _ => json!({}),
        }
    }

    fn validation_errors(&self) -> Vec<FieldError> {
        let of = |field| vec![FieldError::new(field, self.code(), self.message())];
        match self {
            Self::MailTokenInvalid => of("token"),
            Self::WrongPassword(field) => of(field),
            Self::CodeWrong => of("code"),
            Self::OwnBlock => of("id"),
            Self::ConsentNeeded => of("granted"),
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
