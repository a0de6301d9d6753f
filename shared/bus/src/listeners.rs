use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use pitchey_events::{Envelope, Event};

use crate::message::{Message, Unreadable};

type Hear = Arc<dyn Fn(&Message) -> Result<BoxFuture<'static, ()>, Unreadable> + Send + Sync>;
type OnGap = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// What every replica of a service does when it hears of something: forget a cached row, close a socket. No transaction, no retry; a replica
/// that is away hears nothing, which is what [`Listeners::on_gap`] is for.
#[derive(Clone, Default)]
pub struct Listeners {
    by_type: BTreeMap<&'static str, Hear>,
    gap: Vec<OnGap>,
}

impl Listeners {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `hear` with each event of type `E`, one after the other, also with other types.
    #[must_use]
    pub fn on<E: Event>(mut self, hear: impl Hears<E>) -> Self {
        let hear: Hear = Arc::new(move |message| Ok(hear(message.decode::<E>()?).boxed()));
        self.by_type.insert(E::TYPE, hear);
        self
    }

    /// Calls `forget` each time listening has begun, also after a lost connection: events may have been missed before this moment, none are
    /// from it on. Who keeps a cache empties it now.
    #[must_use]
    pub fn on_gap<F>(mut self, forget: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.gap.push(Arc::new(move || forget().boxed()));
        self
    }

    pub(crate) fn hears(&self, event_type: &str) -> bool {
        self.by_type.contains_key(event_type)
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = &'static str> {
        self.by_type.keys().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_type.is_empty()
    }

    /// `None` if nobody listens to messages of this type.
    pub(crate) fn hear(&self, message: &Message) -> Option<Result<BoxFuture<'static, ()>, Unreadable>> {
        self.by_type.get(message.event_type.as_str()).map(|hear| hear(message))
    }

    pub(crate) async fn gap(&self) {
        for forget in &self.gap {
            forget().await;
        }
    }
}

/// A function from an event to a future: `|envelope| async move { ... }`.
pub trait Hears<E>: Fn(Envelope<E>) -> <Self as Hears<E>>::Future + Send + Sync + 'static {
    /// What it does.
    type Future: Future<Output = ()> + Send + 'static;
}

impl<E, H, F> Hears<E> for H
where
    H: Fn(Envelope<E>) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    type Future = F;
}
