//! Publishing without a transaction, for reports of which nothing else is written: views, what clients tell.
//!
//! Reports that arrive together share one event, at most [`MOST`] of them. It is durable once the broker has confirmed it. If that takes longer than
//! [`PATIENCE`], or can't be, the very same event goes into the outbox; should it have reached the broker all the same, the inbox of who consumes it
//! sees the same id twice. One batch is on its way at a time: while it is, the next one gathers, so batches grow with the load.

use std::sync::Arc;
use std::time::Duration;

use pitchey_db::{Databases, SystemDb};
use pitchey_events::Event;
use pitchey_telemetry::trace_context;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::context::Context;
use crate::message::{Message, made_at, short};
use crate::publisher::{Fate, Outlets, Parcel};
use crate::{Bus, outbox};

/// Reports in one event, at most.
pub const MOST: usize = 500;
/// How long the broker may take before the outbox gets the batch.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// Reports that wait or are on their way, at most.
const BUFFER: usize = 20_000;

/// The way out for reports of type `T`. Cheap to clone.
pub struct Batches<T> {
    queue: mpsc::UnboundedSender<Submission<T>>,
    /// Bounds `queue`: a permit a report.
    room: Arc<Semaphore>,
    event_type: &'static str,
}

/// Why reports were not taken. Nothing of them is kept: whoever made them may make them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// More come than can go.
    #[error("more reports wait than can be kept")]
    Full,
    /// Neither the broker nor the database took them in time, or this process is about to end.
    #[error("neither the broker nor the database took the reports")]
    Unavailable,
}

/// Reports of one caller; they stay together.
struct Submission<T> {
    items: Vec<T>,
    room: OwnedSemaphorePermit,
    done: Option<oneshot::Sender<Result<(), NotTaken>>>,
}

impl<T: Send + 'static> Batches<T> {
    /// Publishes by `bus`, each batch as the event that `pack` makes of it, until the bus is shut down, which waits for what was taken.
    pub fn start<E: Event>(bus: &Bus, databases: &Databases, pack: fn(Vec<T>) -> E) -> Self {
        let (queue, submissions) = mpsc::unbounded_channel();
        let shipper = Shipper {
            context: Arc::clone(bus.context()),
            outlets: bus.outlets(),
            database: databases.system.clone(),
            pack,
            overdue: None,
        };
        let stop = shipper.context.stop.clone();
        bus.spawn(run(submissions, stop, shipper));
        Self { queue, room: Arc::new(Semaphore::new(BUFFER)), event_type: E::TYPE }
    }

    /// Returns once `items` are durable, whatever becomes of this process.
    ///
    /// # Errors
    /// [`NotTaken`]; then none of them may be, or, of more than [`MOST`], some.
    pub async fn publish(&self, mut items: Vec<T>) -> Result<(), NotTaken> {
        let mut waiting = Vec::new();
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(MOST));
            let (done, settled) = oneshot::channel();
            self.submit(items, Some(done))?;
            waiting.push(settled);
            items = rest;
        }
        for settled in waiting {
            settled.await.unwrap_or(Err(NotTaken::Unavailable))?;
        }
        Ok(())
    }

    /// Takes `item` if there is room, and never waits: for what is not worth a delay. Whether it was taken; it is then published soon, unless
    /// the process dies, or broker and database are both away.
    pub fn offer(&self, item: T) -> bool {
        let taken = self.submit(vec![item], None).is_ok();
        if !taken {
            metrics::counter!("bus_reports_refused_total", "event" => self.event_type).increment(1);
        }
        taken
    }

    fn submit(
        &self,
        items: Vec<T>,
        done: Option<oneshot::Sender<Result<(), NotTaken>>>,
    ) -> Result<(), NotTaken> {
        let permits = u32::try_from(items.len()).map_err(|_| NotTaken::Full)?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| NotTaken::Full)?;
        self.queue.send(Submission { items, room, done }).map_err(|_| NotTaken::Unavailable)
    }
}

impl<T> Clone for Batches<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), room: Arc::clone(&self.room), event_type: self.event_type }
    }
}

