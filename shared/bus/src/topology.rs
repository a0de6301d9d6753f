//! Exchanges and queues as data, made from the catalogue alone. Nothing here talks to the broker.

use std::time::Duration;

use pitchey_events::Service;

use crate::Plan;

/// Crashes of consumers that a message survives before it is dead.
const DELIVERY_LIMIT: i64 = 5;
/// Looks at a dead event that it survives: each that ends without an acknowledgement counts as a delivery, and there is nowhere to go from here.
/// RabbitMQ 4 takes 20 for granted where nothing is declared, and "never" (-1) is refused before 4; so it is a number nobody reaches.
const LOOK_LIMIT: i64 = 1_000_000_000;
/// Events nobody's queue took that are kept, the newest, for a person to look at.
const UNROUTED_LIMIT: i64 = 100_000;
/// With a prefix (tests), queues nobody uses go away: soon, as a run of all tests makes tens of thousands, and each takes the broker's memory;
const TEST_EXPIRY_MS: i64 = 90_000;
/// or late, in a proof that takes hours.
const SOAK_EXPIRY_MS: i64 = 6 * 3_600_000;

/// Everything the bus declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Topology {
    pub exchanges: Vec<Exchange>,
    pub queues: Vec<Queue>,
    pub bindings: Vec<Binding>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exchange {
    pub name: String,
    pub kind: Kind,
    pub alternate: Option<String>,
    pub auto_delete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Topic,
    Fanout,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Queue {
    pub name: String,
    pub arguments: Vec<(&'static str, Argument)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    Text(String),
    Number(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binding {
    pub exchange: String,
    pub to: Destination,
    pub key: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Destination {
    Queue(String),
    Exchange(String),
}

/// What things are called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
}

impl Names {
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub fn is_test(&self) -> bool {
        !self.prefix.is_empty()
    }

    /// After how many milliseconds a queue that nobody uses goes away.
    fn expiry(&self) -> Option<i64> {
        let soak = self.prefix.starts_with("soak-");
        self.is_test().then_some(if soak { SOAK_EXPIRY_MS } else { TEST_EXPIRY_MS })
    }

    /// Where events are published.
    pub fn events(&self) -> String {
        format!("{}pitchey.events", self.prefix)
    }

    /// Where listeners bind their own queues. Nobody needs to listen, so it has no alternate.
    pub fn broadcasts(&self) -> String {
        format!("{}pitchey.broadcasts", self.prefix)
    }

    /// Exchange and queue for events that reached no queue.
    pub fn unrouted(&self) -> String {
        format!("{}pitchey.unrouted", self.prefix)
    }

    pub fn work(&self, service: Service) -> String {
        format!("{}pitchey.{service}", self.prefix)
    }

    pub fn retry(&self, service: Service, delay: Duration) -> String {
        format!("{}.retry.{}", self.work(service), spelled(delay))
    }

    pub fn dead(&self, service: Service) -> String {
        format!("{}.dead", self.work(service))
    }

    /// A replica's own queue.
    pub fn listener(&self, service: Service, replica: uuid::Uuid) -> String {
        format!("{}.listener.{replica}", self.work(service))
    }
}

impl Topology {
    /// What `plan` needs.
    pub fn of(plan: &Plan, names: &Names) -> Self {
        let mut topology = Self {
            exchanges: vec![
                exchange(names, names.unrouted(), Kind::Fanout, None),
                exchange(names, names.events(), Kind::Topic, Some(names.unrouted())),
                exchange(names, names.broadcasts(), Kind::Topic, None),
            ],
            queues: vec![queue(
                names,
                names.unrouted(),
                vec![
                    ("x-max-length", Argument::Number(UNROUTED_LIMIT)),
                    ("x-overflow", Argument::Text("drop-head".to_owned())),
                    ("x-delivery-limit", Argument::Number(LOOK_LIMIT)),
                ],
            )],
            bindings: vec![Binding {
                exchange: names.unrouted(),
                to: Destination::Queue(names.unrouted()),
                key: String::new(),
            }],
        };
        for &service in Service::ALL {
            if plan.consumes(service) {
                topology.add_service(plan, names, service);
            }
        }
        for entry in plan.entries() {
            let queues = entry.consumers.iter().map(|&service| Destination::Queue(names.work(service)));
            let broadcast = (!entry.listeners.is_empty()).then(|| Destination::Exchange(names.broadcasts()));
            topology.bindings.extend(queues.chain(broadcast).map(|to| Binding {
                exchange: names.events(),
                to,
                key: entry.event_type.to_owned(),
            }));
        }
        topology
    }

    fn add_service(&mut self, plan: &Plan, names: &Names, service: Service) {
        let mut work = dead_letters_to(names.dead(service));
        work.push(("x-delivery-limit", Argument::Number(DELIVERY_LIMIT)));
        self.queues.push(queue(names, names.work(service), work));
        for &delay in &plan.retry_delays {
            let mut wait = dead_letters_to(names.work(service));
            let milliseconds = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            wait.push(("x-message-ttl", Argument::Number(milliseconds)));
            self.queues.push(queue(names, names.retry(service, delay), wait));
        }
        let dead = vec![("x-delivery-limit", Argument::Number(LOOK_LIMIT))];
        self.queues.push(queue(names, names.dead(service), dead));
    }
}

fn exchange(names: &Names, name: String, kind: Kind, alternate: Option<String>) -> Exchange {
    Exchange { name, kind, alternate, auto_delete: names.is_test() }
}

/// All queues are quorum queues: a confirm then means a majority's disk.
fn queue(names: &Names, name: String, more: Vec<(&'static str, Argument)>) -> Queue {
    let mut arguments = vec![("x-queue-type", Argument::Text("quorum".to_owned()))];
    arguments.extend(more);
    arguments.extend(names.expiry().map(|expiry| ("x-expires", Argument::Number(expiry))));
    Queue { name, arguments }
}

/// At least once needs reject-publish, which without a maximal length never rejects.
fn dead_letters_to(queue: String) -> Vec<(&'static str, Argument)> {
    vec![
        ("x-dead-letter-exchange", Argument::Text(String::new())),
        ("x-dead-letter-routing-key", Argument::Text(queue)),
        ("x-dead-letter-strategy", Argument::Text("at-least-once".to_owned())),
        ("x-overflow", Argument::Text("reject-publish".to_owned())),
    ]
}

/// `5s`, `5m`, `250ms`: arguments never change under a name, so the delay is part of it.
fn spelled(delay: Duration) -> String {
    let milliseconds = delay.as_millis();
    match milliseconds {
        0 => "0ms".to_owned(),
        _ if milliseconds.is_multiple_of(60_000) => format!("{}m", milliseconds / 60_000),
        _ if milliseconds.is_multiple_of(1_000) => format!("{}s", milliseconds / 1_000),
        _ => format!("{milliseconds}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pitchey_events::{Entry, Kind as EventKind};

    static CATALOGUE: &[&[Entry]] = &[&[
        Entry {
            event_type: "nda.signed.v1",
            meaning: "",
            kind: EventKind::Fact,
            producer: Service::Pitches,
            consumers: &[Service::Notifications],
            listeners: &[],
        },
        Entry {
            event_type: "user.changed.v1",
            meaning: "",
            kind: EventKind::State,
            producer: Service::Accounts,
            consumers: &[],
            listeners: &[Service::Gateway],
        },
    ]];

    fn topology(prefix: &str) -> Topology {
        let plan = Plan { catalogue: CATALOGUE, ..Plan::default() };
        Topology::of(&plan, &Names::new(prefix))
    }

    fn arguments<'a>(topology: &'a Topology, name: &str) -> Vec<(&'a str, String)> {
        let queue = topology.queues.iter().find(|queue| queue.name == name).unwrap();
        let spelled = |argument: &Argument| match argument {
            Argument::Text(text) => text.clone(),
            Argument::Number(number) => number.to_string(),
        };
        queue.arguments.iter().map(|(key, value)| (*key, spelled(value))).collect()
    }

    #[test]
    fn only_consumers_have_queues() {
        let topology = topology("");
        let names: Vec<_> = topology.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "pitchey.unrouted",
                "pitchey.notifications",
                "pitchey.notifications.retry.5s",
                "pitchey.notifications.retry.30s",
                "pitchey.notifications.retry.5m",
                "pitchey.notifications.dead",
            ]
        );
    }

    #[test]
    fn a_work_queue_forgives_five_crashes_and_loses_nothing() {
        let expected = [
            ("x-queue-type", "quorum"),
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-routing-key", "pitchey.notifications.dead"),
            ("x-dead-letter-strategy", "at-least-once"),
            ("x-overflow", "reject-publish"),
            ("x-delivery-limit", "5"),
        ];
        let topology = topology("");
        let found = arguments(&topology, "pitchey.notifications").into_iter();
        assert!(found.eq(expected.map(|(key, value)| (key, value.to_owned()))));
    }

    #[test]
    fn no_version_of_the_broker_drops_what_was_looked_at_often() {
        let topology = topology("");
        for name in ["pitchey.notifications.dead", "pitchey.unrouted"] {
            let limit = ("x-delivery-limit", "1000000000".to_owned());
            assert!(arguments(&topology, name).contains(&limit), "{name}");
        }
    }

    #[test]
    fn a_wait_queue_gives_back_to_the_work_queue_after_its_delay() {
        let topology = topology("");
        let found = arguments(&topology, "pitchey.notifications.retry.30s");
        assert!(found.contains(&("x-message-ttl", "30000".to_owned())));
        assert!(found.contains(&("x-dead-letter-routing-key", "pitchey.notifications".to_owned())));
    }

    #[test]
    fn events_go_to_consumers_and_broadcasts() {
        let bindings: Vec<_> = topology("")
            .bindings
            .into_iter()
            .filter(|binding| binding.exchange == "pitchey.events")
            .collect();
        let expected = [
            ("nda.signed.v1", Destination::Queue("pitchey.notifications".to_owned())),
            ("user.changed.v1", Destination::Exchange("pitchey.broadcasts".to_owned())),
        ];
        let expected = expected.map(|(key, to)| Binding {
            exchange: "pitchey.events".to_owned(),
            to,
            key: key.to_owned(),
        });
        assert_eq!(bindings, expected);
    }

    #[test]
    fn a_tests_topology_is_its_own_and_goes_away() {
        let topology = topology("t1.");
        assert!(topology.queues.iter().all(|queue| queue.name.starts_with("t1.pitchey.")));
        assert!(
            topology.queues.iter().all(|queue| queue.arguments.iter().any(|(key, _)| *key == "x-expires"))
        );
        assert!(
            topology
                .exchanges
                .iter()
                .all(|exchange| exchange.auto_delete && exchange.name.starts_with("t1."))
        );
    }

    #[test]
    fn delays_are_spelled_in_their_largest_unit() {
        let spelled = [250, 1_000, 90_000, 300_000].map(|ms| spelled(Duration::from_millis(ms)));
        assert_eq!(spelled, ["250ms", "1s", "90s", "5m"]);
    }
}
