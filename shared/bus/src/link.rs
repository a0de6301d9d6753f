//! One connection to the broker.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use lapin::options::{
    ConfirmSelectOptions, ExchangeBindOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties, Event, ExchangeKind};
use secrecy::ExposeSecret;

use crate::Broker;
use crate::error::{ANSWER_LIMIT, Error, within};
use crate::message::short;
use crate::secure::Tls;
use crate::state::{self, Role, State};
use crate::topology::{Argument, Destination, Exchange, Kind, Queue, Topology};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A new broker makes some forty quorum queues in a second, on a busy machine in many.
const DECLARE_LIMIT: Duration = Duration::from_secs(30);
const HEARTBEAT_SECONDS: u16 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A connection blocked for so long is replaced, in case the word that it no longer is was lost.
const BLOCKED_LIMIT: Duration = Duration::from_secs(60);

/// Where the broker is, and how one may speak with it.
pub(crate) struct Address {
    uri: AMQPUri,
    tls: Option<Tls>,
}

impl Address {
    /// Understands the broker's URL.
    pub fn of(settings: &Broker) -> Result<Self, Error> {
        let mut uri: AMQPUri = settings.url.expose_secret().parse().map_err(Error::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        let tls = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => Some(Tls::with(&uri.authority.host, &settings.trust)?),
        };
        // lapin is built without TLS: what it is given speaks that already.
        uri.scheme = AMQPScheme::AMQP;
        Ok(Self { uri, tls })
    }
}

/// A connection without lapin's recovery: whatever happens to it, it is dropped and made anew.
pub(crate) struct Link {
    connection: Connection,
}

impl Link {
    pub async fn connect(address: &Address, name: String) -> Result<Self, Error> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let uri = address.uri.clone();
        let connection = match &address.tls {
            None => within(CONNECT_LIMIT, "connect", Connection::connect_uri(uri, properties)).await?,
            Some(tls) => within(CONNECT_LIMIT, "connect", tls.connect(uri, properties)).await?,
        };
        Ok(Self { connection })
    }

    pub async fn channel(&self) -> Result<Channel, Error> {
        within(ANSWER_LIMIT, "channel.open", self.connection.create_channel()).await
    }

    /// A channel whose publishes are confirmed.
    pub async fn confirming_channel(&self) -> Result<Channel, Error> {
        let channel = self.channel().await?;
        let select = channel.confirm_select(ConfirmSelectOptions::default());
        within(ANSWER_LIMIT, "confirm.select", select).await?;
        Ok(channel)
    }

    /// Declares all of `topology` on a channel of its own: a refusal closes the channel it happens on.
    pub async fn declare(&self, topology: &Topology) -> Result<(), Error> {
        let channel = self.channel().await?;
        within(DECLARE_LIMIT, "the declaration of the topology", declare(&channel, topology)).await?;
        within(ANSWER_LIMIT, "channel.close", channel.close(200, "declared".into())).await
    }

    /// Messages ready in `queue`.
    pub async fn depth(&self, queue: &str) -> Result<u32, Error> {
        let channel = self.channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declare = channel.queue_declare(short(queue), options, FieldTable::default());
        Ok(within(ANSWER_LIMIT, "queue.declare", declare).await?.message_count())
    }

    pub fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Tells `state` how the connection is, and returns what ended it.
    pub async fn watch(&self, role: Role, state: &State) -> Error {
        let _down = DownWhenDropped(role, state);
        state.set_link(role, &state::Link::Up);
        let mut events = std::pin::pin!(self.connection.events_listener());
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut blocked: Option<Instant> = None;
        let mut reason = String::new();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::Error(error)) => return error.into(),
                    Some(Event::ConnectionBlocked(why)) => reason = why,
                    Some(_) => {}
                    None => return Error::lost("the connection to the broker ended"),
                },
                _ = look.tick() => {}
            }
            // The state, not the event, decides: an event may come before anybody listens.
            let status = self.connection.status();
            if !status.connected() {
                return Error::lost("the connection to the broker is no longer open");
            }
            match (status.blocked(), blocked) {
                (true, None) => {
                    tracing::warn!(role = role.as_str(), reason, "the broker takes nothing now");
                    state.set_link(role, &state::Link::Blocked(reason.clone()));
                    blocked = Some(Instant::now());
                }
                (true, Some(since)) if since.elapsed() > BLOCKED_LIMIT => {
                    return Error::lost("the broker blocked the connection for too long");
                }
                (false, Some(_)) => {
                    tracing::info!(role = role.as_str(), "the broker takes events again");
                    state.set_link(role, &state::Link::Up);
                    blocked = None;
                }
                _ => {}
            }
        }
    }

    /// Says goodbye, if the broker listens.
    pub async fn close(&self) {
        let _ = within(Duration::from_secs(1), "connection.close", self.connection.close(200, "bye".into()))
            .await;
    }
}

struct DownWhenDropped<'a>(Role, &'a State);

impl Drop for DownWhenDropped<'_> {
    fn drop(&mut self) {
        self.1.set_link(self.0, &state::Link::Down);
    }
}

async fn declare(channel: &Channel, topology: &Topology) -> lapin::Result<()> {
    // All of a kind in one go: the broker answers in order.
    try_join_all(topology.exchanges.iter().map(|exchange| declare_exchange(channel, exchange))).await?;
    try_join_all(topology.queues.iter().map(|queue| declare_queue(channel, queue))).await?;
    let bound = topology.bindings.iter().map(|binding| async move {
        let (exchange, key) = (short(&binding.exchange), short(&binding.key));
        match &binding.to {
            Destination::Queue(queue) => {
                let options = QueueBindOptions::default();
                channel.queue_bind(short(queue), exchange, key, options, FieldTable::default()).await
            }
            Destination::Exchange(to) => {
                let options = ExchangeBindOptions::default();
                channel.exchange_bind(short(to), exchange, key, options, FieldTable::default()).await
            }
        }
    });
    try_join_all(bound).await?;
    Ok(())
}

async fn declare_exchange(channel: &Channel, exchange: &Exchange) -> lapin::Result<()> {
    let kind = match exchange.kind {
        Kind::Topic => ExchangeKind::Topic,
        Kind::Fanout => ExchangeKind::Fanout,
    };
    let options =
        ExchangeDeclareOptions { durable: true, auto_delete: exchange.auto_delete, ..Default::default() };
    let mut arguments = FieldTable::default();
    if let Some(alternate) = &exchange.alternate {
        arguments.insert("alternate-exchange".into(), AMQPValue::LongString(alternate.as_str().into()));
    }
    channel.exchange_declare(short(&exchange.name), kind, options, arguments).await
}

async fn declare_queue(channel: &Channel, queue: &Queue) -> lapin::Result<()> {
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    let mut arguments = FieldTable::default();
    for (key, value) in &queue.arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
        };
        arguments.insert((*key).into(), value);
    }
    channel.queue_declare(short(&queue.name), options, arguments).await.map(drop)
}
