//! What pitches tells: pitches and NDAs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, HoldKey, Kind, NdaId, NdaType, PitchId, Service, Subject, UserId};

use Service::{Analytics, Messaging, Notifications, Payments, Pitches};

pub(crate) mod files;
pub(crate) mod social;

pub use files::*;
pub use social::*;

macro_rules! nda_fact {
    ($event:ident, $meaning:literal, $consumers:expr) => {
        Entry {
            event_type: $event::TYPE,
            meaning: $meaning,
            kind: Kind::Fact,
            producer: Pitches,
            consumers: $consumers,
            listeners: &[],
        }
    };
}

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: PitchPublished::TYPE,
        meaning: "A pitch was published.",
        kind: Kind::Fact,
        producer: Pitches,
        consumers: &[Notifications, Payments, Analytics],
        listeners: &[],
    },
    Entry {
        event_type: PitchChanged::TYPE,
        meaning: "Something of a pitch that others may see changed: content, status, counters, owner's wishes.",
        kind: Kind::State,
        producer: Pitches,
        consumers: &[],
        listeners: &[Pitches],
    },
    nda_fact!(NdaRequested, "A buyer asked for access under an NDA.", &[Notifications, Payments, Analytics]),
    nda_fact!(
        NdaApproved,
        "The owner, or the owner's policy, said yes; the document may be signed.",
        &[Notifications, Payments, Analytics]
    ),
    nda_fact!(NdaRejected, "The owner said no.", &[Notifications, Payments, Analytics]),
    nda_fact!(NdaWithdrawn, "The buyer took the request back.", &[Notifications, Payments, Analytics]),
    nda_fact!(NdaSigned, "The buyer signed; access has begun.", &[Notifications, Messaging, Analytics]),
    nda_fact!(
        NdaRevoked,
        "The owner or an admin ended it; access is over.",
        &[Notifications, Messaging, Payments, Analytics]
    ),
    nda_fact!(
        NdaExpired,
        "Time ended it: unanswered, unsigned, or the agreed period is over.",
        &[Notifications, Messaging, Payments, Analytics]
    ),
    nda_fact!(
        NdaExpiring,
        "An NDA will end within days: approved and not signed, or its agreed period.",
        &[Notifications]
    ),
    nda_fact!(NdaAnswerDue, "A request has waited for the owner's answer for a week.", &[Notifications]),
];

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PitchPublished {
    /// The pitch.
    pub pitch_id: PitchId,
    /// Its owner.
    pub owner_id: UserId,
    /// Whether it is the first time.
    pub first_time: bool,
    /// The pitch's title, which is public.
    #[serde(default)]
    pub pitch_title: String,
    /// The credit hold of the publication, where it costs something.
    #[serde(default)]
    pub hold: Option<HoldKey>,
}

impl Event for PitchPublished {
    const TYPE: &'static str = "pitch.published.v1";

    fn subject(&self) -> Subject {
        self.pitch_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PitchChanged {
    /// The pitch.
    pub pitch_id: PitchId,
    /// Its owner.
    pub owner_id: UserId,
    /// `pitches.version` after the change.
    pub version: i64,
}

impl Event for PitchChanged {
    const TYPE: &'static str = "pitch.changed.v1";

    fn subject(&self) -> Subject {
        self.pitch_id.into()
    }

    fn subject_version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// Who an NDA is between, and about what: in every NDA event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NdaParties {
    /// The NDA.
    pub nda_id: NdaId,
    /// The pitch it opens.
    pub pitch_id: PitchId,
    /// The pitch's title, which is public.
    pub pitch_title: String,
    /// Who owns the pitch.
    pub owner_id: UserId,
    /// Who wants to read it.
    pub requester_id: UserId,
    /// Kind of agreement.
    pub nda_type: NdaType,
    /// The credit hold of the request, where credits are in use.
    pub hold: Option<HoldKey>,
}

macro_rules! nda_event {
    ($(#[$doc:meta])* $name:ident = $word:literal { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// Who and what.
            #[serde(flatten)]
            pub parties: NdaParties,
            $($(#[$fdoc])* pub $field: $ty,)*
        }

        impl Event for $name {
            const TYPE: &'static str = $word;

            fn subject(&self) -> Subject {
                self.parties.nda_id.into()
            }
        }
    };
}

nda_event! {
    /// See the catalogue.
    NdaRequested = "nda.requested.v1" {
        /// Whether the request came with a message (the text stays in the NDA).
        with_message: bool,
    }
}
nda_event! {
    /// See the catalogue.
    NdaApproved = "nda.approved.v1" {
        /// Approved by the owner's policy, not by hand.
        by_policy: bool,
        /// Until when it may be signed.
        sign_until: DateTime<Utc>,
    }
}
nda_event! {
    /// See the catalogue.
    NdaRejected = "nda.rejected.v1" {
        /// Whether the owner gave a reason (the text stays in the NDA).
        with_reason: bool,
    }
}
nda_event! {
    /// See the catalogue.
    NdaWithdrawn = "nda.withdrawn.v1" {}
}
nda_event! {
    /// See the catalogue.
    NdaSigned = "nda.signed.v1" {
        /// When.
        signed_at: DateTime<Utc>,
        /// When access ends by itself.
        expires_at: Option<DateTime<Utc>>,
    }
}
nda_event! {
    /// See the catalogue.
    NdaRevoked = "nda.revoked.v1" {
        /// Whether it had been signed.
        was_signed: bool,
        /// Who ended it: the owner or an admin.
        revoked_by: UserId,
    }
}
nda_event! {
    /// See the catalogue.
    NdaExpired = "nda.expired.v1" {
        /// What it was when its time ended: `pending`, `approved` or `signed`.
        was: String,
    }
}
nda_event! {
    /// See the catalogue.
    NdaAnswerDue = "nda.answer_due.v1" {
        /// When it ends unanswered.
        expires_at: DateTime<Utc>,
    }
}
nda_event! {
    /// See the catalogue.
    NdaExpiring = "nda.expiring.v1" {
        /// What it is: `approved` or `signed`.
        status: String,
        /// When it ends.
        expires_at: DateTime<Utc>,
    }
}
