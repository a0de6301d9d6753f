use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{
    ConversationCreated, Envelope, Event, HoldKey, MediaAdded, NdaApproved, NdaExpired, NdaRejected,
    NdaRequested, NdaRevoked, NdaWithdrawn, PitchPromoted, PitchPublished,
};

use crate::ops::holds::{Fact, settle};
use crate::state::AppState;

/// What an event says of the hold whose key it carries.
trait Settles: Event {
    /// `None`: the event came without a hold, or says nothing of it.
    fn settles(&self) -> Option<(HoldKey, Fact)>;
}

impl<E: Settles> Handles<E> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<E>) -> Result<(), Failure> {
        match envelope.event.settles() {
            Some((key, fact)) => Ok(settle(tx, key, fact, self.clock.now()).await?),
            None => Ok(()),
        }
    }
}

impl Settles for NdaRequested {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.parties.hold.map(|key| (key, Fact::Exists))
    }
}

impl Settles for NdaApproved {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.parties.hold.map(|key| (key, Fact::Delivered))
    }
}

impl Settles for NdaRejected {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.parties.hold.map(|key| (key, Fact::Undone))
    }
}

impl Settles for NdaWithdrawn {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.parties.hold.map(|key| (key, Fact::Undone))
    }
}

impl Settles for NdaRevoked {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        // Who had signed has had access.
        self.parties.hold.filter(|_| !self.was_signed).map(|key| (key, Fact::Undone))
    }
}

impl Settles for NdaExpired {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.parties.hold.filter(|_| self.was != "signed").map(|key| (key, Fact::Undone))
    }
}

impl Settles for PitchPublished {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.hold.map(|key| (key, Fact::Delivered))
    }
}

impl Settles for PitchPromoted {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.hold.map(|key| (key, Fact::Delivered))
    }
}

impl Settles for MediaAdded {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.hold.map(|key| (key, Fact::Delivered))
    }
}

impl Settles for ConversationCreated {
    fn settles(&self) -> Option<(HoldKey, Fact)> {
        self.hold.map(|key| (key, Fact::Delivered))
    }
}
