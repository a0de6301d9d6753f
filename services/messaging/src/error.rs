//! Every way in which this service refuses.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use pitchey_web::{ApiError, RateLimit, Refusal, error_response};
use serde_json::{Value, json};

use crate::eligibility::OPENING_COST;
use crate::ops::edit::EDITABLE;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the house.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another service was needed and could not be asked.
    #[error(transparent)]
    Dependency(pitchey_rpc::Error),
    /// A text could not be sealed or opened.
    #[error("a message: {0}")]
    Sealed(#[from] pitchey_seal::Error),
    /// A mistake of ours.
    #[error("{0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),

    /// Nothing between the two allows it.
    #[error(
        "You can write to people with whom you have a signed NDA, who follow you as you follow them, or who are of your kind; verified buyers to owners of published pitches."
    )]
    MessagingNotAllowed,
    /// A block, or somebody who is gone: which, is not told.
    #[error("This message can't be sent.")]
    MessageNotPossible,
    /// The e-mail address is not proved.
    #[error("Please verify your e-mail address first.")]
    EmailNotVerified,
    /// Opening a conversation costs more than there is.
    #[error("Opening a conversation costs {OPENING_COST} credits; you have {balance}.")]
    NotEnoughCredits { balance: i32 },
    /// Too many messages.
    #[error("You are writing too fast; please wait.")]
    MessageRateLimit { per_minute: u32, seconds: u32 },
    /// The membership, or that of everybody else, has ended.
    #[error("This conversation has ended; it can still be read.")]
    ConversationInactive,
    /// A discussion is opened by a signature only.
    #[error("The discussion of a pitch opens when its NDA is signed.")]
    DiscussionNotOpen,
    /// Members are fixed.
    #[error("Members can be added to groups only.")]
    NotAGroup,
    /// A group has its size.
    #[error("A group has at most {most} members.")]
    GroupFull { most: usize },
    /// Too late.
    #[error("A message can be changed for {} minutes.", EDITABLE.num_minutes())]
    MessageEditWindowOver,
    /// It is a tombstone.
    #[error("This message was deleted.")]
    MessageDeleted,
    /// Too many sockets.
    #[error("You have five connections already; please close one.")]
    TooManySockets,
    /// The ticket is unknown, used or too old.
    #[error("This ticket opens nothing any more; please get a new one.")]
    TicketInvalid,
}

impl ApiError for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Dependency(_) => "dependency_unavailable",
            Self::Sealed(_) | Self::Internal(_) => "internal_error",
            Self::MessagingNotAllowed => "messaging_not_allowed",
            Self::MessageNotPossible => "message_not_possible",
            Self::EmailNotVerified => "email_not_verified",
            Self::NotEnoughCredits { .. } => "not_enough_credits",
            Self::MessageRateLimit { .. } => "message_rate_limit",
            Self::ConversationInactive => "conversation_inactive",
            Self::DiscussionNotOpen => "discussion_not_open",
            Self::NotAGroup => "not_a_group",
            Self::GroupFull { .. } => "group_full",
            Self::MessageEditWindowOver => "message_edit_window_over",
            Self::MessageDeleted => "message_deleted",
            Self::TooManySockets => "too_many_sockets",
            Self::TicketInvalid => "ticket_invalid",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Dependency(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Sealed(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotEnoughCredits { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::MessagingNotAllowed | Self::MessageNotPossible | Self::EmailNotVerified => {
                StatusCode::FORBIDDEN
            }
            Self::ConversationInactive
            | Self::DiscussionNotOpen
            | Self::NotAGroup
            | Self::GroupFull { .. }
            | Self::MessageEditWindowOver
            | Self::MessageDeleted => StatusCode::CONFLICT,
            Self::MessageRateLimit { .. } | Self::TooManySockets => StatusCode::TOO_MANY_REQUESTS,
            Self::TicketInvalid => StatusCode::UNAUTHORIZED,
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::NotEnoughCredits { balance } => json!({ "balance": balance, "required": OPENING_COST }),
            Self::ConversationInactive => json!({ "status": "inactive" }),
            Self::MessageDeleted => json!({ "status": "deleted" }),
            Self::MessageEditWindowOver => json!({ "status": "final" }),
            _ => json!({}),
        }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        match self {
            Self::MessageRateLimit { per_minute, seconds } => {
                Some(RateLimit { limit: *per_minute, retry_after: *seconds })
            }
            Self::TooManySockets => Some(RateLimit { limit: 5, retry_after: 5 }),
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

impl From<pitchey_rpc::Error> for Error {
    fn from(error: pitchey_rpc::Error) -> Self {
        match error {
            pitchey_rpc::Error::NotFound { .. } => Self::Refused(Refusal::NotFound),
            other => Self::Dependency(other),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}
