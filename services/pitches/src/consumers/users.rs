use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, UserBlocked, UserDeleted};

use crate::ops::{erasure, following};
use crate::state::AppState;

impl Handles<UserBlocked> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<UserBlocked>) -> Result<(), Failure> {
        let UserBlocked { blocker_id, blocked_id } = envelope.event;
        Ok(following::part(tx, blocker_id, blocked_id).await?)
    }
}

impl Handles<UserDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<UserDeleted>) -> Result<(), Failure> {
        Ok(erasure::erase(tx, envelope.event.user_id, self.clock.now()).await?)
    }
}
