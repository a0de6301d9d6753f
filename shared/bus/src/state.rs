//! What the tasks of one bus know of themselves, for health and metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pitchey_events::Service;

use crate::{Backlog, Health};

/// Shared by all tasks.
#[derive(Clone)]
pub(crate) struct State {
    service: Service,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    links: Vec<(Role, Link)>,
    /// Whether the listeners hear; `None` without any.
    listening: Option<bool>,
    backlog: Option<Backlog>,
    leader: bool,
}

/// Who holds a connection to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Publisher,
    Receiver,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Receiver => "receiver",
        }
    }
}

/// How a connection to the broker is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    Down,
    Up,
    /// Up, but the broker takes nothing now; why.
    Blocked(String),
}

impl State {
    pub fn new(service: Service, roles: &[Role], listens: bool) -> Self {
        let links = roles.iter().map(|role| (*role, Link::Down)).collect();
        let inner = Inner { links, listening: listens.then_some(false), ..Inner::default() };
        let state = Self { service, inner: Arc::new(Mutex::new(inner)) };
        for role in roles {
            state.set_link(*role, &Link::Down);
        }
        state
    }

    pub fn set_link(&self, role: Role, link: &Link) {
        let up = if *link == Link::Down { 0.0 } else { 1.0 };
        let blocked = if matches!(link, Link::Blocked(_)) { 1.0 } else { 0.0 };
        let labels = [("service", self.service.as_str()), ("role", role.as_str())];
        metrics::gauge!("bus_connected", &labels).set(up);
        metrics::gauge!("bus_blocked", &labels).set(blocked);
        for (of, state) in &mut self.lock().links {
            if *of == role {
                *state = link.clone();
            }
        }
    }

    /// The listeners hear, until this is dropped.
    pub fn listening(&self) -> impl Drop {
        self.lock().listening = Some(true);
        DeafWhenDropped(self.clone())
    }

    pub fn set_leader(&self, leader: bool) {
        metrics::gauge!("bus_leader", "service" => self.service.as_str()).set(if leader { 1.0 } else { 0.0 });
        self.lock().leader = leader;
    }

    pub fn set_backlog(&self, backlog: Option<Backlog>) {
        // What is not known is no number, rather than the last one.
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        let (depth, oldest) = backlog
            .map_or((f64::NAN, f64::NAN), |Backlog { depth, oldest }| (depth as f64, oldest.as_secs_f64()));
        metrics::gauge!("bus_outbox_depth", "service" => self.service.as_str()).set(depth);
        metrics::gauge!("bus_outbox_oldest_seconds", "service" => self.service.as_str()).set(oldest);
        self.lock().backlog = backlog;
    }

    pub fn health(&self) -> Health {
        let inner = self.lock();
        let blocked = inner.links.iter().find_map(|(_, link)| match link {
            Link::Blocked(reason) => Some(reason.clone()),
            _ => None,
        });
        Health {
            connected: inner.links.iter().all(|(_, link)| *link != Link::Down)
                && inner.listening != Some(false),
            blocked,
            outbox: inner.backlog,
            leader: inner.leader,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct DeafWhenDropped(State);

impl Drop for DeafWhenDropped {
    fn drop(&mut self) {
        self.0.lock().listening = Some(false);
    }
}
