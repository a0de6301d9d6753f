//! A catalogue for the tests: pitches emits, notifications and accounts consume, gateway listens.

use std::time::Duration;

use pitchey_bus::Plan;
use pitchey_events::{Entry, Event, Kind, Service, Subject};
use serde::{Deserialize, Serialize};

use Service::{Accounts, Gateway, Notifications, Pitches};

static LINES: &[&[Entry]] = &[&[
    line(Counted::TYPE, Kind::Fact, &[Notifications], &[]),
    line(Shared::TYPE, Kind::Fact, &[Notifications, Accounts], &[]),
    line(Changed::TYPE, Kind::State, &[Notifications], &[]),
    line(Announced::TYPE, Kind::Fact, &[], &[Gateway]),
    line(Ignored::TYPE, Kind::Fact, &[], &[]),
    line(Reported::TYPE, Kind::Fact, &[Notifications], &[]),
]];

const fn line(
    event_type: &'static str,
    kind: Kind,
    consumers: &'static [Service],
    listeners: &'static [Service],
) -> Entry {
    Entry { event_type, meaning: "a test's", kind, producer: Pitches, consumers, listeners }
}

/// The tests' plan: like the platform's, but impatient.
pub fn plan() -> Plan {
    Plan { catalogue: LINES, retry_delays: [100, 200, 400].map(Duration::from_millis).to_vec() }
}

macro_rules! event {
    ($name:ident, $type:literal, $version:expr) => {
        /// See the catalogue.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// The command's number.
            pub n: i64,
            /// What the handler shall make of it.
            #[serde(default)]
            pub mood: Mood,
            /// What it happened to.
            pub of: String,
        }

        impl $name {
            pub fn new(n: i64) -> Self {
                Self { n, mood: Mood::Fine, of: format!("thing/{}", n % 7) }
            }

            #[allow(dead_code)]
            pub fn mood(self, mood: Mood) -> Self {
                Self { mood, ..self }
            }

            #[allow(dead_code)]
            pub fn of(self, of: &str) -> Self {
                Self { of: of.to_owned(), ..self }
            }
        }

        impl Event for $name {
            const TYPE: &'static str = $type;

            fn subject(&self) -> Subject {
                Subject(self.of.clone())
            }

            fn subject_version(&self) -> Option<i64> {
                let version: fn(i64) -> Option<i64> = $version;
                version(self.n)
            }
        }
    };
}

event!(Counted, "thing.counted.v1", |_| None);
event!(Shared, "thing.shared.v1", |_| None);
event!(Changed, "thing.changed.v1", Some);
event!(Announced, "thing.announced.v1", |_| None);
event!(Ignored, "thing.ignored.v1", |_| None);

/// Commands that were reported together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// Their numbers.
    pub items: Vec<i64>,
}

impl Event for Reported {
    const TYPE: &'static str = "thing.reported.v1";

    fn subject(&self) -> Subject {
        Subject("reports".to_owned())
    }
}

/// What a handler makes of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Mood {
    /// Applies it.
    #[default]
    Fine,
    /// Fails twice, then applies it.
    FailsTwice,
    /// Always fails, as if it might help to try again.
    Poison,
    /// Says that it will never work.
    Hopeless,
    /// Panics once, then applies it.
    PanicsOnce,
    /// Takes its time.
    Slow,
}
