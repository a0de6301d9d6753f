//! The connection that publishes: for the relay, for events that a handler could not apply, and for batches.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::context::Context;
use crate::error::Error;
use crate::link::Link;
use crate::message::message_id;
use crate::state::Role;

/// How long the broker, unless it is blocked, may take to confirm what was sent.
const CONFIRM_LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The way out, if there is one now.
pub(crate) type Outlets = watch::Receiver<Option<Arc<Outlet>>>;

/// An open connection with its channels. After the first failure on it, it is used no more, and replaced.
pub(crate) struct Outlet {
    link: Link,
    // A channel each, for one window at a time: a return names no publish, so lapin gives it to any confirm of its channel.
    events: Mutex<Channel>,
    moves: Mutex<Channel>,
    batches: Mutex<Channel>,
    failed: CancellationToken,
}

/// A message to be published.
pub(crate) struct Parcel {
    pub exchange: ShortString,
    pub key: ShortString,
    /// Whether it is a failure if no queue takes it.
    pub mandatory: bool,
    pub id: Uuid,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
}

/// What became of a [`Parcel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The broker has it.
    Confirmed,
    /// The broker has it not: no queue to put it in.
    Returned,
    /// The broker has it not: it said so.
    Refused,
    /// Nobody knows: to be published again, with the same id.
    Unknown,
}

/// Holds the connection for as long as it works.
pub(crate) async fn run(
    context: &Context,
    outlets: &watch::Sender<Option<Arc<Outlet>>>,
) -> Result<(), Error> {
    let link = context.connect(Role::Publisher).await?;
    let outlet = Arc::new(Outlet::open(link).await?);
    outlets.send_replace(Some(Arc::clone(&outlet)));
    let result = tokio::select! {
        error = outlet.link.watch(Role::Publisher, &context.state) => Err(error),
        () = outlet.failed.cancelled() => Err(Error::lost("a publish failed")),
        () = context.closing.cancelled() => Ok(()),
    };
    outlets.send_replace(None);
    outlet.failed.cancel();
    outlet.link.close().await;
    result
}

impl Outlet {
    async fn open(link: Link) -> Result<Self, Error> {
        let channel = || link.confirming_channel();
        let (events, moves, batches) = tokio::try_join!(channel(), channel(), channel())?;
        let [events, moves, batches] = [events, moves, batches].map(Mutex::new);
        Ok(Self { link, events, moves, batches, failed: CancellationToken::new() })
    }

    pub fn is_blocked(&self) -> bool {
        self.link.is_blocked()
    }

    /// Publishes a window of events in order and waits for what becomes of each. While the broker is blocked it waits on.
    pub async fn publish(&self, parcels: &[Parcel]) -> Vec<Fate> {
        self.publish_on(&self.events, parcels).await
    }

    /// Moves one message to another queue, after those that came before; whether that succeeded.
    pub async fn deliver(&self, parcel: &Parcel) -> bool {
        self.publish_on(&self.moves, std::slice::from_ref(parcel)).await == [Fate::Confirmed]
    }

    /// Publishes an event that is in no outbox.
    pub async fn publish_batch(&self, parcel: &Parcel) -> Fate {
        let fates = self.publish_on(&self.batches, std::slice::from_ref(parcel)).await;
        fates.first().copied().unwrap_or(Fate::Unknown)
    }

