//! What accounts tells: users, sessions, and the mails it promises.

use serde::{Deserialize, Serialize};

use crate::{Entry, Event, Kind, MailRequestId, Service, SessionId, Subject, Tier, UserId, UserType};

use Service::{Accounts, Gateway, Messaging, Notifications, Pitches};

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: UserRegistered::TYPE,
        meaning: "Somebody registered and was promised a mail to verify the address.",
        kind: Kind::Fact,
        producer: Accounts,
        consumers: &[Notifications],
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
        consumers: &[Notifications],
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
        consumers: &[Notifications],
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
        listeners: &[Gateway, Pitches],
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
