//! Views of pitches and what clients report, on their way to be counted. They travel in batches: an event holds up to 500 of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::words;
use crate::{Entry, Event, Kind, PitchId, Service, Subject, UserId, UserType};

use Service::{Analytics, Pitches};

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: PitchOpened::TYPE,
        meaning: "Details of pitches were shown to people who are neither owner nor admin. A batch; published without the outbox.",
        kind: Kind::Fact,
        producer: Pitches,
        consumers: &[Analytics, Pitches],
        listeners: &[],
    },
    Entry {
        event_type: Tracked::TYPE,
        meaning: "Clients reported views and events. A batch; published without the outbox.",
        kind: Kind::Fact,
        producer: Analytics,
        consumers: &[Analytics],
        listeners: &[],
    },
];

words! {
    /// Where a viewer came from.
    ViewSource {
        /// A link or an address typed in; also when nobody says.
        Direct = "direct",
        /// A search result.
        Search = "search",
        /// The feed of followed people.
        Feed = "feed",
        /// The list of what is looked for these days.
        Trending = "trending",
        /// A list or a page of recommendations.
        Browse = "browse",
        /// The owner's profile.
        Profile = "profile",
        /// A shared link.
        Share = "share",
        /// A mail.
        Email = "email",
        /// A message.
        Message = "message",
        /// Another site.
        External = "external",
        /// Something else.
        Other = "other",
    }
}

/// Somebody looked at a pitch. Whether it counts is decided where it is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The pitch.
    pub pitch_id: PitchId,
    /// Its owner, where the reporter knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// Who looked; `None` is somebody not logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer_id: Option<UserId>,
    /// What the viewer came for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer_type: Option<UserType>,
    /// When, by the clock of who served it.
    pub at: DateTime<Utc>,
    /// Where the viewer came from.
    pub source: ViewSource,
    /// Whether the protected part was shown.
    #[serde(default)]
    pub protected: bool,
    /// Seconds the viewer stayed, as the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i32>,
    /// Address of the viewer: tells anonymous ones apart, together with the user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The viewer's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The request that reported it, if it may come again: reports of one request are taken once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
    /// Its place in that request, from 0: tells a report that came again from the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
}

/// Something that a client reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientEvent {
    /// Whose client; `None` is nobody logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// When it was received.
    pub at: DateTime<Utc>,
    /// What happened, in the client's words.
    pub event_type: String,
    /// As the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// As the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// As the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// As the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
    /// The client's own name of its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The pitch it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_id: Option<PitchId>,
    /// An object, as the client says; at most some kilobytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
    /// The request that reported it, if it may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
    /// Its place in that request, from 0: tells a report that came again from the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PitchOpened {
    /// At most 500, in the order in which they were served.
    pub items: Vec<View>,
}

impl Event for PitchOpened {
    const TYPE: &'static str = "pitch.opened.v1";

    fn subject(&self) -> Subject {
        Subject("views".to_owned())
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tracked {
    /// At most 500, in the order in which they were received.
    pub items: Vec<Report>,
}

/// One report of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// A pitch was looked at.
    View(View),
    /// Something else.
    Event(ClientEvent),
}

impl Event for Tracked {
    const TYPE: &'static str = "analytics.tracked.v1";

    fn subject(&self) -> Subject {
        Subject("reports".to_owned())
    }
}
