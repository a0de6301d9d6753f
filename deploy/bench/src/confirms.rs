//! The floor of everything that ends in the broker: lapin alone.

use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection};
use pitchey_testkit::Broker;

/// A connection whose publishes are confirmed.
pub struct Confirms {
    _connection: Connection,
    channel: Channel,
}

impl Confirms {
    /// Of its own.
    pub async fn open(broker: &Broker) -> Self {
        let (connection, channel) = broker.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { _connection: connection, channel }
    }

    /// A queue like those of the platform.
    pub async fn queue(&self, name: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(name.into(), options, arguments).await.unwrap();
    }

    /// Publishes `count` times the same, `window` at a time, and waits for the confirms of each window as the relay does.
    pub async fn publish(
        &self,
        to: (&str, &str),
        properties: &BasicProperties,
        body: &[u8],
        count: u32,
        window: u32,
    ) {
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let mut left = count;
        while left > 0 {
            let sent = left.min(window);
            let publishing = (0..sent).map(|_| async {
                self.channel
                    .basic_publish(to.0.into(), to.1.into(), options, body, properties.clone())
                    .await?
                    .await
            });
            let confirmations = try_join_all(publishing).await.unwrap();
            assert!(confirmations.iter().all(lapin::Confirmation::is_ack), "the broker refused a message");
            left -= sent;
        }
    }
}
