//! What analytics tells: what it has counted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, Kind, PitchId, Service, Subject, UserId};

use Service::{Analytics, Notifications, Pitches};

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: TrendingComputed::TYPE,
        meaning: "Which pitches people look for these days.",
        kind: Kind::State,
        producer: Analytics,
        consumers: &[Pitches],
        listeners: &[],
    },
    Entry {
        event_type: PitchViewsCounted::TYPE,
        meaning: "How often a pitch has been viewed, all in all; at most one in five seconds a pitch.",
        kind: Kind::State,
        producer: Analytics,
        consumers: &[Notifications, Pitches],
        listeners: &[],
    },
];

/// See the catalogue. The whole list: it replaces the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendingComputed {
    /// When.
    pub computed_at: DateTime<Utc>,
    /// The highest score first, ties by id; at most 100.
    pub entries: Vec<Trending>,
}

/// A pitch of the list, with what made its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trending {
    /// The pitch.
    pub pitch_id: PitchId,
    /// (viewers + 3 x follows + 8 x NDA requests) / (age in hours + 2)^1.2
    pub score: f64,
    /// Hours since it was first published, when it was computed.
    pub age_hours: f64,
    /// Different viewers in seven days.
    pub unique_viewers: i64,
    /// Follows of the pitch in seven days.
    pub follows: i64,
    /// Requests for its NDA in seven days.
    pub nda_requests: i64,
}

impl Event for TrendingComputed {
    const TYPE: &'static str = "trending.computed.v1";

    fn subject(&self) -> Subject {
        Subject("trending".to_owned())
    }

    fn subject_version(&self) -> Option<i64> {
        Some(self.computed_at.timestamp_millis())
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PitchViewsCounted {
    /// The pitch.
    pub pitch_id: PitchId,
    /// All views ever counted.
    pub views: i64,
    /// Raised with each change of the number, also by a correction.
    pub version: i64,
    /// The pitch's owner, where analytics has heard of the pitch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// The pitch's title as last heard, which is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_title: Option<String>,
}

impl Event for PitchViewsCounted {
    const TYPE: &'static str = "pitch.views_counted.v1";

    /// Not the pitch itself: its versions are another count.
    fn subject(&self) -> Subject {
        Subject(format!("pitch-views/{}", self.pitch_id))
    }

    fn subject_version(&self) -> Option<i64> {
        Some(self.version)
    }
}
