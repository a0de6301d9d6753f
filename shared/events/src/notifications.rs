//! What notifications tells: whom it told something.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, Kind, Service, Subject, UserId};

use Service::{Messaging, Notifications};

pub(crate) static EVENTS: &[Entry] = &[Entry {
    event_type: NotificationCreated::TYPE,
    meaning: "A user was told something in the app: a row of the list behind the bell.",
    kind: Kind::Fact,
    producer: Notifications,
    consumers: &[Messaging],
    listeners: &[],
}];

/// See the catalogue. All that the bell shows of it, in words that are public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationCreated {
    /// Its id in the list.
    pub notification_id: i64,
    /// Who is told.
    pub user_id: UserId,
    /// What kind, as `nda_approved`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// More for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Ids for links, as `{"pitchId": 42}`.
    #[serde(default)]
    pub data: BTreeMap<String, i64>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl Event for NotificationCreated {
    const TYPE: &'static str = "notification.created.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}
