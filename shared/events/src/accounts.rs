//! What accounts tells: users, sessions, and the mails it promises.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, Kind, MailRequestId, Service, SessionId, Subject, Tier, UserId, UserType};

use Service::{Accounts, Analytics, Gateway, Messaging, Notifications, Payments, Pitches};

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: UserRegistered::TYPE,
        meaning: "Somebody registered and was promised a mail to verify the address.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications, Analytics],
        listeners: &[],
    },
    Entry {
        event_type: EmailVerificationRequested::TYPE,
        meaning: "A user asked for the verification mail again.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
        listeners: &[],
    },
    Entry {
        event_type: EmailVerified::TYPE,
        meaning: "A user proved to own the e-mail address.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications, Payments],
        listeners: &[],
    },
    Entry {
        event_type: PasswordResetRequested::TYPE,
        meaning: "Somebody asked for a password reset and was promised a mail.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
        listeners: &[],
    },
    Entry {
        event_type: PasswordChanged::TYPE,
        meaning: "A user's password was changed or reset.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
        listeners: &[],
    },
    Entry {
        event_type: SessionStarted::TYPE,
        meaning: "A user logged in.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications, Analytics],
        listeners: &[],
    },
    Entry {
        event_type: SessionsRevoked::TYPE,
        meaning: "Sessions ended before their time: log-out, revocation, password change, reuse of a refresh token, ban.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[],
        listeners: &[Gateway, Messaging],
    },
    Entry {
        event_type: UserChanged::TYPE,
        meaning: "What others may know of a user changed.",
        kind: Kind::State,
        producer: Accounts,
        consumers: &[],
        listeners: &[Gateway, Messaging, Pitches],
    },
    Entry {
        event_type: UserBlocked::TYPE,
        meaning: "A user blocked another. The blocked one is not to be told.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Pitches],
        listeners: &[Messaging],
    },
    Entry {
        event_type: UserUnblocked::TYPE,
        meaning: "A user took a block back.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[],
        listeners: &[Messaging],
    },
    Entry {
        event_type: DeletionRequested::TYPE,
        meaning: "A user asked for the account to be deleted; it is closed from now on and can be had back for 14 days.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
        listeners: &[],
    },
    Entry {
        event_type: DeletionCancelled::TYPE,
        meaning: "A user came back within the days of grace; the account stays.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
        listeners: &[],
    },
    Entry {
        event_type: UserDeleted::TYPE,
        meaning: "A user is gone: the row is a pseudonym now. Whoever keeps personal data of the user erases it, but for what is somebody else's evidence.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Pitches, Messaging, Payments, Analytics, Notifications],
        listeners: &[],
    },
    Entry {
        event_type: DataExportReady::TYPE,
        meaning: "The copy of the own data that a user asked for can be fetched.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
        listeners: &[],
    },
    Entry {
        event_type: FeatureFlagChanged::TYPE,
        meaning: "An operator switched a feature flag. What it is now, accounts tells.",
        kind: Kind::State,
        producer: Accounts,
        consumers: &[],
        listeners: &[Payments],
    },
];

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The new user.
    pub user_id: UserId,
    /// What the user came for.
    pub user_type: UserType,
    /// The verification mail promised.
    pub mail_request_id: MailRequestId,
}

impl Event for UserRegistered {
    const TYPE: &'static str = "user.registered.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailVerificationRequested {
    /// Who asked.
    pub user_id: UserId,
    /// The mail promised.
    pub mail_request_id: MailRequestId,
}

impl Event for EmailVerificationRequested {
    const TYPE: &'static str = "user.email_verification_requested.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailVerified {
    /// Who did.
    pub user_id: UserId,
    /// What the user came for.
    pub user_type: UserType,
}

impl Event for EmailVerified {
    const TYPE: &'static str = "user.email_verified.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordResetRequested {
    /// Whose password.
    pub user_id: UserId,
    /// The mail promised.
    pub mail_request_id: MailRequestId,
}

impl Event for PasswordResetRequested {
    const TYPE: &'static str = "user.password_reset_requested.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// Whose password.
    pub user_id: UserId,
}

impl Event for PasswordChanged {
    const TYPE: &'static str = "user.password_changed.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// Who logged in.
    pub user_id: UserId,
    /// The new session.
    pub session_id: SessionId,
    /// Whether the user had a session from this kind of device before; the first log-in of all counts as known.
    pub device_known: bool,
}

impl Event for SessionStarted {
    const TYPE: &'static str = "session.started.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsRevoked {
    /// Whose sessions.
    pub user_id: UserId,
    /// The sessions that ended.
    pub session_ids: Vec<SessionId>,
}

impl Event for SessionsRevoked {
    const TYPE: &'static str = "session.revoked.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChanged {
    /// The user.
    pub user_id: UserId,
    /// `users.version` after the change.
    pub version: i64,
    /// What the user came for.
    pub user_type: UserType,
    /// The plan.
    pub tier: Tier,
    /// May log in and be seen.
    pub is_active: bool,
}

impl Event for UserChanged {
    const TYPE: &'static str = "user.changed.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }

    fn subject_version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBlocked {
    /// Who blocked.
    pub blocker_id: UserId,
    /// Whom.
    pub blocked_id: UserId,
}

impl Event for UserBlocked {
    const TYPE: &'static str = "user.blocked.v1";

    fn subject(&self) -> Subject {
        self.blocker_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUnblocked {
    /// Who took it back.
    pub blocker_id: UserId,
    /// Whom it was for. A block of the other side may still stand.
    pub blocked_id: UserId,
}

impl Event for UserUnblocked {
    const TYPE: &'static str = "user.unblocked.v1";

    fn subject(&self) -> Subject {
        self.blocker_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRequested {
    /// Who asked.
    pub user_id: UserId,
    /// Until then, logging in keeps the account.
    pub deleted_from: DateTime<Utc>,
}

impl Event for DeletionRequested {
    const TYPE: &'static str = "user.deletion_requested.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionCancelled {
    /// Who stays.
    pub user_id: UserId,
}

impl Event for DeletionCancelled {
    const TYPE: &'static str = "user.deletion_cancelled.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeleted {
    /// Who is gone.
    pub user_id: UserId,
}

impl Event for UserDeleted {
    const TYPE: &'static str = "user.deleted.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataExportReady {
    /// Whose data.
    pub user_id: UserId,
    /// The export, as in `/api/gdpr/exports/{id}`.
    pub export_id: i64,
    /// The mail promised; its token opens the link `/api/gdpr/exports/{id}?token=`.
    pub mail_request_id: MailRequestId,
    /// Until then it can be fetched.
    pub expires_at: DateTime<Utc>,
}

impl Event for DataExportReady {
    const TYPE: &'static str = "user.data_export_ready.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureFlagChanged {
    /// The flag's name; the reader's program may not know it.
    pub flag: String,
    /// `feature_flags.version` after the change.
    pub version: i64,
}

impl Event for FeatureFlagChanged {
    const TYPE: &'static str = "feature_flag.changed.v1";

    fn subject(&self) -> Subject {
        Subject(format!("feature_flag/{}", self.flag))
    }

    fn subject_version(&self) -> Option<i64> {
        Some(self.version)
    }
}
