//! The message broker of this run, and a look into its queues.

use std::sync::atomic::{AtomicU32, Ordering};

use lapin::message::BasicGetMessage;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::environment;
use crate::processes::{birth, machine};

/// RabbitMQ as one test uses it: names that begin with the prefix are its own.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Where it is.
    pub url: String,
    /// What the names of this test's exchanges and queues begin with.
    pub prefix: String,
}

/// What lies in a queue.
#[derive(Debug)]
pub struct Message {
    /// With which key it was published, or dead-lettered.
    pub routing_key: String,
    /// Its properties and headers.
    pub properties: BasicProperties,
    /// Its body.
    pub body: Vec<u8>,
}

impl Broker {
    /// That of this run, with a prefix that nobody else has.
    pub fn new() -> Self {
        Self::at(&environment::amqp_url())
    }

    /// The one at `url`, with a prefix that nobody else has.
    pub fn at(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (pid, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let birth = birth(pid).expect("this process is alive");
        // What the bus keeps the queues for depends on it.
        let kind = crate::size("test", "soak");
        Self { url: url.to_owned(), prefix: format!("{kind}-{}-{pid}-{birth}-{count}.", machine()) }
    }

    /// A connection and a channel of the test's own; both close when dropped.
    pub async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url, ConnectionProperties::default())
            .await
            .unwrap_or_else(|error| panic!("RabbitMQ can't be reached: {error}"));
        let channel = connection.create_channel().await.expect("a channel");
        (connection, channel)
    }

    /// Publishes and waits for the broker's confirm.
    pub async fn publish(&self, exchange: &str, routing_key: &str, properties: BasicProperties, body: &[u8]) {
        let (_connection, channel) = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let confirm = channel
            .basic_publish(
                exchange.into(),
                routing_key.into(),
                BasicPublishOptions::default(),
                body,
                properties,
            )
            .await
            .expect("publish");
        assert!(confirm.await.expect("a confirm").is_ack(), "the broker refused the message to {exchange}");
    }

    /// How many messages are ready in `queue`.
    ///
    /// # Panics
    /// If there is no such queue.
    pub async fn depth(&self, queue: &str) -> u32 {
        let (_connection, channel) = self.channel().await;
        passive(&channel, queue).await.unwrap_or_else(|error| panic!("queue {queue}: {error}"))
    }

    /// Whether there is such a queue.
    pub async fn has_queue(&self, queue: &str) -> bool {
        let (_connection, channel) = self.channel().await;
        passive(&channel, queue).await.is_ok()
    }

    /// The first message of `queue`, which stays there.
    pub async fn peek(&self, queue: &str) -> Option<Message> {
        let (_connection, channel) = self.channel().await;
        let got = get(&channel, queue).await?;
        got.nack(BasicNackOptions { requeue: true, ..Default::default() }).await.expect("nack");
        Some(message(got))
    }

    /// The first message of `queue`, which leaves it.
    pub async fn take(&self, queue: &str) -> Option<Message> {
        let (_connection, channel) = self.channel().await;
        let got = get(&channel, queue).await?;
        got.ack(BasicAckOptions::default()).await.expect("ack");
        Some(message(got))
    }

    /// Empties `queue`.
    pub async fn purge(&self, queue: &str) {
        let (_connection, channel) = self.channel().await;
        channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.expect("purge");
    }

    /// Deletes `queue`, as somebody at a console might.
    pub async fn delete(&self, queue: &str) {
        let (_connection, channel) = self.channel().await;
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.expect("delete");
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self::new()
    }
}

async fn passive(channel: &Channel, queue: &str) -> lapin::Result<u32> {
    let options = QueueDeclareOptions { passive: true, ..Default::default() };
    Ok(channel.queue_declare(queue.into(), options, FieldTable::default()).await?.message_count())
}

async fn get(channel: &Channel, queue: &str) -> Option<BasicGetMessage> {
    channel
        .basic_get(queue.into(), BasicGetOptions::default())
        .await
        .unwrap_or_else(|error| panic!("queue {queue}: {error}"))
}

fn message(got: BasicGetMessage) -> Message {
    let delivery = got.delivery;
    Message {
        routing_key: delivery.routing_key.to_string(),
        properties: delivery.properties,
        body: delivery.data,
    }
}
