use std::time::Duration;

use pitchey_events::{CATALOGUE, Entry, Service};

/// Who emits and who wants which event, in the form of [`CATALOGUE`].
pub type Catalogue = &'static [&'static [Entry]];

/// What the whole platform has to agree on. The default is the platform's own; tests bring another.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Every event type.
    pub catalogue: Catalogue,
    /// How long an event waits after each transient failure; one failure more, and it is dead.
    pub retry_delays: Vec<Duration>,
}

impl Default for Plan {
    fn default() -> Self {
        let retry_delays = [5, 30, 300].map(Duration::from_secs).to_vec();
        Self { catalogue: CATALOGUE, retry_delays }
    }
}

impl Plan {
    /// The catalogue's line of `event_type`.
    pub fn entry(&self, event_type: &str) -> Option<&'static Entry> {
        self.entries().find(|entry| entry.event_type == event_type)
    }

    /// Every line of the catalogue.
    pub fn entries(&self) -> impl Iterator<Item = &'static Entry> + use<> {
        self.catalogue.iter().flat_map(|events| events.iter())
    }

    /// Whether any event goes to `service` through its durable queue.
    pub fn consumes(&self, service: Service) -> bool {
        self.entries().any(|entry| entry.consumers.contains(&service))
    }
}
