//! Applying events: inbox row, handler and its new outbox rows in one transaction, of one event or of several.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use pitchey_db::{Error as DbError, SystemDb, Tx};
use pitchey_events::{Kind, Service};
use pitchey_telemetry::trace_context;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::decision::Outcome;
use super::inbox;
use crate::Failure;
use crate::message::Message;
use crate::subscriptions::Prepared;

/// A handler that takes longer is cut off, rolled back, and tried again later.
const HANDLER_LIMIT: Duration = Duration::from_secs(30);

/// An event that can be handled.
pub(super) struct Task {
    pub message: Message,
    pub kind: Kind,
    pub prepared: Prepared,
}

impl Task {
    /// Whether `next` is handled along with it. Of a state, each version is looked at.
    fn takes_along(&self, next: &Self) -> bool {
        self.kind == Kind::Fact && self.prepared.takes_along(&next.prepared)
    }
}

/// Why the transaction of several events did not happen.
enum Stopped {
    /// The event at this place failed: it alone is to blame.
    At(Outcome),
    /// The database can't be reached.
    Unavailable(String),
}

/// No event is to blame: the database can't be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unavailable(String);

/// Applies `tasks`, and tells how each ended. Several share a transaction, which saves the disk most of its work; if any of them fails, nothing
/// has happened, and each gets its own.
pub(super) async fn apply(
    db: &SystemDb,
    service: Service,
    tasks: &[Task],
) -> Result<Vec<Outcome>, Unavailable> {
    match together(db, service, tasks).await {
        Ok(outcomes) => Ok(outcomes),
        Err(Stopped::At(outcome)) if tasks.len() == 1 => Ok(vec![outcome]),
        Err(Stopped::Unavailable(why)) if tasks.len() == 1 => Err(Unavailable(why)),
        // The commit of several may also have waited too long for others, or in a circle.
        Err(_) => {
            let mut outcomes = Vec::with_capacity(tasks.len());
            for task in tasks {
                outcomes.push(match together(db, service, std::slice::from_ref(task)).await {
                    Ok(mut outcome) => outcome.pop().unwrap_or(Outcome::Unknown),
                    Err(Stopped::At(outcome)) => outcome,
                    Err(Stopped::Unavailable(why)) => return Err(Unavailable(why)),
                });
            }
            Ok(outcomes)
        }
    }
}

async fn together(db: &SystemDb, service: Service, tasks: &[Task]) -> Result<Vec<Outcome>, Stopped> {
    let mut tx = db.begin().await?;
    tx.plan_once();
    let ids: Vec<Uuid> = tasks.iter().map(|task| task.message.id).collect();
    let mut fresh = inbox::take(&mut tx, service, &ids).await.map_err(DbError::from)?;
    let mut outcomes = vec![Outcome::Duplicate; tasks.len()];
    let new: Vec<usize> = (0..tasks.len()).filter(|place| fresh.remove(&tasks[*place].message.id)).collect();
    for places in new.chunk_by(|one, next| tasks[*one].takes_along(&tasks[*next])) {
        let some: Vec<_> = places.iter().map(|place| &tasks[*place]).collect();
        let outcome = handle(&mut tx, service, &some).await?;
        for place in places {
            outcomes[*place] = outcome.clone();
        }
    }
    tx.commit().await?;
    Ok(outcomes)
}

/// Handles one event, or several facts of which the first takes the others along.
async fn handle(tx: &mut Tx, service: Service, tasks: &[&Task]) -> Result<Outcome, Stopped> {
    let Some((task, along)) = tasks.split_first() else { return Ok(Outcome::Applied) };
    let message = &task.message;
    if let (Kind::State, Some(version)) = (task.kind, message.subject_version)
        && !inbox::is_newest(tx, service, &message.subject, version).await.map_err(DbError::from)?
    {
        return Ok(Outcome::Stale);
    }
    let span = event_span(message, tasks.len());
    let begun = tokio::time::Instant::now();
    let prepared: Vec<_> = tasks.iter().map(|task| &task.prepared).collect();
    let handling = AssertUnwindSafe(Prepared::handle(&prepared, tx)).catch_unwind().instrument(span.clone());
    let result = tokio::time::timeout(HANDLER_LIMIT, handling).await;
    let labels = [("service", service.to_string()), ("event", message.event_type.clone())];
    metrics::histogram!("bus_handler_seconds", &labels).record(begun.elapsed());
    let outcome = match result {
        Ok(Ok(Ok(()))) => Outcome::Applied,
        Ok(Ok(Err(Failure::Transient(why)))) => Outcome::Transient(why.to_string()),
        Ok(Ok(Err(Failure::Permanent(why)))) => Outcome::Permanent(why.to_string()),
        Ok(Err(_)) => Outcome::Panicked,
        Err(_) => Outcome::Transient(format!("it took longer than {HANDLER_LIMIT:?}")),
    };
    // The last log line of each trace; a failure is told where it is decided what becomes of the event.
    let told = || tracing::info!(outcome = outcome.as_str(), "handled {}", message.event_type);
    span.in_scope(told);
    for task in along {
        event_span(&task.message, tasks.len()).in_scope(told);
    }
    if outcome == Outcome::Applied { Ok(outcome) } else { Err(Stopped::At(outcome)) }
}

/// That of an event, of `count` that are handled together.
fn event_span(message: &Message, count: usize) -> Span {
    let span = tracing::info_span!(
        "event",
        otel.kind = "consumer",
        event.name = message.event_type,
        event.id = %message.id,
        event.subject = message.subject,
        event.count = count,
        trace_id = tracing::field::Empty,
    );
    trace_context::begin(&span, message.traceparent.as_deref());
    span
}

impl From<DbError> for Stopped {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(why) => Self::Unavailable(why),
            other => Self::At(Outcome::Transient(other.to_string())),
        }
    }
}
