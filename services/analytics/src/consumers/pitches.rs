use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, NdaApproved, NdaRejected, NdaRequested, PitchDeleted, PitchPublished};

use super::record;
use crate::state::AppState;
use crate::store::{nda_timings, tracked_pitches};

impl Handles<PitchPublished> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchPublished>) -> Result<(), Failure> {
        let PitchPublished { pitch_id, owner_id, pitch_title, .. } = &envelope.event;
        // Events from before there were titles in them have none.
        let title = Some(pitch_title.as_str()).filter(|title| !title.is_empty());
        record(tx, envelope).await?;
        tracked_pitches::published(tx, *pitch_id, *owner_id, title, envelope.occurred_at).await?;
        Ok(())
    }
}

impl Handles<PitchDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchDeleted>) -> Result<(), Failure> {
        let PitchDeleted { pitch_id, owner_id, at, .. } = &envelope.event;
        record(tx, envelope).await?;
        tracked_pitches::deleted(tx, *pitch_id, *owner_id, *at).await?;
        Ok(())
    }
}

impl Handles<NdaRequested> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<NdaRequested>) -> Result<(), Failure> {
        record(tx, envelope).await?;
        nda_timings::requested(tx, &envelope.event.parties, envelope.occurred_at).await?;
        Ok(())
    }
}

impl Handles<NdaApproved> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<NdaApproved>) -> Result<(), Failure> {
        let NdaApproved { parties, by_policy, .. } = &envelope.event;
        record(tx, envelope).await?;
        nda_timings::answered(tx, parties, envelope.occurred_at, *by_policy).await?;
        Ok(())
    }
}

impl Handles<NdaRejected> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<NdaRejected>) -> Result<(), Failure> {
        record(tx, envelope).await?;
        nda_timings::answered(tx, &envelope.event.parties, envelope.occurred_at, false).await?;
        Ok(())
    }
}
