//! From the service's queue to its handlers.

mod acks;
mod apply;
pub(crate) mod by_hand;
pub(crate) mod decision;
pub(crate) mod delivery;
pub(crate) mod inbox;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use pitchey_db::Databases;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Consumes;
use crate::context::Context;
use crate::error::{ANSWER_LIMIT, Error, within};
use crate::link::Link;
use crate::message::short;
use crate::publisher::{Outlets, Parcel};
use acks::Acks;
use apply::Task;
use decision::{Outcome, decide};
use delivery::Delivery;

/// Events in one transaction, at most: the more wait, the more share one, and the longer it stays open.
const GROUP: usize = 16;
/// How long handlers may go on after the process was told to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);
/// How long handlers may go on after the connection was lost; they then end as duplicates of what comes again.
const LOST_LIMIT: Duration = Duration::from_secs(5);
const UNAVAILABLE_PAUSE: Duration = Duration::from_millis(500);

/// What the handlers of one process need.
pub(crate) struct Consuming {
    pub context: Arc<Context>,
    pub databases: Databases,
    pub subscriptions: Consumes,
    pub outlets: Outlets,
}

/// Consumes on `link` until told to stop, or until `lost` says that what is consumed can't be acknowledged any more.
pub(crate) async fn run(
    consuming: &Arc<Consuming>,
    link: &Link,
    lost: CancellationToken,
) -> Result<(), Error> {
    let settings = &consuming.context.settings;
    let channel = link.channel().await?;
    within(ANSWER_LIMIT, "basic.qos", channel.basic_qos(settings.prefetch, BasicQosOptions::default()))
        .await?;
    let queue = consuming.context.names.work(consuming.context.service);
    let options = BasicConsumeOptions::default();
    let consume = channel.basic_consume(short(&queue), short(""), options, FieldTable::default());
    let consumer = within(ANSWER_LIMIT, "basic.consume", consume).await?;
    // More transactions than connections would only queue for them.
    let handlers = settings.handlers.min(consuming.databases.system.usage().2).max(1);
    let mut session = Session {
        consuming: Arc::clone(consuming),
        channel,
        handlers,
        acks: Acks::new(usize::from(settings.prefetch / 4).max(1)),
        waiting: VecDeque::new(),
        running: JoinSet::new(),
        moving: JoinSet::new(),
        lost: lost.clone(),
    };
    let result = session.run(consumer).await;
    lost.cancel();
    session.finish(LOST_LIMIT).await;
    result
}

struct Session {
    consuming: Arc<Consuming>,
    channel: Channel,
    handlers: usize,
    acks: Acks,
    waiting: VecDeque<Delivery>,
    /// Transactions.
    running: JoinSet<Vec<Handled>>,
    /// Events on their way to another queue; they take no handler's place.
    moving: JoinSet<Option<u64>>,
    lost: CancellationToken,
}

/// A delivery that was handled: to be acknowledged, perhaps after it has been put elsewhere.
struct Handled {
    tag: u64,
    moved: Option<Parcel>,
}

impl Session {
    async fn run(&mut self, mut consumer: Consumer) -> Result<(), Error> {
        let stop = self.consuming.context.stop.clone();
        let mut deadline: Option<Instant> = None;
        loop {
            self.start_groups();
            let until = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                delivery = consumer.next(), if deadline.is_none() => {
                    self.take(delivery)?;
                    // What has arrived together can share transactions.
                    while let Some(delivery) = consumer.next().now_or_never() {
                        self.take(delivery)?;
                    }
                }
                Some(handled) = self.running.join_next() => {
                    self.handled(handled)?;
                    while let Some(handled) = self.running.try_join_next() {
                        self.handled(handled)?;
                    }
                    self.acknowledge().await?;
                }
                Some(moved) = self.moving.join_next() => {
                    self.moved(moved)?;
                    self.acknowledge().await?;
                }
                () = self.lost.cancelled() => return Err(Error::lost("the consumers' connection was lost")),
                () = stop.cancelled(), if deadline.is_none() => {
                    deadline = Some(Instant::now() + DRAIN_LIMIT);
                    let cancel = self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
                    within(ANSWER_LIMIT, "basic.cancel", cancel).await?;
                    while let Some(Some(Ok(delivery))) = consumer.next().now_or_never() {
                        self.waiting.push_back(Delivery::new(delivery));
                    }
                }
                () = tokio::time::sleep_until(until), if deadline.is_some() => return Ok(()),
            }
            if deadline.is_some()
                && self.waiting.is_empty()
                && self.running.is_empty()
                && self.moving.is_empty()
            {
                return Ok(());
            }
        }
    }

    fn take(&mut self, delivery: Option<lapin::Result<lapin::message::Delivery>>) -> Result<(), Error> {
        match delivery {
            Some(delivery) => {
                self.waiting.push_back(Delivery::new(delivery?));
                Ok(())
            }
            None => Err(Error::lost("the broker ended the consumer: its queue is gone")),
        }
    }

    fn start_groups(&mut self) {
        while self.running.len() < self.handlers && !self.waiting.is_empty() {
            // First spread over the free places, then share.
            let free = self.handlers - self.running.len();
            let size = self.waiting.len().div_ceil(free).clamp(1, GROUP);
            let group: Vec<_> = self.waiting.drain(..size).collect();
            self.running.spawn(Arc::clone(&self.consuming).handle(group, self.lost.clone()));
        }
    }

    fn handled(&mut self, handled: Result<Vec<Handled>, JoinError>) -> Result<(), Error> {
        for Handled { tag, moved } in handled.map_err(|error| broken(&error))? {
            match moved {
                None => self.acks.finish(tag),
                Some(parcel) => {
                    let (outlets, lost) = (self.consuming.outlets.clone(), self.lost.clone());
                    self.moving.spawn(async move {
                        lost.run_until_cancelled(put(outlets, &parcel)).await.map(|()| tag)
                    });
                }
            }
        }
        Ok(())
    }

    fn moved(&mut self, moved: Result<Option<u64>, JoinError>) -> Result<(), Error> {
        if let Some(tag) = moved.map_err(|error| broken(&error))? {
            self.acks.finish(tag);
        }
        Ok(())
    }

    async fn acknowledge(&mut self) -> Result<(), Error> {
        for ack in self.acks.take() {
            let options = BasicAckOptions { multiple: ack.multiple };
            within(ANSWER_LIMIT, "basic.ack", self.channel.basic_ack(ack.tag, options)).await?;
        }
        Ok(())
    }

    /// Lets transactions end by themselves: cut off, they would take their connections with them.
    async fn finish(&mut self, limit: Duration) {
        self.moving.abort_all();
        let ending = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, ending).await.is_err() {
            self.running.abort_all();
        }
    }
}

