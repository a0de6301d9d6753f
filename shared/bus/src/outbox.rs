//! Emitting: the event becomes a row in the transaction of the change it tells of.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{Event, Kind};
use pitchey_telemetry::trace_context;
use uuid::Uuid;

use crate::Plan;
use crate::schema::outbox;

/// Emits `event` if `tx` commits: its producer's relay publishes it soon after. Returns its id.
///
/// Raise the version of the event's subject under its row lock *before* this call, so that the order of rows is the order of versions.
///
/// # Errors
/// The database's; the transaction is then not to be committed. Also an event that the catalogue doesn't know, or a state event without a
/// version: mistakes of the program.
pub async fn append<E: Event>(tx: &mut Tx, event: &E) -> QueryResult<Uuid> {
    append_by(&Plan::default(), tx, event).await
}

/// [`append`], with a plan other than the platform's: for tests of the bus.
///
/// # Errors
/// As [`append`].
pub async fn append_by<E: Event>(plan: &Plan, tx: &mut Tx, event: &E) -> QueryResult<Uuid> {
    let entry = plan.entry(E::TYPE).ok_or_else(|| refused(format!("{} is in no catalogue line", E::TYPE)))?;
    let version = event.subject_version();
    if entry.kind == Kind::State && version.is_none() {
        return Err(refused(format!("{} tells a state, but not its version", E::TYPE)));
    }
    let payload =
        serde_json::to_value(event).map_err(|error| DieselError::SerializationError(error.into()))?;
    let id = Uuid::now_v7();
    diesel::insert_into(outbox::table)
        .values((
            outbox::producer.eq(entry.producer.as_str()),
            outbox::event_id.eq(id),
            outbox::event_type.eq(E::TYPE),
            outbox::subject.eq(event.subject().0),
            outbox::subject_version.eq(version),
            outbox::traceparent.eq(trace_context::current()),
            outbox::payload.eq(payload),
        ))
        .execute(tx)
        .await?;
    tx.note_events();
    Ok(id)
}

fn refused(why: String) -> DieselError {
    DieselError::SerializationError(why.into())
}
