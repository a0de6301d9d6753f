//! Every way in which this service refuses.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_RANGE;
use actix_web::{HttpResponse, ResponseError};
use chrono::{DateTime, Utc};
use pitchey_events::NdaId;
use pitchey_web::{ApiError, FieldError, RateLimit, Refusal, Timestamp, error_response};
use serde_json::{Value, json};

use crate::ops::media::MOST as MEDIA_MOST;
use crate::ops::ndas::REQUEST_LIMIT;
use crate::words::{MediaKind, NdaStatus, PitchStatus, ReportStatus};

/// Seconds after which an upload may have its turn.
const UPLOADS_RETRY: u32 = 5;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of the house.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another service was needed and could not be asked.
    #[error(transparent)]
    Dependency(pitchey_rpc::Error),
    /// A mistake of ours.
    #[error("{0}")]
    Internal(Box<dyn std::error::Error + Send + Sync>),

    /// Somebody saved the pitch in between.
    #[error("The pitch was changed in the meantime; it is now version {version}.")]
    PitchChanged { version: i64 },
    /// The pitch's status does not allow it.
    #[error("This is not possible while the pitch is {}.", status.as_str())]
    PitchWrongState { status: PitchStatus },
    /// Only the moderators can undo it.
    #[error("A moderator has hidden this pitch.")]
    PitchHiddenByModerator,
    /// Fields that publishing needs are empty.
    #[error("The pitch lacks what publishing needs.")]
    PitchIncomplete(Vec<FieldError>),
    /// The e-mail address is not proved.
    #[error("Please verify your e-mail address first.")]
    EmailNotVerified,

    /// It is the user's own pitch.
    #[error("This is your own pitch.")]
    OwnPitch,
    /// Nobody follows themselves.
    #[error("You cannot follow yourself.")]
    SelfFollow,
    /// A block, or a user who is gone: which, is not told.
    #[error("This is not possible between you two.")]
    NotPossible,
    /// A moderator has decided otherwise.
    #[error("The report is {} already.", status.as_str())]
    ReportWrongState { status: ReportStatus },

    /// Not an investor or production company.
    #[error("Only investors and production companies can request an NDA.")]
    NdaBuyersOnly,
    /// It is the requester's own pitch.
    #[error("This is your own pitch.")]
    NdaOwnPitch,
    /// The pitch is open.
    #[error("This pitch needs no NDA.")]
    NdaNotRequired,
    /// A block, or an owner who is gone: which, is not told.
    #[error("An NDA is not possible between these two.")]
    NdaNotPossible,
    /// There is one under way or in force.
    #[error("You have an NDA for this pitch already: it is {}.", status.as_str())]
    NdaAlreadyExists { id: NdaId, status: NdaStatus },
    /// Too early after a rejection.
    #[error("The owner said no recently; please wait before asking again.")]
    NdaRecentlyRejected { until: DateTime<Utc> },
    /// Too many requests in a day.
    #[error("You have requested {REQUEST_LIMIT} NDAs in 24 hours; please wait.")]
    NdaRequestLimit { seconds: u32 },
    /// It costs more than there is.
    #[error("This costs {required} credits; you have {balance}.")]
    NotEnoughCredits { balance: i32, required: i32 },
    /// Somebody was faster, or it is too late.
    #[error("This is not possible any more: the NDA is {}.", status.as_str())]
    NdaWrongState { status: NdaStatus },
    /// Nobody tracks investments in an own pitch.
    #[error("This is your own pitch.")]
    InvestmentOwnPitch,
    /// What the file is, whatever it is called, does not go with what it is to be.
    #[error("This file is {found}; a {} may be: {}.", kind.as_str(), kind.media_types().join(", "))]
    MediaTypeNotAllowed { kind: MediaKind, found: String },
    /// A pitch has so many files already.
    #[error("A pitch has {MEDIA_MOST} files at most.")]
    MediaLimit,
    /// Another file came or went in the same moment.
    #[error("The files of this pitch were changed at the same moment; please try again.")]
    MediaConflict,
    /// All places for uploads are taken.
    #[error("too many uploads at once")]
    UploadsBusy,
    /// The place where files lie is away, or refuses us.
    #[error("files: {0}")]
    Files(#[from] std::io::Error),
    /// There are no such bytes.
    #[error("The file has {size} bytes only.")]
    RangeNotSatisfiable { size: u64 },
    /// What was shown to the signer is not what was offered.
    #[error("This is not the document that was offered; please read it again.")]
    DocumentHashMismatch,
}