    async fn publish_on(&self, channel: &Mutex<Channel>, parcels: &[Parcel]) -> Vec<Fate> {
        let channel = &*channel.lock().await;
        // Given up in between, it leaves confirms and returns behind that the next window would take for its own.
        let unfinished = self.failed.clone().drop_guard();
        let publishing = parcels.iter().map(|parcel| async move {
            let options = BasicPublishOptions { mandatory: parcel.mandatory, immediate: false };
            let (exchange, key) = (parcel.exchange.clone(), parcel.key.clone());
            let properties = parcel.properties.clone();
            channel.basic_publish(exchange, key, options, &parcel.body, properties).await?.await
        });
        // Polled in order, so sent in order; awaiting each by itself takes five times as long.
        let mut publishing = std::pin::pin!(join_all(publishing));
        let mut waited = Duration::ZERO;
        let answers = loop {
            tokio::select! {
                biased;
                () = self.failed.cancelled() => break None,
                answers = &mut publishing => break Some(answers),
                () = tokio::time::sleep(LOOK_EVERY) => {
                    if !self.is_blocked() {
                        waited += LOOK_EVERY;
                    }
                    if waited >= CONFIRM_LIMIT {
                        break None;
                    }
                }
            }
        };
        let fates = match answers {
            Some(answers) => fates(parcels, answers),
            None => vec![Fate::Unknown; parcels.len()],
        };
        // Else a queue is missing or the channel is closed: the next connection declares everything again.
        if fates.iter().all(|fate| *fate == Fate::Confirmed) {
            unfinished.disarm();
        }
        fates
    }
}

/// lapin hands a returned message to whichever confirm comes next, so returns are matched by message id over the whole window. A return
/// comes before its own confirm; so once that is here, the return is too.
fn fates(parcels: &[Parcel], answers: Vec<lapin::Result<Confirmation>>) -> Vec<Fate> {
    let mut returned = HashSet::new();
    let mut fates: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer {
            Ok(confirmation) => {
                let fate = if confirmation.is_ack() { Fate::Confirmed } else { Fate::Refused };
                // Who came without an id is published without one.
                let back = confirmation.take_message();
                returned.extend(back.map(|back| message_id(&back.delivery.properties).unwrap_or_default()));
                fate
            }
            Err(error) => {
                tracing::debug!(%error, "published, perhaps");
                Fate::Unknown
            }
        })
        .collect();
    for (fate, parcel) in fates.iter_mut().zip(parcels) {
        if returned.contains(&parcel.id) {
            *fate = Fate::Returned;
        }
    }
    fates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Broker;
    use crate::link::Address;
    use crate::message::short;
    use crate::topology::{Names, Topology};

    async fn outlet() -> (Outlet, Names) {
        let broker = pitchey_testkit::Broker::new();
        let address = Address::of(&Broker::new(broker.url, broker.prefix.clone())).unwrap();
        let (link, names) =
            (Link::connect(&address, "a test".to_owned()).await.unwrap(), Names::new(&broker.prefix));
        // Only what is there without any event.
        let plan = crate::Plan { catalogue: &[], ..crate::Plan::default() };
        link.declare(&Topology::of(&plan, &names)).await.unwrap();
        (Outlet::open(link).await.unwrap(), names)
    }

    fn parcel(queue: &str, id: Uuid) -> Parcel {
        let properties = if id.is_nil() {
            BasicProperties::default()
        } else {
            BasicProperties::default().with_message_id(short(&id.to_string()))
        };
        Parcel { exchange: short(""), key: short(queue), mandatory: true, id, properties, body: Vec::new() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn moves_at_once_do_not_take_each_others_returns() {
        let (outlet, names) = outlet().await;
        let missing = (0..50).map(|_| parcel("missing", Uuid::now_v7()));
        let parcels: Vec<_> =
            std::iter::once(parcel(&names.unrouted(), Uuid::now_v7())).chain(missing).collect();
        let moved = join_all(parcels.iter().map(|parcel| outlet.deliver(parcel))).await;
        assert!(moved[0], "its queue is there");
        assert_eq!(moved[1..].iter().filter(|moved| **moved).count(), 0, "said to be moved, but returned");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_returned_message_without_id_is_not_taken_for_moved() {
        let (outlet, _) = outlet().await;
        assert!(!outlet.deliver(&parcel("missing", Uuid::nil())).await);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_move_given_up_half_way_leaves_its_return_to_no_other() {
        let (outlet, names) = outlet().await;
        // Sent, but nobody waits for what becomes of it.
        let first = parcel("missing", Uuid::now_v7());
        assert_eq!(futures_util::poll!(Box::pin(outlet.deliver(&first))), std::task::Poll::Pending);
        assert!(outlet.failed.is_cancelled(), "its connection is not used again");
        assert!(!outlet.deliver(&parcel(&names.unrouted(), Uuid::now_v7())).await);
    }
}
