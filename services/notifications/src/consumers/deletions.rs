use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, UserDeleted};

use crate::ops::erase;
use crate::state::AppState;

impl Handles<UserDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<UserDeleted>) -> Result<(), Failure> {
        Ok(erase::erase(tx, envelope.event.user_id).await?)
    }
}