impl ApiError for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Dependency(_) => "dependency_unavailable",
            Self::Internal(_) => "internal_error",
            Self::PitchChanged { .. } => "pitch_changed",
            Self::PitchWrongState { .. } => "pitch_wrong_state",
            Self::PitchHiddenByModerator => "pitch_hidden_by_moderator",
            Self::PitchIncomplete(_) => "pitch_incomplete",
            Self::EmailNotVerified => "email_not_verified",
            Self::OwnPitch => "own_pitch",
            Self::SelfFollow => "self_follow",
            Self::NotPossible => "not_possible",
            Self::ReportWrongState { .. } => "report_wrong_state",
            Self::NdaBuyersOnly => "nda_buyers_only",
            Self::NdaOwnPitch => "nda_own_pitch",
            Self::NdaNotRequired => "nda_not_required",
            Self::NdaNotPossible => "nda_not_possible",
            Self::NdaAlreadyExists { .. } => "nda_already_exists",
            Self::NdaRecentlyRejected { .. } => "nda_recently_rejected",
            Self::NdaRequestLimit { .. } => "nda_request_limit",
            Self::NotEnoughCredits { .. } => "not_enough_credits",
            Self::NdaWrongState { .. } => "nda_wrong_state",
            Self::InvestmentOwnPitch => "investment_own_pitch",
            Self::MediaTypeNotAllowed { .. } => "media_type_not_allowed",
            Self::MediaLimit => "media_limit_reached",
            Self::MediaConflict => "media_conflict",
            Self::UploadsBusy => "uploads_busy",
            Self::Files(_) => "files_unavailable",
            Self::RangeNotSatisfiable { .. } => "range_not_satisfiable",
            Self::DocumentHashMismatch => "document_hash_mismatch",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Dependency(_) | Self::UploadsBusy | Self::Files(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::MediaTypeNotAllowed { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::InvestmentOwnPitch => StatusCode::FORBIDDEN,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::PitchIncomplete(_) => StatusCode::BAD_REQUEST,
            Self::NotEnoughCredits { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::OwnPitch | Self::SelfFollow | Self::NotPossible => StatusCode::FORBIDDEN,
            Self::EmailNotVerified | Self::NdaBuyersOnly | Self::NdaOwnPitch | Self::NdaNotPossible => {
                StatusCode::FORBIDDEN
            }
            Self::PitchChanged { .. }
            | Self::PitchWrongState { .. }
            | Self::PitchHiddenByModerator
            | Self::ReportWrongState { .. }
            | Self::MediaLimit
            | Self::MediaConflict
            | Self::NdaNotRequired
            | Self::NdaAlreadyExists { .. }
            | Self::NdaRecentlyRejected { .. }
            | Self::NdaWrongState { .. }
            | Self::DocumentHashMismatch => StatusCode::CONFLICT,
            Self::NdaRequestLimit { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::PitchChanged { version } => json!({ "version": version }),
            Self::PitchWrongState { status } => json!({ "status": status }),
            Self::PitchHiddenByModerator => json!({ "status": PitchStatus::Hidden }),
            Self::ReportWrongState { status } => json!({ "status": status }),
            Self::NdaWrongState { status } => json!({ "status": status }),
            Self::MediaTypeNotAllowed { kind, found } => {
                json!({ "found": found, "allowed": kind.media_types() })
            }
            Self::MediaLimit => json!({ "limit": MEDIA_MOST }),
            Self::RangeNotSatisfiable { size } => json!({ "size": size }),
            Self::NdaAlreadyExists { id, status } => json!({ "ndaId": id, "status": status }),
            Self::NdaRecentlyRejected { until } => json!({ "availableAt": Timestamp(*until) }),
            Self::NotEnoughCredits { balance, required } => {
                json!({ "balance": balance, "required": required })
            }
            _ => json!({}),
        }
    }

    fn validation_errors(&self) -> Vec<FieldError> {
        match self {
            Self::PitchIncomplete(missing) => missing.clone(),
            _ => Vec::new(),
        }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        match self {
            Self::NdaRequestLimit { seconds } => {
                Some(RateLimit { limit: REQUEST_LIMIT, retry_after: *seconds })
            }
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<u32> {
        matches!(self, Self::UploadsBusy).then_some(UPLOADS_RETRY)
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
        let mut response = error_response(self);
        if let Self::RangeNotSatisfiable { size } = self
            && let Ok(told) = format!("bytes */{size}").parse()
        {
            response.headers_mut().insert(CONTENT_RANGE, told);
        }
        response
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
