//! Events that could not be applied, and what a person does about them: list, show, replay, drop.

use chrono::{DateTime, Utc};
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};
use pitchey_events::Service;
use uuid::Uuid;

use crate::Broker;
use crate::consumer::delivery::clean;
use crate::error::{ANSWER_LIMIT, Error, within};
use crate::link::{Address, Link};
use crate::message::{ATTEMPTS, Message, REASON, message_id, number, short, text};
use crate::topology::Names;

/// Where dead events lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// This service could not apply them.
    Dead(Service),
    /// No queue took them when they were published.
    Unrouted,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// The one with this id.
    One(Uuid),
}

/// A dead event.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The event's id; `None` if it came without one.
    pub id: Option<Uuid>,
    /// Its type, as it says.
    pub event_type: String,
    /// What it happened to; empty if it does not say.
    pub subject: String,
    /// When it happened.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Why it is here.
    pub reason: String,
    /// Transient failures before.
    pub attempts: u64,
    /// The trace of what caused it.
    pub traceparent: Option<String>,
    /// Its JSON, as it came.
    pub body: String,
}

/// The first `limit` of them. They stay where they are, though not in the same order.
///
/// # Errors
/// The broker's.
pub async fn list(settings: &Broker, place: Place, limit: usize) -> Result<Vec<DeadLetter>, Error> {
    let shelf = Shelf::open(settings, place).await?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(letter) = shelf.get().await?
    {
        found.push(letter.describe(place));
    }
    // What was not acknowledged goes back with the connection's end.
    shelf.close().await;
    Ok(found)
}

/// The one with this id.
///
/// # Errors
/// The broker's.
pub async fn show(settings: &Broker, place: Place, id: Uuid) -> Result<Option<DeadLetter>, Error> {
    Ok(list(settings, place, usize::MAX).await?.into_iter().find(|letter| letter.id == Some(id)))
}

/// Gives them back: the dead to their service's queue, the unrouted to everybody who wants them by now. They keep their ids, so what was applied
/// after all is a duplicate; their attempts begin anew. Returns how many.
///
/// # Errors
/// The broker's; those already given back stay so.
pub async fn replay(settings: &Broker, place: Place, which: Which) -> Result<usize, Error> {
    each(settings, place, which, async |shelf, letter| shelf.give_back(place, letter).await).await
}

/// Throws them away for good. Returns how many.
///
/// # Errors
/// The broker's; those already thrown away stay so.
pub async fn drop(settings: &Broker, place: Place, which: Which) -> Result<usize, Error> {
    each(settings, place, which, async |_, _| Ok(())).await
}

async fn each(
    settings: &Broker,
    place: Place,
    which: Which,
    act: impl AsyncFn(&Shelf, &Letter) -> Result<(), Error>,
) -> Result<usize, Error> {
    let shelf = Shelf::open(settings, place).await?;
    // As many as there are now: one that fails again at once is not to be met a second time.
    let there = shelf.link.depth(&shelf.queue).await?;
    let mut done = 0;
    for _ in 0..there {
        let Some(letter) = shelf.get().await? else { break };
        if which == Which::All || Some(which) == message_id(&letter.properties).map(Which::One) {
            act(&shelf, &letter).await?;
            let options = BasicAckOptions::default();
            within(ANSWER_LIMIT, "basic.ack", shelf.channel.basic_ack(letter.tag, options)).await?;
            done += 1;
        }
    }
    shelf.close().await;
    Ok(done)
}

/// A queue of dead events, open.
struct Shelf {
    link: Link,
    channel: Channel,
    names: Names,
    queue: String,
}

struct Letter {
    tag: u64,
    routing_key: String,
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Shelf {
    async fn open(settings: &Broker, place: Place) -> Result<Self, Error> {
        let link = Link::connect(&Address::of(settings)?, "pitchey ctl".to_owned()).await?;
        let channel = link.confirming_channel().await?;
        let names = Names::new(&settings.prefix);
        let queue = match place {
            Place::Dead(service) => names.dead(service),
            Place::Unrouted => names.unrouted(),
        };
        Ok(Self { link, channel, names, queue })
    }

    async fn get(&self) -> Result<Option<Letter>, Error> {
        let get = self.channel.basic_get(short(&self.queue), BasicGetOptions::default());
        let got = within(ANSWER_LIMIT, "basic.get", get).await?;
        Ok(got.map(|got| Letter {
            tag: got.delivery.delivery_tag,
            routing_key: got.delivery.routing_key.to_string(),
            properties: got.delivery.properties,
            body: got.delivery.data,
        }))
    }

    async fn give_back(&self, place: Place, letter: &Letter) -> Result<(), Error> {
        let (exchange, key) = match place {
            Place::Dead(service) => (String::new(), self.names.work(service)),
            Place::Unrouted => (self.names.events(), letter.routing_key.clone()),
        };
        let headers = clean(letter.properties.headers().as_ref().unwrap_or(&FieldTable::default()));
        let kept = headers.inner().iter().filter(|(key, _)| ![ATTEMPTS, REASON].contains(&key.as_str()));
        let headers = FieldTable::from(
            kept.map(|(key, value)| (key.clone(), value.clone()))
                .collect::<std::collections::BTreeMap<_, _>>(),
        );
        let properties = letter.properties.clone().with_headers(headers);
        let options = lapin::options::BasicPublishOptions { mandatory: true, immediate: false };
        let publish = async {
            let confirm = self
                .channel
                .basic_publish(short(&exchange), short(&key), options, &letter.body, properties)
                .await?;
            confirm.await
        };
        let confirmation = within(ANSWER_LIMIT, "basic.publish", publish).await?;
        // One at a time, so a return can only be this one's.
        if confirmation.is_ack() && confirmation.take_message().is_none() {
            Ok(())
        } else {
            Err(Error::lost(format!("the broker did not take the event back: is there a queue {key}?")))
        }
    }

    async fn close(&self) {
        self.link.close().await;
    }
}

impl Letter {
    fn describe(self, place: Place) -> DeadLetter {
        let headers = self.properties.headers().clone().unwrap_or_default();
        let reason = text(&headers, REASON).or_else(|| brokers_reason(&headers));
        let reason = reason.unwrap_or_else(|| match place {
            Place::Dead(_) => "unknown".to_owned(),
            Place::Unrouted => "no queue took it".to_owned(),
        });
        let id = message_id(&self.properties);
        let event_type = self.properties.kind().as_ref().map(ToString::to_string).unwrap_or_default();
        let attempts = number(&headers, ATTEMPTS).and_then(|attempts| attempts.try_into().ok()).unwrap_or(0);
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let message = Message::read(&self.properties, self.body).ok();
        DeadLetter {
            id,
            event_type,
            subject: message.as_ref().map(|message| message.subject.clone()).unwrap_or_default(),
            occurred_at: message.as_ref().map(|message| message.occurred_at),
            reason,
            attempts,
            traceparent: message.and_then(|message| message.traceparent),
            body,
        }
    }
}

/// Consumers crashed with it: the broker itself moved it here.
fn brokers_reason(headers: &FieldTable) -> Option<String> {
    let AMQPValue::FieldArray(deaths) = headers.inner().get("x-death")? else { return None };
    let AMQPValue::FieldTable(last) = deaths.as_slice().first()? else { return None };
    let reason = text(last, "reason")?;
    Some(if reason == "delivery_limit" {
        "consumers crashed with it, again and again".to_owned()
    } else {
        reason
    })
}
