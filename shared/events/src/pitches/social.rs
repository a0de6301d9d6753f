//! What pitches tells of people around pitches: follows, likes, comments, reports, promotion, and the end of a pitch.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, HoldKey, Kind, PitchId, Service, Subject, UserId};

use Service::{Analytics, Messaging, Notifications, Payments, Pitches};

macro_rules! fact {
    ($event:ident, $meaning:literal, $consumers:expr) => {
        Entry {
            event_type: $event::TYPE,
            meaning: $meaning,
            kind: Kind::Fact,
            producer: Pitches,
            consumers: $consumers,
            listeners: &[],
        }
    };
}

pub(crate) static EVENTS: &[Entry] = &[
    fact!(UserFollowed, "A user follows another.", &[Notifications, Analytics]),
    fact!(UserUnfollowed, "A user follows another no more.", &[Analytics]),
    fact!(PitchFollowed, "A user put a pitch on the watch list.", &[Notifications, Analytics]),
    fact!(PitchUnfollowed, "A user took a pitch from the watch list.", &[Analytics]),
    fact!(PitchLiked, "A user likes a pitch.", &[Notifications, Analytics]),
    fact!(PitchUnliked, "A user likes a pitch no more.", &[Analytics]),
    fact!(PitchCommented, "A user wrote a comment on a pitch.", &[Notifications, Analytics]),
    fact!(ReportResolved, "A moderator decided on a report.", &[Notifications]),
    fact!(PitchPromoted, "An owner paid for the promotion of a pitch.", &[Payments, Analytics]),
    fact!(
        PitchDeleted,
        "A pitch was deleted by its owner, or with its owner's account.",
        &[Messaging, Analytics]
    ),
];

macro_rules! pitch_event {
    ($name:ident = $word:literal { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        /// See the catalogue.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The pitch.
            pub pitch_id: PitchId,
            /// Its owner.
            pub owner_id: UserId,
            $($(#[$fdoc])* pub $field: $ty,)*
        }

        impl Event for $name {
            const TYPE: &'static str = $word;

            fn subject(&self) -> Subject {
                self.pitch_id.into()
            }
        }
    };
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFollowed {
    /// Who is followed.
    pub user_id: UserId,
    /// Who follows.
    pub follower_id: UserId,
}

impl Event for UserFollowed {
    const TYPE: &'static str = "user.followed.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserUnfollowed {
    /// Who was followed.
    pub user_id: UserId,
    /// Who followed.
    pub follower_id: UserId,
}

impl Event for UserUnfollowed {
    const TYPE: &'static str = "user.unfollowed.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }
}

pitch_event! {
    PitchFollowed = "pitch.followed.v1" {
        /// The pitch's title, which is public.
        pitch_title: String,
        /// Who follows it.
        follower_id: UserId,
    }
}
pitch_event! {
    PitchUnfollowed = "pitch.unfollowed.v1" {
        /// Who followed it.
        follower_id: UserId,
    }
}
pitch_event! {
    PitchLiked = "pitch.liked.v1" {
        /// The pitch's title, which is public.
        pitch_title: String,
        /// Who likes it.
        user_id: UserId,
    }
}
pitch_event! {
    PitchUnliked = "pitch.unliked.v1" {
        /// Who liked it.
        user_id: UserId,
    }
}
pitch_event! {
    PitchCommented = "pitch.commented.v1" {
        /// The pitch's title, which is public.
        pitch_title: String,
        /// The comment; its text stays where it is.
        comment_id: i64,
        /// Who wrote it.
        author_id: UserId,
    }
}
pitch_event! {
    PitchPromoted = "pitch.promoted.v1" {
        /// The credit hold of the promotion, where credits are in use.
        hold: Option<HoldKey>,
        /// Until when it is shown among the featured.
        until: DateTime<Utc>,
    }
}
pitch_event! {
    PitchDeleted = "pitch.deleted.v1" {
        /// Whether others had seen it: then a tombstone stays.
        was_published: bool,
        /// When.
        at: DateTime<Utc>,
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportResolved {
    /// The report.
    pub report_id: i64,
    /// Who made it.
    pub reporter_id: UserId,
    /// What was reported: `pitch`.
    pub target_type: String,
    /// Its id.
    pub target_id: i64,
    /// `upheld` or `dismissed`.
    pub outcome: String,
}

impl Event for ReportResolved {
    const TYPE: &'static str = "report.resolved.v1";

    fn subject(&self) -> Subject {
        Subject(format!("report/{}", self.report_id))
    }
}
