//! The connection that publishes: for the relay, and for events that a handler could not apply.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::watch;
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

/// An open connection with its channels. Who meets a failure on it says so by [`Outlet::fail`], and it is replaced.
pub(crate) struct Outlet {
    link: Link,
    // A channel each: the broker's returns come back on the channel, and belong to one window at a time.
    events: Channel,
    moves: Channel,
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
    let (events, moves) = tokio::try_join!(link.confirming_channel(), link.confirming_channel())?;
    let outlet = Arc::new(Outlet { link, events, moves, failed: CancellationToken::new() });
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
    pub fn is_blocked(&self) -> bool {
        self.link.is_blocked()
    }

    /// The connection is to be replaced.
    pub fn fail(&self) {
        self.failed.cancel();
    }

    /// Publishes a window of events in order and waits for what becomes of each. While the broker is blocked it waits on.
    pub async fn publish(&self, parcels: &[Parcel]) -> Vec<Fate> {
        self.publish_on(&self.events, parcels).await
    }

    /// Moves one message to another queue; whether that succeeded.
    pub async fn deliver(&self, parcel: &Parcel) -> bool {
        self.publish_on(&self.moves, std::slice::from_ref(parcel)).await == [Fate::Confirmed]
    }

    async fn publish_on(&self, channel: &Channel, parcels: &[Parcel]) -> Vec<Fate> {
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
                answers = &mut publishing => break Some(answers),
                () = self.failed.cancelled() => break None,
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
        if fates.iter().any(|fate| *fate != Fate::Confirmed) {
            // A queue is missing or the channel is closed: the next connection declares everything again.
            self.fail();
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
                returned.extend(
                    confirmation.take_message().and_then(|message| message_id(&message.delivery.properties)),
                );
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