fn broken(error: &JoinError) -> Error {
    Error::lost(format!("the bus itself failed: {error}"))
}

/// Publishes `parcel`, however long the broker takes nothing.
async fn put(mut outlets: Outlets, parcel: &Parcel) {
    loop {
        let outlet = outlets.borrow_and_update().clone();
        if let Some(outlet) = outlet
            && outlet.deliver(parcel).await
        {
            return;
        }
        // A new connection, or another try.
        let _ = tokio::time::timeout(UNAVAILABLE_PAUSE, outlets.changed()).await;
    }
}

impl Consuming {
    async fn handle(self: Arc<Self>, group: Vec<Delivery>, lost: CancellationToken) -> Vec<Handled> {
        let (mut outcomes, mut tasks) = (Vec::with_capacity(group.len()), Vec::new());
        for delivery in &group {
            match self.task(delivery) {
                Ok(task) => {
                    tasks.push(task);
                    outcomes.push(None);
                }
                Err(outcome) => outcomes.push(Some(outcome)),
            }
        }
        let Some(applied) = self.apply(&tasks, &lost).await else {
            return Vec::new();
        };
        let mut applied = applied.into_iter();
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.or_else(|| applied.next()).unwrap_or(Outcome::Unknown));
        group.iter().zip(outcomes).map(|(delivery, outcome)| self.handled(delivery, &outcome)).collect()
    }

    fn task(&self, delivery: &Delivery) -> Result<Task, Outcome> {
        let message = delivery.message().map_err(|error| Outcome::Unreadable(error.0))?;
        let entry = self.context.plan.entry(&message.event_type).ok_or(Outcome::Unknown)?;
        let prepared = self.subscriptions.prepare(&message).ok_or(Outcome::Unknown)?;
        let prepared = prepared.map_err(|error| Outcome::Unreadable(error.0))?;
        Ok(Task { message, kind: entry.kind, prepared })
    }

    /// `None` if the deliveries were lost meanwhile. While the database is away events wait here: none of them is to blame.
    async fn apply(&self, tasks: &[Task], lost: &CancellationToken) -> Option<Vec<Outcome>> {
        if tasks.is_empty() {
            return Some(Vec::new());
        }
        loop {
            match apply::apply(&self.databases.system, self.context.service, tasks).await {
                Ok(outcomes) => return Some(outcomes),
                Err(error) => {
                    tracing::warn!(%error, "events wait for the database");
                    lost.run_until_cancelled(tokio::time::sleep(UNAVAILABLE_PAUSE)).await?;
                }
            }
        }
    }

    fn handled(&self, delivery: &Delivery, outcome: &Outcome) -> Handled {
        let delays = &self.context.plan.retry_delays;
        let service = self.context.service;
        let decision = decide(outcome, delivery.attempts(), delays.len());
        self.count(delivery, outcome, &decision);
        let moved = delivery.moved(&decision, &self.context.names, service, delays);
        Handled { tag: delivery.tag, moved }
    }

    fn count(&self, delivery: &Delivery, outcome: &Outcome, decision: &decision::Decision) {
        let event_type = delivery.event_type();
        // A label for each word on the wire would let anybody fill the memory of the metrics.
        let event = self.context.plan.entry(event_type).map_or("unknown", |entry| entry.event_type);
        let service = self.context.service.as_str();
        metrics::counter!("bus_consumed_total", "service" => service, "event" => event, "outcome" => outcome.as_str()).increment(1);
        match decision {
            decision::Decision::Ack => {}
            decision::Decision::Retry(step) => {
                metrics::counter!("bus_retries_total", "service" => service, "event" => event).increment(1);
                tracing::warn!(
                    event = event_type,
                    subject = delivery.subject(),
                    step,
                    ?outcome,
                    "an event is to be tried again"
                );
            }
            decision::Decision::Bury(reason) => {
                metrics::counter!("bus_dead_total", "service" => service, "event" => event).increment(1);
                tracing::error!(
                    event = event_type,
                    subject = delivery.subject(),
                    reason,
                    "an event is dead; see ctl dlq"
                );
            }
        }
    }
}
