//! Every event type with who emits it and who wants it.

use crate::ids::words;
use crate::{accounts, analytics, messaging, notifications, payments, pitches, views};

words! {
    /// The parts of the platform that run as processes of their own.
    Service {
        /// The edge.
        Gateway = "gateway",
        /// Users and sessions.
        Accounts = "accounts",
        /// Pitches and NDAs.
        Pitches = "pitches",
        /// Conversations.
        Messaging = "messaging",
        /// Credits and plans.
        Payments = "payments",
        /// What was seen by whom.
        Analytics = "analytics",
        /// Mail and in-app notifications.
        Notifications = "notifications",
    }
}

/// How a consumer treats an event that arrives late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something happened. Never dropped, whatever its age.
    Fact,
    /// What its subject looks like now. One older than what the consumer has seen of the subject is dropped.
    State,
}

/// One line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The event's type, version included: `nda.signed.v1`.
    pub event_type: &'static str,
    /// What it tells, in a sentence.
    pub meaning: &'static str,
    /// Fact or state.
    pub kind: Kind,
    /// The only service that emits it.
    pub producer: Service,
    /// Services that handle it exactly once each, through their durable queue.
    pub consumers: &'static [Service],
    /// Services of which every running replica hears it, if it runs: cache invalidation, sockets.
    pub listeners: &'static [Service],
}

impl Entry {
    /// Whether anybody wants it. An event nobody wants is not published.
    pub const fn is_wanted(&self) -> bool {
        !self.consumers.is_empty() || !self.listeners.is_empty()
    }
}

/// All events of the platform, by producer.
pub static CATALOGUE: &[&[Entry]] = &[
    accounts::EVENTS,
    pitches::EVENTS,
    pitches::files::EVENTS,
    pitches::social::EVENTS,
    analytics::EVENTS,
    views::EVENTS,
    messaging::EVENTS,
    notifications::EVENTS,
    payments::EVENTS,
];

/// The catalogue's line of `event_type`.
pub fn entry(event_type: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().flat_map(|events| events.iter()).find(|entry| entry.event_type == event_type)
}
