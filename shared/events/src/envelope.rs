//! What travels: the event with its identity.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConversationId, NdaId, PitchId, UserId};

/// Something that happened, in the words of its producer.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its type with the version: `nda.signed.v1`. Also the routing key.
    const TYPE: &'static str;

    /// What it happened to.
    fn subject(&self) -> Subject;

    /// The subject's version after the change; `Some` for state events.
    fn subject_version(&self) -> Option<i64> {
        None
    }
}

/// What an event happened to: `nda/42`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(pub String);

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<UserId> for Subject {
    fn from(id: UserId) -> Self {
        Self(format!("user/{id}"))
    }
}

impl From<PitchId> for Subject {
    fn from(id: PitchId) -> Self {
        Self(format!("pitch/{id}"))
    }
}

impl From<NdaId> for Subject {
    fn from(id: NdaId) -> Self {
        Self(format!("nda/{id}"))
    }
}

impl From<ConversationId> for Subject {
    fn from(id: ConversationId) -> Self {
        Self(format!("conversation/{id}"))
    }
}

/// An event with its identity, as a consumer gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<E> {
    /// UUIDv7, unique for ever: what the inbox remembers.
    pub id: Uuid,
    /// When the transaction of the change was written, by the database's clock.
    pub occurred_at: DateTime<Utc>,
    /// What it happened to.
    pub subject: Subject,
    /// The subject's version, for state events.
    pub subject_version: Option<i64>,
    /// W3C trace context of the request that caused it.
    pub traceparent: Option<String>,
    /// The event itself.
    pub event: E,
}
