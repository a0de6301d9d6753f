use std::sync::Arc;
use std::time::Duration;

use pitchey_db::Databases;
use pitchey_events::Service;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::consumer::Consuming;
use crate::context::Context;
use crate::link::Address;
use crate::publisher::Outlet;
use crate::state::{Role, State};
use crate::supervise::supervise;
use crate::topology::{Names, Topology};
use crate::{Broker, Consumes, Error, Listeners, Plan, publisher, receiver, relay};

/// Longer than what a stopping task waits for.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(15);

/// The running bus of one process. Dropped without [`Bus::shutdown`], it stops in the background.
pub struct Bus {
    context: Arc<Context>,
    /// Everything but the publisher.
    workers: TaskTracker,
    publisher: TaskTracker,
    outlets: publisher::Outlets,
}

/// How the bus is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Whether every connection to the broker that this process needs is up, and its listeners hear.
    pub connected: bool,
    /// The broker's reason for taking no events now: out of memory, or disk.
    pub blocked: Option<String>,
    /// Events of this service that wait to be published; `None` without a database, or while it is away or can't tell.
    pub outbox: Option<Backlog>,
    /// Whether this process publishes its service's events; if not, another replica does.
    pub leader: bool,
}

/// Events that wait to be published, measured every five seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Backlog {
    /// How many; counted up to 100,000.
    pub depth: u64,
    /// Age of the oldest; zero without any.
    pub oldest: Duration,
}

/// Tells how a bus is doing without keeping it running; one that ended is not connected.
#[derive(Clone)]
pub struct Monitor(State);

impl Monitor {
    /// [`Bus::health`].
    pub fn health(&self) -> Health {
        self.0.health()
    }
}

impl Bus {
    /// Starts relay, consumers and listeners of `service` on the current multi-thread runtime, and returns at once: the broker and the
    /// database may both be away, now and later. Without `databases` (gateway) there are listeners only.
    ///
    /// # Errors
    /// The broker's URL can't be used, whoever listens there.
    pub fn start(
        service: Service,
        settings: &Broker,
        databases: Option<&Databases>,
        subscriptions: impl Into<Consumes>,
        listeners: Listeners,
    ) -> Result<Self, Error> {
        Self::start_by(Plan::default(), service, settings, databases, subscriptions, listeners)
    }

    /// [`Bus::start`], with a plan other than the platform's: for tests of the bus.
    ///
    /// # Errors
    /// Those of [`Bus::start`].
    pub fn start_by(
        plan: Plan,
        service: Service,
        settings: &Broker,
        databases: Option<&Databases>,
        subscriptions: impl Into<Consumes>,
        listeners: Listeners,
    ) -> Result<Self, Error> {
        let subscriptions = subscriptions.into();
        for disagreement in subscriptions.disagreements(service, &listeners, &plan) {
            tracing::error!("{disagreement}");
        }
        let receives = !(subscriptions.is_empty() && listeners.is_empty());
        let roles = [(databases.is_some(), Role::Publisher), (receives, Role::Receiver)];
        let roles: Vec<_> = roles.into_iter().filter_map(|(needed, role)| needed.then_some(role)).collect();
        let names = Names::new(&settings.prefix);
        let context = Arc::new(Context {
            service,
            address: Address::of(settings)?,
            settings: settings.clone(),
            topology: Topology::of(&plan, &names),
            plan,
            names,
            state: State::new(service, &roles, !listeners.is_empty()),
            stop: CancellationToken::new(),
            closing: CancellationToken::new(),
        });
        let (outlet, outlets) = watch::channel(None);
        let bus = Self { context, workers: TaskTracker::new(), publisher: TaskTracker::new(), outlets };
        let consuming = databases.map(|databases| {
            bus.start_publisher_and_relay(databases, outlet);
            let (context, outlets) = (Arc::clone(&bus.context), bus.outlets());
            Arc::new(Consuming { context, databases: databases.clone(), subscriptions, outlets })
        });
        if receives {
            bus.start_receiver(consuming, listeners);
        }
        bus.workers.close();
        bus.publisher.close();
        Ok(bus)
    }

    fn start_publisher_and_relay(&self, databases: &Databases, outlet: watch::Sender<Option<Arc<Outlet>>>) {
        let context = Arc::clone(&self.context);
        self.publisher.spawn(async move {
            let closing = context.closing.clone();
            supervise("publisher", closing, || publisher::run(&context, &outlet)).await;
        });
        let (context, to_relay, from_outlets) =
            (Arc::clone(&self.context), databases.clone(), self.outlets());
        self.workers.spawn(async move {
            let stop = context.stop.clone();
            supervise("relay", stop, || relay::run(&context, &to_relay, &from_outlets)).await;
        });
    }

    fn start_receiver(&self, consuming: Option<Arc<Consuming>>, listeners: Listeners) {
        let context = Arc::clone(&self.context);
        self.workers.spawn(async move {
            let stop = context.stop.clone();
            let consuming = consuming.filter(|consuming| !consuming.subscriptions.is_empty());
            supervise("receiver", stop, || receiver::run(&context, consuming.as_ref(), &listeners)).await;
        });
    }

    pub(crate) const fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The publisher's way out; never one without a database.
    pub(crate) fn outlets(&self) -> publisher::Outlets {
        self.outlets.clone()
    }

    /// Runs `task` until it ends, for which [`Bus::shutdown`] waits before the publisher closes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.workers.spawn(task);
    }

    /// How it is doing, from what its tasks saw last; never waits.
    pub fn health(&self) -> Health {
        self.context.state.health()
    }

    /// Who goes on telling how it is doing, whoever holds the bus itself.
    pub fn monitor(&self) -> Monitor {
        Monitor(self.context.state.clone())
    }

    /// Stops taking deliveries, lets handlers in flight and the relay's window end, acknowledges, and closes. It takes a few seconds
    /// at most; what does not end in that time is done again by whoever comes next.
    pub async fn shutdown(self) {
        let ending = async {
            self.context.stop.cancel();
            self.workers.wait().await;
            self.context.closing.cancel();
            self.publisher.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_LIMIT, ending).await.is_err() {
            tracing::warn!("the bus did not end in time");
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.context.stop.cancel();
        self.context.closing.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let broker = Broker::new(url, "");
        let started = Bus::start(Service::Gateway, &broker, None, Consumes::nothing(), Listeners::new());
        started.err().unwrap().to_string()
    }

    #[test]
    fn a_url_that_can_never_be_used_stops_the_start() {
        assert!(refusal("amqps://pitchey:secret@localhost").contains("PITCHEY_TLS__AUTHORITIES"));
        assert!(refusal("http://pitchey:secret@localhost").starts_with("the broker's URL can't be used"));
        assert!(!refusal("amqp://pitchey:secret@local host").contains("secret"));
    }
}
