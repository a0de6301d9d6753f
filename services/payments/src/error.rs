//! Every way in which this service refuses.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use pitchey_web::{ApiError, Refusal, error_response};
use serde_json::{Value, json};

use crate::stripe;
use crate::words::TransactionStatus;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the house.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The payment provider could not be asked.
    #[error("the payment provider: {0}")]
    ProviderUnavailable(stripe::Error),
    /// The payment provider said no, for a reason that the user may hear.
    #[error("The payment was declined.")]
    PaymentDeclined {
        /// The provider's code.
        reason: String,
    },
    /// A mistake of ours.
    #[error("{0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),

    /// The e-mail address is not proved.
    #[error("Please verify your e-mail address first.")]
    EmailNotVerified,
    /// Viewers have nothing to spend credits on, admins do not buy.
    #[error("Your kind of account does not buy this.")]
    NotForThisAccount,
    /// There is no plan to cancel.
    #[error("You are on no plan that could be cancelled.")]
    NoSubscription,
    /// The payment can't go back, or not so much of it.
    #[error("This payment is {}: that can't be refunded.", status.as_str())]
    NotRefundable {
        /// How it stands.
        status: TransactionStatus,
    },
    /// The webhook's signature does not hold.
    #[error("This webhook is not signed as it should be.")]
    WebhookRefused,
    /// The webhook is signed and makes no sense.
    #[error("This webhook can't be read.")]
    WebhookUnreadable(String),

    /// gRPC: the key names another hold.
    #[error("this key was used for another hold")]
    HoldKeyReused,
    /// gRPC: the hold went back already.
    #[error("that hold went back")]
    HoldReleased,
    /// gRPC: not a price that is known.
    #[error("no such hold: {0}")]
    HoldInvalid(&'static str),
}

impl ApiError for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::ProviderUnavailable(_) => "payment_provider_unavailable",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::Internal(_) => "internal_error",
            Self::EmailNotVerified => "email_not_verified",
            Self::NotForThisAccount => "not_for_this_account",
            Self::NoSubscription => "no_subscription",
            Self::NotRefundable { .. } => "not_refundable",
            Self::WebhookRefused => "webhook_refused",
            Self::WebhookUnreadable(_) => "webhook_unreadable",
            Self::HoldKeyReused => "hold_key_reused",
            Self::HoldReleased => "hold_released",
            Self::HoldInvalid(_) => "hold_invalid",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::ProviderUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::PaymentDeclined { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::EmailNotVerified | Self::NotForThisAccount => StatusCode::FORBIDDEN,
            Self::NoSubscription | Self::NotRefundable { .. } | Self::HoldKeyReused | Self::HoldReleased => {
                StatusCode::CONFLICT
            }
            Self::WebhookRefused | Self::WebhookUnreadable(_) | Self::HoldInvalid(_) => {
                StatusCode::BAD_REQUEST
            }
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::PaymentDeclined { reason } => json!({ "reason": reason }),
            Self::NotRefundable { status } => json!({ "status": status }),
            _ => json!({}),
        }
    }

    fn validation_errors(&self) -> Vec<pitchey_web::FieldError> {
        match self {
            Self::WebhookRefused => {
                vec![pitchey_web::FieldError::new("Stripe-Signature", "invalid", self.to_string())]
            }
            Self::WebhookUnreadable(why) => vec![pitchey_web::FieldError::new("body", "invalid", why)],
            _ => Vec::new(),
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

impl From<stripe::Error> for Error {
    fn from(error: stripe::Error) -> Self {
        match error {
            stripe::Error::Declined { code } => Self::PaymentDeclined { reason: code },
            stripe::Error::Refused { .. } => Self::Internal(error.into()),
            other => Self::ProviderUnavailable(other),
        }
    }
}

/// What a consumer says when an op fails: the database may come back; the rest is for a person.
impl From<Error> for pitchey_bus::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(Refusal::Database(_)) | Error::ProviderUnavailable(_) => Self::transient(error),
            other => Self::permanent(other),
        }
    }
}

/// What a caller over gRPC hears.
impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        if error.status().is_server_error() {
            tracing::error!(%error, code = error.code(), "a call failed");
        }
        pitchey_rpc::refusal(error.status().as_u16(), error.code(), &error.to_string())
    }
}
