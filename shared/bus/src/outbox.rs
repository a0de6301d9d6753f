//! Emitting: the event becomes a row in the transaction of the change it tells of.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Jsonb, Text};
use pitchey_db::Tx;
use pitchey_events::{Entry, Event, Kind};
use pitchey_telemetry::trace_context;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Plan;
use crate::schema::outbox;

/// Emits `event` if `tx` commits: its producer's relay publishes it soon after. Returns its id.
///
/// Raise the version of the event's subject under its row lock *before* this call, so that the order of rows is the order of versions.
///
/// # Errors
/// Mistakes of the program: an event that the catalogue doesn't know, or a state event without a version. The transaction is then not to be
/// committed.
pub fn append<E: Event>(tx: &mut Tx, event: &E) -> QueryResult<Uuid> {
    append_by(&Plan::default(), tx, event)
}

/// [`append`], with a plan other than the platform's: for tests of the bus.
///
/// # Errors
/// As [`append`].
pub fn append_by<E: Event>(plan: &Plan, tx: &mut Tx, event: &E) -> QueryResult<Uuid> {
    let id = Uuid::now_v7();
    append_as(plan, tx, id, event, trace_context::current())?;
    Ok(id)
}

/// [`append_by`], under an id and in a trace that the event has already.
pub(crate) fn append_as<E: Event>(
    plan: &Plan,
    tx: &mut Tx,
    id: Uuid,
    event: &E,
    traceparent: Option<String>,
) -> QueryResult<()> {
    let entry = entry::<E>(plan)?;
    let version = version(entry.kind, event)?;
    tx.send(diesel::insert_into(outbox::table).values((
        outbox::producer.eq(entry.producer.as_str()),
        outbox::event_id.eq(id),
        outbox::event_type.eq(E::TYPE),
        outbox::subject.eq(event.subject().0),
        outbox::subject_version.eq(version),
        outbox::traceparent.eq(traceparent),
        outbox::payload.eq(payload(event)?),
    )));
    tx.note_events();
    Ok(())
}

/// An event, and the trace that it belongs to.
#[derive(Clone, Debug)]
pub struct Traced<E> {
    /// The event.
    pub event: E,
    /// W3C trace context of what caused it.
    pub traceparent: Option<String>,
}

impl<E> Traced<E> {
    /// `event`, caused by what goes on here.
    pub fn here(event: E) -> Self {
        Self { event, traceparent: trace_context::current() }
    }
}

/// [`append`], of many events of one type in one statement, in their order.
///
/// # Errors
/// As [`append`].
pub fn append_all<E: Event>(tx: &mut Tx, events: &[Traced<E>]) -> QueryResult<()> {
    let plan = Plan::default();
    match events {
        [] => return Ok(()),
        [Traced { event, traceparent }] => {
            return append_as(&plan, tx, Uuid::now_v7(), event, traceparent.clone());
        }
        _ => {}
    }
    let entry = entry::<E>(&plan)?;
    let mut rows = Vec::with_capacity(events.len());
    for Traced { event, traceparent } in events {
        rows.push(json!({
            "event_id": Uuid::now_v7(),
            "subject": event.subject().0,
            "subject_version": version(entry.kind, event)?,
            "traceparent": traceparent,
            "payload": payload(event)?,
        }));
    }
    // One text for any number of rows.
    tx.send(
        diesel::sql_query(
            "INSERT INTO outbox (producer, event_id, event_type, subject, subject_version, traceparent, payload)
             SELECT $1, event_id, $2, subject, subject_version, traceparent, payload
             FROM ROWS FROM (jsonb_to_recordset($3) AS (event_id uuid, subject text, subject_version bigint, traceparent text, payload jsonb))
                  WITH ORDINALITY AS events (event_id, subject, subject_version, traceparent, payload, number)
             ORDER BY number",
        )
        .bind::<Text, _>(entry.producer.as_str())
        .bind::<Text, _>(E::TYPE)
        .bind::<Jsonb, _>(Value::Array(rows)),
    );
    tx.note_events();
    Ok(())
}

fn entry<E: Event>(plan: &Plan) -> QueryResult<&'static Entry> {
    plan.entry(E::TYPE).ok_or_else(|| refused(format!("{} is in no catalogue line", E::TYPE)))
}

fn version<E: Event>(kind: Kind, event: &E) -> QueryResult<Option<i64>> {
    let version = event.subject_version();
    if kind == Kind::State && version.is_none() {
        return Err(refused(format!("{} tells a state, but not its version", E::TYPE)));
    }
    Ok(version)
}

fn payload<E: Event>(event: &E) -> QueryResult<Value> {
    serde_json::to_value(event).map_err(|error| DieselError::SerializationError(error.into()))
}

fn refused(why: String) -> DieselError {
    DieselError::SerializationError(why.into())
}
