use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, PitchPublished};

use crate::state::AppState;
use crate::store::announcements;

impl Handles<PitchPublished> for AppState {
    /// Only notes that the owner's followers are to be told: there may be a hundred thousand, and no event waits for that.
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchPublished>) -> Result<(), Failure> {
        let PitchPublished { pitch_id, owner_id, first_time, .. } = &envelope.event;
        if !first_time {
            return Ok(());
        }
        let now = self.clock.now();
        let new = announcements::New {
            event_id: envelope.id,
            owner_id: owner_id.0,
            pitch_id: pitch_id.0,
            not_before: now,
            created_at: now,
        };
        announcements::insert(tx, &new).await?;
        tx.ring_after_commit(&self.announced);
        Ok(())
    }
}
