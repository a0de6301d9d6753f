use std::fmt;

use chrono::{DateTime, Utc};
use pitchey_events::{MailRequestId, NdaId, NdaParties, PitchId, Tier, UserId, UserType};
use serde::{Deserialize, Serialize};

use crate::store::email_preferences::{Change, Frequency, Preferences};

/// A mail before it is addressed: what `email_requests.letter` holds. Ids and public text only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "kebab-case")]
pub(crate) enum Letter {
    VerifyEmail {
        mail_request_id: MailRequestId,
    },
    Welcome {
        user_type: UserType,
    },
    PasswordReset {
        mail_request_id: MailRequestId,
    },
    PasswordChanged {
        at: DateTime<Utc>,
    },
    NewLogin {
        at: DateTime<Utc>,
    },
    AccountDeleted {
        deleted_from: DateTime<Utc>,
    },
    DataExportReady {
        export_id: i64,
        mail_request_id: MailRequestId,
        expires_at: DateTime<Utc>,
    },
    NdaRequested {
        nda: Agreement,
        with_message: bool,
    },
    NdaApproved {
        nda: Agreement,
        sign_until: DateTime<Utc>,
    },
    NdaRejected {
        nda: Agreement,
        with_reason: bool,
    },
    NdaSigned {
        nda: Agreement,
        expires_at: Option<DateTime<Utc>>,
    },
    NdaRevoked {
        nda: Agreement,
        was_signed: bool,
    },
    NdaExpiring {
        nda: Agreement,
        to_be_signed: bool,
        expires_at: DateTime<Utc>,
    },
    NdaExpired {
        nda: Agreement,
        ended: Ended,
    },
    NdaReminder {
        nda: Agreement,
        expires_at: DateTime<Utc>,
    },
    MessageReceived {
        conversation_id: i64,
        from: UserId,
    },
    PitchViewed {
        pitch: Named,
        views: i64,
    },
    NewFollower {
        follower: UserId,
        pitch: Option<Named>,
    },
    FollowedCreatorPublished {
        pitch: Named,
        owner: UserId,
    },
    PaymentReceipt {
        amount: Amount,
        description: String,
        invoice_number: String,
        paid_at: DateTime<Utc>,
    },
    PaymentFailed {
        amount: Amount,
        description: String,
        for_plan: bool,
    },
    CreditsLow {
        balance: i32,
    },
    SubscriptionChanged {
        tier: Tier,
        previous_tier: Tier,
        /// It was cancelled, and ends then.
        ends_at: Option<DateTime<Utc>>,
        /// A payment is overdue; the plan stays until then.
        grace_until: Option<DateTime<Utc>>,
    },
    ReportOutcome {
        about_pitch: bool,
        upheld: bool,
    },
}

/// A pitch and its title, which is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: PitchId,
    pub(crate) title: String,
}

/// Money, for people: `EUR 14.99`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amount(String);

impl Amount {
    pub(crate) fn new(cents: i64, currency: &str) -> Self {
        let sign = if cents < 0 { "-" } else { "" };
        let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        Self(format!("{} {sign}{whole}.{rest:02}", currency.to_uppercase()))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Category {
    /// It comes whatever the preferences say.
    Transactional,
    /// `nda_requests`.
    NdaRequests,
    /// `messages`.
    Messages,
    /// `pitch_views`: what happens around the own pitches and the people one follows.
    PitchViews,
    /// What is set to daily.
    DailyDigest,
    /// `weekly_digest`.
    WeeklyDigest,
}

impl Category {
    /// Those one can do without, each with the number that a link to unsubscribe names it by; the numbers are for ever.
    pub(crate) const OPTIONAL: [(u8, Self); 5] = [
        (1, Self::NdaRequests),
        (2, Self::Messages),
        (3, Self::PitchViews),
        (4, Self::DailyDigest),
        (5, Self::WeeklyDigest),
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::NdaRequests => "ndaRequests",
            Self::Messages => "messages",
            Self::PitchViews => "pitchViews",
            Self::DailyDigest => "dailyDigest",
            Self::WeeklyDigest => "weeklyDigest",
        }
    }

    /// For people.
    pub(crate) const fn called(self) -> &'static str {
        match self {
            Self::Transactional => "about your account",
            Self::NdaRequests => "about NDAs",
            Self::Messages => "about messages",
            Self::PitchViews => "about your pitches and the people you follow",
            Self::DailyDigest => "of the day",
            Self::WeeklyDigest => "of the week",
        }
    }

    /// How often letters of this category may come to who has these preferences.
    pub(crate) const fn frequency(self, preferences: &Preferences) -> Frequency {
        match self {
            Self::Transactional | Self::DailyDigest => Frequency::Instant,
            Self::NdaRequests => preferences.nda_requests,
            Self::Messages => preferences.messages,
            Self::PitchViews => preferences.pitch_views,
            Self::WeeklyDigest if preferences.weekly_digest => Frequency::Instant,
            Self::WeeklyDigest => Frequency::Never,
        }
    }

