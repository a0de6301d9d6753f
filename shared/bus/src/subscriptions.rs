use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pitchey_db::Tx;
use pitchey_events::{Envelope, Event, Service};

use crate::message::{Message, Unreadable};
use crate::{Listeners, Plan};

/// Applies events of type `E`, each exactly once.
pub trait Handles<E: Event>: Send + Sync + 'static {
    /// Applies `event` in `tx`, which also remembers that this was done. It may run again if the transaction does not commit, so effects
    /// outside of the database have no place here.
    ///
    /// # Errors
    /// [`Failure`] says whether another try is worth it. Whatever was done in `tx` is rolled back.
    fn handle(&self, tx: &mut Tx, event: &Envelope<E>) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Applies events of type `E` together with others that arrived with them, each exactly once: where what they change is the same few rows, or one
/// statement writes what all of them tell. It runs in the span of the first; what it emits for another belongs to that one's
/// [trace](Envelope::traceparent).
pub trait HandlesMany<E: Event>: Send + Sync + 'static {
    /// [`Handles::handle`], of one event or several, in their order.
    ///
    /// # Errors
    /// As [`Handles::handle`]. Of several, each is then tried alone.
    fn handle_many(
        &self,
        tx: &mut Tx,
        events: &[&Envelope<E>],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Why an event could not be applied. Its words end up in logs and beside the dead event: no secrets, nothing personal.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// May go away: the event is tried again after 5 s, 30 s and 5 minutes, and then it is dead.
    #[error("{0}")]
    Transient(Box<dyn std::error::Error + Send + Sync>),
    /// Will never work: the event is dead at once, and waits for a person.
    #[error("{0}")]
    Permanent(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// A failure that may go away.
    pub fn transient(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Transient(why.into())
    }

    /// A failure that stays.
    pub fn permanent(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Permanent(why.into())
    }
}

impl From<pitchey_db::Error> for Failure {
    fn from(error: pitchey_db::Error) -> Self {
        Self::Transient(error.into())
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Transient(error.into())
    }
}

/// What a service does with the events it consumes: its whole list, in its `consumers.rs`.
pub struct Subscriptions<H> {
    handler: Arc<H>,
    by_type: BTreeMap<&'static str, Arc<dyn Handler>>,
}

impl<H: Send + Sync + 'static> Subscriptions<H> {
    /// An empty list; `handler` usually is the service's state.
    pub fn of(handler: Arc<H>) -> Self {
        Self { handler, by_type: BTreeMap::new() }
    }

    /// Adds the events of type `E`.
    #[must_use]
    pub fn on<E: Event>(mut self) -> Self
    where
        H: Handles<E>,
    {
        let handler = Arc::new(OneByOne(Arc::clone(&self.handler)));
        self.add::<E, _>(handler, false);
        self
    }

    /// Adds the events of type `E`, which are handled together.
    #[must_use]
    pub fn on_many<E: Event>(mut self) -> Self
    where
        H: HandlesMany<E>,
    {
        let handler = Arc::clone(&self.handler);
        self.add::<E, _>(handler, true);
        self
    }

    fn add<E: Event, M: HandlesMany<E>>(&mut self, handler: Arc<M>, takes_many: bool) {
        let typed = Typed::<M, E> { handler, takes_many, event: std::marker::PhantomData };
        self.by_type.insert(E::TYPE, Arc::new(typed));
    }
}

impl<H> From<Subscriptions<H>> for Consumes {
    fn from(subscriptions: Subscriptions<H>) -> Self {
        Self { by_type: subscriptions.by_type }
    }
}

/// A [`Subscriptions`] list that has forgotten whose it is.
#[derive(Clone, Default)]
pub struct Consumes {
    by_type: BTreeMap<&'static str, Arc<dyn Handler>>,
}

