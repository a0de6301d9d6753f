use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, PitchViewsCounted};

use crate::state::AppState;
use crate::store::view_counts;

impl Handles<PitchViewsCounted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchViewsCounted>) -> Result<(), Failure> {
        let PitchViewsCounted { pitch_id, views, .. } = envelope.event;
        view_counts::set(tx, pitch_id, views).await?;
        Ok(())
    }
}
