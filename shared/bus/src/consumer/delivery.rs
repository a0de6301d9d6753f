use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use pitchey_events::Service;

use super::decision::Decision;
use crate::message::{ATTEMPTS, Message, REASON, SUBJECT, Unreadable, message_id, number, short, text};
use crate::publisher::Parcel;
use crate::topology::Names;

/// Longer reasons are cut.
const REASON_LIMIT: usize = 500;

/// A message as it came.
pub(super) struct Delivery {
    pub tag: u64,
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Delivery {
    pub fn new(delivery: lapin::message::Delivery) -> Self {
        Self { tag: delivery.delivery_tag, properties: delivery.properties, body: delivery.data }
    }

    pub fn message(&self) -> Result<Message, Unreadable> {
        Message::read(&self.properties, self.body.clone())
    }

    /// Transient failures so far.
    pub fn attempts(&self) -> usize {
        let attempts = self.properties.headers().as_ref().and_then(|headers| number(headers, ATTEMPTS));
        attempts.and_then(|attempts| usize::try_from(attempts).ok()).unwrap_or(0)
    }

    pub fn event_type(&self) -> &str {
        self.properties.kind().as_ref().map_or("?", |kind| kind.as_str())
    }

    pub fn subject(&self) -> String {
        self.properties.headers().as_ref().and_then(|headers| text(headers, SUBJECT)).unwrap_or_default()
    }

    /// The same message, same id, on its way to a wait queue or to the dead; `None` if it can be acknowledged here.
    pub fn moved(
        &self,
        decision: &Decision,
        names: &Names,
        service: Service,
        delays: &[std::time::Duration],
    ) -> Option<Parcel> {
        let mut headers = clean(self.properties.headers().as_ref().unwrap_or(&FieldTable::default()));
        let queue = match decision {
            Decision::Ack => return None,
            Decision::Retry(step) => {
                let attempts = i64::try_from(step + 1).unwrap_or(i64::MAX);
                headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(attempts));
                names.retry(service, *delays.get(*step)?)
            }
            Decision::Bury(reason) => {
                let reason: String = reason.chars().take(REASON_LIMIT).collect();
                headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
                names.dead(service)
            }
        };
        Some(Parcel {
            exchange: short(""),
            key: short(&queue),
            mandatory: true,
            id: message_id(&self.properties).unwrap_or_default(),
            properties: self.properties.clone().with_headers(headers).with_delivery_mode(2),
            body: self.body.clone(),
        })
    }
}

/// Without what the broker noted on its way so far: it would grow with every round.
pub(crate) fn clean(headers: &FieldTable) -> FieldTable {
    let brokers =
        |key: &str| key == "x-death" || key.starts_with("x-first-death") || key == "x-delivery-count";
    let kept = headers.inner().iter().filter(|(key, _)| !brokers(key.as_str()));
    FieldTable::from(
        kept.map(|(key, value)| (key.clone(), value.clone())).collect::<std::collections::BTreeMap<_, _>>(),
    )
}