impl Consumes {
    /// For a service that consumes nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Where this list and `listeners` differ from what the catalogue says `service` consumes and listens to, a sentence each. A service's tests
    /// assert that there are none.
    pub fn disagreements(&self, service: Service, listeners: &Listeners, plan: &Plan) -> Vec<String> {
        let mut found = Vec::new();
        for entry in plan.entries() {
            let event = entry.event_type;
            let both = [
                ("consume", entry.consumers.contains(&service), self.by_type.contains_key(event)),
                ("listen to", entry.listeners.contains(&service), listeners.hears(event)),
            ];
            for (verb, promised, done) in both {
                if promised && !done {
                    found.push(format!(
                        "the catalogue says {service} shall {verb} {event}, which it does not"
                    ));
                } else if done && !promised {
                    found.push(format!(
                        "{service} is ready to {verb} {event}, but the catalogue does not name it"
                    ));
                }
            }
        }
        let unknown =
            self.by_type.keys().copied().chain(listeners.types()).filter(|event| plan.entry(event).is_none());
        found.extend(unknown.map(|event| format!("{service} names {event}, which no catalogue line does")));
        found
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_type.is_empty()
    }

    /// Decodes the message for its handler; `None` if no handler is registered for its type.
    pub(crate) fn prepare(&self, message: &Message) -> Option<Result<Prepared, Unreadable>> {
        let handler = Arc::clone(self.by_type.get(message.event_type.as_str())?);
        Some(handler.decode(message).map(|envelope| Prepared { handler, envelope }))
    }
}

/// A decoded event with its handler.
pub(crate) struct Prepared {
    handler: Arc<dyn Handler>,
    envelope: Box<dyn Any + Send + Sync>,
}

impl Prepared {
    /// Whether its handler takes `next` along with it.
    pub fn takes_along(&self, next: &Self) -> bool {
        self.handler.takes_many() && Arc::ptr_eq(&self.handler, &next.handler)
    }

    /// Handles `events`, which are one or were taken along.
    pub fn handle<'a>(events: &'a [&'a Self], tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Failure>> {
        let Some(first) = events.first() else { return std::future::ready(Ok(())).boxed() };
        first.handler.handle(tx, events.iter().map(|event| &*event.envelope).collect())
    }
}

/// An envelope whose type its handler knows.
type Erased = dyn Any + Send + Sync;

trait Handler: Send + Sync {
    fn decode(&self, message: &Message) -> Result<Box<Erased>, Unreadable>;
    fn takes_many(&self) -> bool;
    fn handle<'a>(&'a self, tx: &'a mut Tx, envelopes: Vec<&'a Erased>)
    -> BoxFuture<'a, Result<(), Failure>>;
}

struct Typed<H, E> {
    handler: Arc<H>,
    takes_many: bool,
    event: std::marker::PhantomData<fn() -> E>,
}

impl<E: Event, H: HandlesMany<E>> Handler for Typed<H, E> {
    fn decode(&self, message: &Message) -> Result<Box<Erased>, Unreadable> {
        Ok(Box::new(message.decode::<E>()?))
    }

    fn takes_many(&self) -> bool {
        self.takes_many
    }

    fn handle<'a>(
        &'a self,
        tx: &'a mut Tx,
        envelopes: Vec<&'a Erased>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move { self.handler.handle_many(tx, &typed::<E>(&envelopes)).await })
    }
}

/// One that handles events one by one.
struct OneByOne<H>(Arc<H>);

impl<E: Event, H: Handles<E>> HandlesMany<E> for OneByOne<H> {
    async fn handle_many(&self, tx: &mut Tx, events: &[&Envelope<E>]) -> Result<(), Failure> {
        for event in events {
            self.0.handle(tx, event).await?;
        }
        Ok(())
    }
}

fn typed<'a, E: Event>(envelopes: &[&'a Erased]) -> Vec<&'a Envelope<E>> {
    let typed = envelopes.iter().map(|envelope| {
        envelope.downcast_ref().unwrap_or_else(|| unreachable!("{} was decoded by its handler", E::TYPE))
    });
    typed.collect()
}
