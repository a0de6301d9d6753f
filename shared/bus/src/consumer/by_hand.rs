//! Delivering without a broker, for tests of what services do with events.

use pitchey_db::SystemDb;
use pitchey_events::{Event, Service};
use uuid::Uuid;

use super::apply::{self, Task};
use super::decision::Outcome;
use crate::message::{Message, made_at};
use crate::{Consumes, Failure, Plan};

/// What became of an event that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Its effect is committed.
    Applied,
    /// It was applied before.
    Duplicate,
    /// A state older than one already seen.
    Stale,
}

impl Consumes {
    /// Has `consumer` apply `event` as if the broker had delivered it under the id `id`: read from its JSON, by its handler, in one transaction with the
    /// row of the inbox. Once: what becomes of a failure is the caller's.
    ///
    /// # Errors
    /// The handler's; also if there is none for `E`.
    pub async fn deliver<E: Event>(
        &self,
        database: &SystemDb,
        consumer: Service,
        id: Uuid,
        event: &E,
    ) -> Result<Delivered, Failure> {
        let entry = Plan::default()
            .entry(E::TYPE)
            .ok_or_else(|| Failure::permanent("in no line of the catalogue"))?;
        let message = Message {
            id,
            event_type: E::TYPE.to_owned(),
            producer: entry.producer.to_string(),
            subject: event.subject().0,
            subject_version: event.subject_version(),
            occurred_at: made_at(id),
            traceparent: None,
            tracestate: None,
            body: serde_json::to_vec(event).map_err(Failure::permanent)?,
        };
        let prepared =
            self.prepare(&message).ok_or_else(|| Failure::permanent("no handler for this type"))?;
        let prepared = prepared.map_err(Failure::permanent)?;
        let task = Task { message, kind: entry.kind, prepared };
        let outcome = apply::apply(database, consumer, &[task]).await.map_err(Failure::transient)?.pop();
        match outcome.unwrap_or(Outcome::Unknown) {
            Outcome::Applied => Ok(Delivered::Applied),
            Outcome::Duplicate => Ok(Delivered::Duplicate),
            Outcome::Stale => Ok(Delivered::Stale),
            Outcome::Transient(why) => Err(Failure::transient(why)),
            Outcome::Permanent(why) | Outcome::Unreadable(why) => Err(Failure::permanent(why)),
            Outcome::Panicked => Err(Failure::transient("the handler panicked")),
            Outcome::Unknown => Err(Failure::transient("no handler for this type")),
        }
    }
}
