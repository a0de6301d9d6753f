use chrono::{DateTime, Utc};
use pitchey_events::{MailRequestId, NdaId, NdaParties, PitchId, UserId, UserType};
use serde::{Deserialize, Serialize};

use crate::store::email_preferences::{Frequency, Preferences};

/// A mail before it is addressed: what `email_requests.letter` holds. Ids and public text only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "kebab-case")]
pub(crate) enum Letter {
    VerifyEmail { mail_request_id: MailRequestId },
    Welcome { user_type: UserType },
    PasswordReset { mail_request_id: MailRequestId },
    PasswordChanged { at: DateTime<Utc> },
    NewLogin { at: DateTime<Utc> },
    NdaRequested { nda: Agreement, with_message: bool },
    NdaApproved { nda: Agreement, sign_until: DateTime<Utc> },
    NdaRejected { nda: Agreement, with_reason: bool },
    NdaSigned { nda: Agreement, expires_at: Option<DateTime<Utc>> },
    NdaRevoked { nda: Agreement, was_signed: bool },
    NdaExpired { nda: Agreement, ended: Ended },
    NdaReminder { nda: Agreement, expires_at: DateTime<Utc> },
}

/// An NDA as one of its parties sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Agreement {
    pub(crate) id: NdaId,
    pub(crate) pitch_id: PitchId,
    pub(crate) pitch_title: String,
    /// The other party.
    pub(crate) other: UserId,
}

/// How the time of an NDA ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// The owner said nothing.
    Unanswered,
    /// The requester did not sign.
    Unsigned,
    /// The agreed period is over.
    Over,
}

/// By which preference a letter comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// It comes whatever the preferences say.
    Transactional,
    /// `nda_requests`.
    NdaRequests,
}

impl Category {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::NdaRequests => "ndaRequests",
        }
    }

    /// How often letters of this category may come to who has these preferences.
    pub(crate) const fn frequency(self, preferences: &Preferences) -> Frequency {
        match self {
            Self::Transactional => Frequency::Instant,
            Self::NdaRequests => preferences.nda_requests,
        }
    }
}

impl Agreement {
    /// The one between `parties` in the eyes of `reader`.
    pub(crate) fn seen_by(parties: &NdaParties, reader: UserId) -> Self {
        let other = if reader == parties.owner_id { parties.requester_id } else { parties.owner_id };
        Self {
            id: parties.nda_id,
            pitch_id: parties.pitch_id,
            pitch_title: parties.pitch_title.clone(),
            other,
        }
    }
}

impl Letter {
    /// Name of its template.
    pub(crate) const fn template(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify-email",
            Self::Welcome { .. } => "welcome",
            Self::PasswordReset { .. } => "password-reset",
            Self::PasswordChanged { .. } => "password-changed",
            Self::NewLogin { .. } => "new-login",
            Self::NdaRequested { .. } => "nda-requested",
            Self::NdaApproved { .. } => "nda-approved",
            Self::NdaRejected { .. } => "nda-rejected",
            Self::NdaSigned { .. } => "nda-signed",
            Self::NdaRevoked { .. } => "nda-revoked",
            Self::NdaExpired { .. } => "nda-expired",
            Self::NdaReminder { .. } => "nda-reminder",
        }
    }

    /// By which preference it comes.
    pub(crate) const fn category(&self) -> Category {
        match self {
            Self::VerifyEmail { .. }
            | Self::Welcome { .. }
            | Self::PasswordReset { .. }
            | Self::PasswordChanged { .. }
            | Self::NewLogin { .. } => Category::Transactional,
            Self::NdaRequested { .. }
            | Self::NdaApproved { .. }
            | Self::NdaRejected { .. }
            | Self::NdaSigned { .. }
            | Self::NdaRevoked { .. }
            | Self::NdaExpired { .. }
            | Self::NdaReminder { .. } => Category::NdaRequests,
        }
    }

    /// 1 goes first. Somebody waits for a letter with a token; security comes next.
    pub(crate) const fn priority(&self) -> i32 {
        match self {
            Self::VerifyEmail { .. } | Self::PasswordReset { .. } => 1,
            Self::PasswordChanged { .. } | Self::NewLogin { .. } => 2,
            _ => 5,
        }
    }

    /// The token that accounts promised for it.
    pub(crate) const fn mail_request(&self) -> Option<MailRequestId> {
        match self {
            Self::VerifyEmail { mail_request_id } | Self::PasswordReset { mail_request_id } => {
                Some(*mail_request_id)
            }
            _ => None,
        }
    }

    /// Whose name it needs beside the recipient's.
    pub(crate) const fn other(&self) -> Option<UserId> {
        match self {
            Self::NdaRequested { nda, .. }
            | Self::NdaApproved { nda, .. }
            | Self::NdaRejected { nda, .. }
            | Self::NdaSigned { nda, .. }
            | Self::NdaRevoked { nda, .. }
            | Self::NdaExpired { nda, .. }
            | Self::NdaReminder { nda, .. } => Some(nda.other),
            _ => None,
        }
    }
}
