use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{EmailVerified, Envelope, UserDeleted};

use crate::ops::{erasure, grants};
use crate::state::AppState;

impl Handles<EmailVerified> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<EmailVerified>) -> Result<(), Failure> {
        Ok(grants::welcome(tx, envelope.event.user_id, self.clock.now()).await?)
    }
}

impl Handles<UserDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<UserDeleted>) -> Result<(), Failure> {
        Ok(erasure::close(tx, envelope.event.user_id, self.clock.now()).await?)
    }
}