async fn run<T: Send + 'static, E: Event>(
    mut submissions: mpsc::UnboundedReceiver<Submission<T>>,
    stop: CancellationToken,
    mut shipper: Shipper<T, E>,
) {
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(submission) => Some(submission),
            None => tokio::select! {
                biased;
                submission = submissions.recv() => submission,
                () = stop.cancelled(), if !submissions.is_closed() => {
                    // What was taken is still published; nothing more is taken.
                    submissions.close();
                    continue;
                }
            },
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        let mut size = batch[0].items.len();
        // What has come meanwhile goes along.
        while let Ok(submission) = submissions.try_recv() {
            size += submission.items.len();
            if size > MOST {
                next = Some(submission);
                break;
            }
            batch.push(submission);
        }
        shipper.ship(batch).await;
    }
}

/// Takes one batch after the other to where it is safe.
struct Shipper<T, E> {
    context: Arc<Context>,
    outlets: Outlets,
    database: SystemDb,
    pack: fn(Vec<T>) -> E,
    /// A batch that the broker has not confirmed in time, and is in the outbox. Given up, it would take the connection with it, and what else
    /// is on its way there; so it is waited for, and batches after it don't try the broker meanwhile.
    overdue: Option<JoinHandle<Fate>>,
}

impl<T, E: Event> Shipper<T, E> {
    async fn ship(&mut self, batch: Vec<Submission<T>>) {
        let (mut items, mut waiting) = (Vec::new(), Vec::new());
        for Submission { items: some, room, done } in batch {
            items.extend(some);
            waiting.push((room, done));
        }
        let count = items.len() as u64;
        let (id, event) = (Uuid::now_v7(), (self.pack)(items));
        let (way, result) = if self.publish(id, &event).await {
            ("broker", Ok(()))
        } else {
            match self.store(id, &event).await {
                Ok(()) => ("outbox", Ok(())),
                Err(error) => {
                    tracing::error!(%error, count, "reports are lost unless their makers repeat them");
                    ("none", Err(NotTaken::Unavailable))
                }
            }
        };
        metrics::counter!("bus_reports_total", "event" => E::TYPE, "way" => way).increment(count);
        metrics::counter!("bus_batches_total", "event" => E::TYPE, "way" => way).increment(1);
        for (room, done) in waiting {
            drop(room);
            if let Some(done) = done {
                // Whoever does not wait any more has no use for the answer.
                let _ = done.send(result);
            }
        }
    }

    /// Whether the broker has confirmed it in time.
    async fn publish(&mut self, id: Uuid, event: &E) -> bool {
        self.overdue.take_if(|overdue| overdue.is_finished());
        let outlet = self.outlets.borrow_and_update().clone().filter(|outlet| !outlet.is_blocked());
        let (None, Some(outlet)) = (&self.overdue, outlet) else { return false };
        let parcel = match self.parcel(id, event) {
            Ok(parcel) => parcel,
            Err(error) => {
                tracing::error!(%error, "a batch can't be written as JSON");
                return false;
            }
        };
        let mut publishing = tokio::spawn(async move { outlet.publish_batch(&parcel).await });
        match tokio::time::timeout(PATIENCE, &mut publishing).await {
            Ok(fate) => matches!(fate, Ok(Fate::Confirmed)),
            Err(_) => {
                self.overdue = Some(publishing);
                false
            }
        }
    }

    async fn store(&self, id: Uuid, event: &E) -> Result<(), pitchey_db::Error> {
        let mut tx = self.database.begin().await?;
        outbox::append_as(&self.context.plan, &mut tx, id, event, trace_context::current())?;
        tx.commit().await
    }

    fn parcel(&self, id: Uuid, event: &E) -> serde_json::Result<Parcel> {
        let message = Message {
            id,
            event_type: E::TYPE.to_owned(),
            producer: self.context.service.to_string(),
            subject: event.subject().0,
            subject_version: event.subject_version(),
            occurred_at: made_at(id),
            // It belongs to no one request.
            traceparent: None,
            tracestate: None,
            body: serde_json::to_vec(event)?,
        };
        Ok(Parcel {
            exchange: short(&self.context.names.events()),
            key: short(E::TYPE),
            mandatory: true,
            id,
            properties: message.properties(),
            body: message.body,
        })
    }
}
