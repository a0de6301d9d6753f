//! What travels through the broker: the event's JSON as the body, its identity as CloudEvents attributes in AMQP headers (binary mode; AMQP 0.9.1
//! has no binding of its own, so names are those of the AMQP 1.0 binding).

use chrono::{DateTime, SecondsFormat, Utc};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use pitchey_events::{Envelope, Event, Subject};
use uuid::Uuid;

const SPEC_VERSION: &str = "cloudEvents:specversion";
const ID: &str = "cloudEvents:id";
const TYPE: &str = "cloudEvents:type";
const SOURCE: &str = "cloudEvents:source";
pub(crate) const SUBJECT: &str = "cloudEvents:subject";
const TIME: &str = "cloudEvents:time";
// Extension attributes of CloudEvents are lower-case letters and digits.
const SUBJECT_VERSION: &str = "cloudEvents:subjectversion";
const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// How often a handler has failed transiently.
pub(crate) const ATTEMPTS: &str = "pitchey-attempts";
/// Why a message is dead.
pub(crate) const REASON: &str = "pitchey-reason";

const PERSISTENT: u8 = 2;

/// An event, not yet decoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub id: Uuid,
    pub event_type: String,
    pub producer: String,
    pub subject: String,
    pub subject_version: Option<i64>,
    pub occurred_at: DateTime<Utc>,
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    pub body: Vec<u8>,
}

/// A body or header that this program can't read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub String);

impl Message {
    pub fn properties(&self) -> BasicProperties {
        let mut headers = FieldTable::default();
        let mut text = |key: &str, value: &str| {
            headers.insert(key.into(), AMQPValue::LongString(value.into()));
        };
        let id = self.id.to_string();
        text(SPEC_VERSION, "1.0");
        text(ID, &id);
        text(TYPE, &self.event_type);
        text(SOURCE, &format!("/pitchey/{}", self.producer));
        text(SUBJECT, &self.subject);
        text(TIME, &self.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true));
        if let Some(traceparent) = &self.traceparent {
            text(TRACEPARENT, traceparent);
        }
        if let Some(tracestate) = &self.tracestate {
            text(TRACESTATE, tracestate);
        }
        if let Some(version) = self.subject_version {
            headers.insert(SUBJECT_VERSION.into(), AMQPValue::LongLongInt(version));
        }
        BasicProperties::default()
            .with_message_id(short(&id))
            .with_type(short(&self.event_type))
            .with_app_id(short(&self.producer))
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_timestamp(self.occurred_at.timestamp().try_into().unwrap_or_default())
            .with_headers(headers)
    }

    pub fn read(properties: &BasicProperties, body: Vec<u8>) -> Result<Self, Unreadable> {
        let id = message_id(properties).ok_or_else(|| missing("message id"))?;
        let event_type = properties.kind().as_ref().ok_or_else(|| missing("type"))?.to_string();
        let headers = properties.headers().as_ref();
        let text = |key: &str| headers.and_then(|headers| text(headers, key));
        let occurred_at = text(TIME)
            .and_then(|time| DateTime::parse_from_rfc3339(&time).ok())
            .ok_or_else(|| missing(TIME))?
            .to_utc();
        Ok(Self {
            id,
            event_type,
            producer: properties.app_id().as_ref().map(ToString::to_string).unwrap_or_default(),
            subject: text(SUBJECT).ok_or_else(|| missing(SUBJECT))?,
            subject_version: headers.and_then(|headers| number(headers, SUBJECT_VERSION)),
            occurred_at,
            traceparent: text(TRACEPARENT),
            tracestate: text(TRACESTATE),
            body,
        })
    }

    pub fn decode<E: Event>(&self) -> Result<Envelope<E>, Unreadable> {
        // The error's words may quote the body, and so end up in headers and logs: position and kind will do.
        let event = serde_json::from_slice(&self.body).map_err(|error| {
            Unreadable(format!("body: {:?} error in column {}", error.classify(), error.column()))
        })?;
        Ok(Envelope {
            id: self.id,
            occurred_at: self.occurred_at,
            subject: Subject(self.subject.clone()),
            subject_version: self.subject_version,
            traceparent: self.traceparent.clone(),
            event,
        })
    }
}

/// A UUIDv7 begins with its time.
pub(crate) fn made_at(id: Uuid) -> DateTime<Utc> {
    let (seconds, nanos) = id.get_timestamp().map_or((0, 0), |timestamp| timestamp.to_unix());
    seconds.try_into().ok().and_then(|seconds| DateTime::from_timestamp(seconds, nanos)).unwrap_or_default()
}

pub(crate) fn message_id(properties: &BasicProperties) -> Option<Uuid> {
    properties.message_id().as_ref()?.as_str().parse().ok()
}

pub(crate) fn text(headers: &FieldTable, key: &str) -> Option<String> {
    match headers.inner().get(key)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

pub(crate) fn number(headers: &FieldTable, key: &str) -> Option<i64> {
    match headers.inner().get(key)? {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::LongInt(number) => Some((*number).into()),
        AMQPValue::LongUInt(number) => Some((*number).into()),
        AMQPValue::ShortInt(number) => Some((*number).into()),
        AMQPValue::ShortShortInt(number) => Some((*number).into()),
        _ => None,
    }
}

/// `text` as AMQP's short string, cut to the 255 bytes it can hold.
pub(crate) fn short(text: &str) -> ShortString {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    ShortString::try_new(&text[..end]).unwrap_or_default()
}

fn missing(what: &str) -> Unreadable {
    Unreadable(format!("{what} is missing or malformed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            id: Uuid::from_u128(0x0193_5c2e_0000_7000_8000_0000_0000_0001),
            event_type: "nda.signed.v1".to_owned(),
            producer: "pitches".to_owned(),
            subject: "nda/42".to_owned(),
            subject_version: Some(7),
            occurred_at: DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap(),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
            tracestate: None,
            body: b"{}".to_vec(),
        }
    }

    #[test]
    fn a_message_survives_its_headers() {
        let message = message();
        assert_eq!(Message::read(&message.properties(), message.body.clone()).unwrap(), message);
    }

    #[test]
    fn a_message_without_identity_is_unreadable() {
        let anonymous = BasicProperties::default();
        assert!(Message::read(&anonymous, Vec::new()).is_err());
    }

    #[test]
    fn short_strings_are_cut_between_characters() {
        assert_eq!(short(&"ü".repeat(200)).as_str(), "ü".repeat(127));
    }
}
