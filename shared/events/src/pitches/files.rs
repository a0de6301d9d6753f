//! What pitches tells of files, and of what buyers track.

use serde::{Deserialize, Serialize};

use crate::{Entry, Event, HoldKey, InvestmentId, Kind, MediaId, PitchId, Service, Subject, UserId};

use Service::{Analytics, Notifications, Payments, Pitches};

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: MediaAdded::TYPE,
        meaning: "An owner added a file or a video link to a pitch.",
        kind: Kind::Fact,
        producer: Pitches,
        consumers: &[Payments],
        listeners: &[],
    },
    Entry {
        event_type: InvestmentTracked::TYPE,
        meaning: "A buyer noted an investment in a pitch; how much is the buyer's own business.",
        kind: Kind::Fact,
        producer: Pitches,
        consumers: &[Notifications, Analytics],
        listeners: &[],
    },
];

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaAdded {
    /// The file.
    pub media_id: MediaId,
    /// The pitch.
    pub pitch_id: PitchId,
    /// Its owner.
    pub owner_id: UserId,
    /// `poster`, `video`, `pitch_deck`, `script`, `lookbook`, `trailer` or `custom_nda`.
    pub kind: String,
    /// The credit hold of the addition, where it costs something.
    pub hold: Option<HoldKey>,
}

impl Event for MediaAdded {
    const TYPE: &'static str = "media.added.v1";

    fn subject(&self) -> Subject {
        self.pitch_id.into()
    }
}

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvestmentTracked {
    /// The note.
    pub investment_id: InvestmentId,
    /// The pitch.
    pub pitch_id: PitchId,
    /// The pitch's title, which is public.
    pub pitch_title: String,
    /// Who owns the pitch.
    pub owner_id: UserId,
    /// Who noted it.
    pub investor_id: UserId,
}

impl Event for InvestmentTracked {
    const TYPE: &'static str = "investment.tracked.v1";

    fn subject(&self) -> Subject {
        self.pitch_id.into()
    }
}
