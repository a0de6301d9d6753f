//! The connection that receives: for the handlers, for the listeners, and to look at the queues.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use pitchey_telemetry::trace_context;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::Listeners;
use crate::consumer::{self, Consuming};
use crate::context::Context;
use crate::error::Error;
use crate::link::Link;
use crate::message::{Message, short};
use crate::state::Role;

const LISTENER_PREFETCH: u16 = 256;
/// What a replica that can't keep up finds at most; it has the newest then.
const LISTENER_BACKLOG: i64 = 10_000;
const HEAR_LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Receives for as long as the connection works.
pub(crate) async fn run(
    context: &Context,
    consuming: Option<&Arc<Consuming>>,
    listeners: &Listeners,
) -> Result<(), Error> {
    let link = context.connect(Role::Receiver).await?;
    let lost = CancellationToken::new();
    let consumes = async {
        match consuming {
            Some(consuming) => consumer::run(consuming, &link, lost.clone()).await,
            None => std::future::pending().await,
        }
    };
    let mut consumes = std::pin::pin!(consumes);
    let listens = async {
        if listeners.is_empty() {
            std::future::pending().await
        } else {
            listen(context, &link, listeners).await
        }
    };
    let (result, consumer_ended) = tokio::select! {
        result = &mut consumes => (result, true),
        error = listens => (Err(error), false),
        error = link.watch(Role::Receiver, &context.state) => (Err(error), false),
        error = look(context, &link) => (Err(error), false),
        () = context.stop.cancelled(), if consuming.is_none() => (Ok(()), true),
    };
    if !consumer_ended && consuming.is_some() {
        lost.cancel();
        let _ = consumes.await;
    }
    link.close().await;
    result
}

/// Listens on a queue of this replica's own, which ends with the connection.
async fn listen(context: &Context, link: &Link, listeners: &Listeners) -> Error {
    match try_listen(context, link, listeners).await {
        Ok(()) => Error::lost("the broker ended the listener: its queue is gone"),
        Err(error) => error,
    }
}

async fn try_listen(context: &Context, link: &Link, listeners: &Listeners) -> Result<(), Error> {
    let channel = link.channel().await?;
    let queue = context.names.listener(context.service, Uuid::now_v7());
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(LISTENER_BACKLOG));
    channel.queue_declare(short(&queue), options, arguments).await?;
    for event_type in listeners.types() {
        let (exchange, key) = (short(&context.names.broadcasts()), short(event_type));
        let options = QueueBindOptions::default();
        channel.queue_bind(short(&queue), exchange, key, options, FieldTable::default()).await?;
    }
    // From here on nothing is missed, so what was missed before can be made up for.
    listeners.gap().await;
    channel.basic_qos(LISTENER_PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions { exclusive: true, ..Default::default() };
    let mut consumer =
        channel.basic_consume(short(&queue), short(""), options, FieldTable::default()).await?;
    let _listening = context.state.listening();
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let tag = delivery.delivery_tag;
        match Message::read(&delivery.properties, delivery.data) {
            Ok(message) => hear(context, listeners, &message).await,
            Err(error) => tracing::error!(%error, "an unreadable event was broadcast"),
        }
        channel.basic_ack(tag, BasicAckOptions::default()).await?;
    }
    Ok(())
}

async fn hear(context: &Context, listeners: &Listeners, message: &Message) {
    let span = tracing::info_span!(
        "heard",
        otel.kind = "consumer",
        event.name = message.event_type,
        event.id = %message.id,
        event.subject = message.subject,
        trace_id = tracing::field::Empty,
    );
    trace_context::begin(&span, message.traceparent.as_deref());
    let hearing = async {
        let outcome = match listeners.hear(message) {
            None => "unknown",
            Some(Err(error)) => {
                tracing::error!(%error, "an unreadable event was broadcast");
                "unreadable"
            }
            Some(Ok(hearing)) => {
                match tokio::time::timeout(HEAR_LIMIT, AssertUnwindSafe(hearing).catch_unwind()).await {
                    Ok(Ok(())) => "heard",
                    Ok(Err(_)) => "panicked",
                    Err(_) => "late",
                }
            }
        };
        let event = context.plan.entry(&message.event_type).map_or("unknown", |entry| entry.event_type);
        let labels = [("service", context.service.as_str()), ("event", event), ("outcome", outcome)];
        metrics::counter!("bus_heard_total", &labels).increment(1);
        tracing::debug!(outcome, "heard {}", message.event_type);
    };
    hearing.instrument(span).await;
}

/// Measures this service's queues, and those of all. A queue that is missing is declared again by the next connection.
async fn look(context: &Context, link: &Link) -> Error {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if let Err(error) = measure(context, link).await {
            return error;
        }
    }
}

async fn measure(context: &Context, link: &Link) -> Result<(), Error> {
    let service = context.service.as_str();
    if context.plan.consumes(context.service) {
        let waiting = link.depth(&context.names.work(context.service)).await?;
        metrics::gauge!("bus_queue_depth", "service" => service).set(f64::from(waiting));
        let dead = link.depth(&context.names.dead(context.service)).await?;
        metrics::gauge!("bus_dead_depth", "service" => service).set(f64::from(dead));
    }
    let unrouted = link.depth(&context.names.unrouted()).await?;
    metrics::gauge!("bus_unrouted_depth").set(f64::from(unrouted));
    Ok(())
}
