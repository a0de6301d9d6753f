//! Watching events go by, for tools: nothing is taken from anybody.

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use lapin::Consumer;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use uuid::Uuid;

use crate::Broker;
use crate::error::Error;
use crate::link::{Address, Link};
use crate::message::{Message, short};
use crate::topology::Names;

/// A queue of its own that sees every event published from its opening on. It ends with the connection.
pub struct Tap {
    consumer: Consumer,
    /// Open for as long as somebody watches.
    _link: Link,
}

/// An event that went by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub event_type: String,
    /// Who emitted it.
    pub producer: String,
    /// What it happened to: `nda/42`.
    pub subject: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The trace of what caused it.
    pub traceparent: Option<String>,
}

impl Tap {
    /// Begins to watch. The exchange is there once any service has been connected.
    ///
    /// # Errors
    /// The broker's.
    pub async fn open(settings: &Broker) -> Result<Self, Error> {
        let link = Link::connect(&Address::of(settings)?, "pitchey tap".to_owned()).await?;
        let channel = link.channel().await?;
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let queue = channel.queue_declare(short(""), options, FieldTable::default()).await?;
        let (exchange, all) = (short(&Names::new(&settings.prefix).events()), short("#"));
        let options = QueueBindOptions::default();
        channel.queue_bind(queue.name().clone(), exchange, all, options, FieldTable::default()).await?;
        let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
        let tag = short("");
        let consumer =
            channel.basic_consume(queue.name().clone(), tag, options, FieldTable::default()).await?;
        Ok(Self { consumer, _link: link })
    }

    /// The next event.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn next(&mut self) -> Result<Seen, Error> {
        loop {
            let delivery = self
                .consumer
                .next()
                .await
                .ok_or_else(|| Error::lost("the connection to the broker ended"))??;
            if let Ok(message) = Message::read(&delivery.properties, delivery.data) {
                let Message { id, event_type, producer, subject, occurred_at, traceparent, .. } = message;
                return Ok(Seen { id, event_type, producer, subject, occurred_at, traceparent });
            }
        }
    }
}