    /// What to change in `preferences` so that none of this category comes any more.
    pub(crate) fn never(self, preferences: &Preferences) -> Change {
        let never = Some(Frequency::Never);
        let if_daily = |frequency| if frequency == Frequency::Daily { never } else { None };
        match self {
            Self::Transactional => Change::default(),
            Self::NdaRequests => Change { nda_requests: never, ..Change::default() },
            Self::Messages => Change { messages: never, ..Change::default() },
            Self::PitchViews => Change { pitch_views: never, ..Change::default() },
            Self::DailyDigest => Change {
                nda_requests: if_daily(preferences.nda_requests),
                messages: if_daily(preferences.messages),
                pitch_views: if_daily(preferences.pitch_views),
                marketing: if_daily(preferences.marketing),
                ..Change::default()
            },
            Self::WeeklyDigest => Change { weekly_digest: Some(false), ..Change::default() },
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
            Self::AccountDeleted { .. } => "account-deleted",
            Self::DataExportReady { .. } => "data-export-ready",
            Self::NdaRequested { .. } => "nda-requested",
            Self::NdaApproved { .. } => "nda-approved",
            Self::NdaRejected { .. } => "nda-rejected",
            Self::NdaSigned { .. } => "nda-signed",
            Self::NdaRevoked { .. } => "nda-revoked",
            Self::NdaExpiring { .. } => "nda-expiring",
            Self::NdaExpired { .. } => "nda-expired",
            Self::NdaReminder { .. } => "nda-reminder",
            Self::MessageReceived { .. } => "message-received",
            Self::PitchViewed { .. } => "pitch-viewed",
            Self::NewFollower { .. } => "new-follower",
            Self::FollowedCreatorPublished { .. } => "followed-creator-published",
            Self::PaymentReceipt { .. } => "payment-receipt",
            Self::PaymentFailed { .. } => "payment-failed",
            Self::CreditsLow { .. } => "credits-low",
            Self::SubscriptionChanged { .. } => "subscription-changed",
            Self::ReportOutcome { .. } => "report-outcome",
        }
    }

    /// By which preference it comes.
    pub(crate) const fn category(&self) -> Category {
        match self {
            Self::VerifyEmail { .. }
            | Self::Welcome { .. }
            | Self::PasswordReset { .. }
            | Self::PasswordChanged { .. }
            | Self::NewLogin { .. }
            | Self::AccountDeleted { .. }
            | Self::DataExportReady { .. }
            | Self::PaymentReceipt { .. }
            | Self::PaymentFailed { .. }
            | Self::SubscriptionChanged { .. }
            | Self::ReportOutcome { .. } => Category::Transactional,
            Self::NdaRequested { .. }
            | Self::NdaApproved { .. }
            | Self::NdaRejected { .. }
            | Self::NdaSigned { .. }
            | Self::NdaRevoked { .. }
            | Self::NdaExpiring { .. }
            | Self::NdaExpired { .. }
            | Self::NdaReminder { .. } => Category::NdaRequests,
            Self::MessageReceived { .. } => Category::Messages,
            Self::PitchViewed { .. }
            | Self::NewFollower { .. }
            | Self::FollowedCreatorPublished { .. }
            | Self::CreditsLow { .. } => Category::PitchViews,
        }
    }

    /// 1 goes first. Somebody waits for a letter with a token; security comes next; digests (9) come last.
    pub(crate) const fn priority(&self) -> i32 {
        match self {
            Self::VerifyEmail { .. } | Self::PasswordReset { .. } => 1,
            Self::PasswordChanged { .. } | Self::NewLogin { .. } | Self::AccountDeleted { .. } => 2,
            Self::PaymentReceipt { .. } | Self::PaymentFailed { .. } | Self::DataExportReady { .. } => 4,
            Self::PitchViewed { .. } | Self::FollowedCreatorPublished { .. } => 7,
            _ => 5,
        }
    }

    /// Goes to who has closed the account, too.
    pub(crate) const fn is_farewell(&self) -> bool {
        matches!(self, Self::AccountDeleted { .. })
    }

    /// The token that accounts promised for it.
    pub(crate) const fn mail_request(&self) -> Option<MailRequestId> {
        match self {
            Self::VerifyEmail { mail_request_id }
            | Self::PasswordReset { mail_request_id }
            | Self::DataExportReady { mail_request_id, .. } => Some(*mail_request_id),
            _ => None,
        }
    }

    /// Whose name it needs beside the recipient's.
    pub(crate) const fn other(&self) -> Option<UserId> {
        match self {
            Self::MessageReceived { from: other, .. }
            | Self::NewFollower { follower: other, .. }
            | Self::FollowedCreatorPublished { owner: other, .. } => Some(*other),
            _ => match self.nda() {
                Some(nda) => Some(nda.other),
                None => None,
            },
        }
    }

    /// The NDA it is about.
    pub(crate) const fn nda(&self) -> Option<&Agreement> {
        match self {
            Self::NdaRequested { nda, .. }
            | Self::NdaApproved { nda, .. }
            | Self::NdaRejected { nda, .. }
            | Self::NdaSigned { nda, .. }
            | Self::NdaRevoked { nda, .. }
            | Self::NdaExpiring { nda, .. }
            | Self::NdaExpired { nda, .. }
            | Self::NdaReminder { nda, .. } => Some(nda),
            _ => None,
        }
    }

    /// The pitch it is about, and its title then.
    pub(crate) fn pitch(&self) -> Option<(PitchId, &str)> {
        match self {
            Self::PitchViewed { pitch, .. }
            | Self::FollowedCreatorPublished { pitch, .. }
            | Self::NewFollower { pitch: Some(pitch), .. } => Some((pitch.id, &pitch.title)),
            _ => self.nda().map(|nda| (nda.pitch_id, nda.pitch_title.as_str())),
        }
    }
}
