use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, PitchOpened, PitchViewsCounted};

use crate::state::AppState;
use crate::store::{readings, view_counts};

impl Handles<PitchViewsCounted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchViewsCounted>) -> Result<(), Failure> {
        let PitchViewsCounted { pitch_id, views, .. } = envelope.event;
        view_counts::set(tx, pitch_id, views).await?;
        Ok(())
    }
}

/// This service's own, which comes back in batches: no read waits for a write.
impl Handles<PitchOpened> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<PitchOpened>) -> Result<(), Failure> {
        let mut opened: BTreeMap<_, (i32, DateTime<Utc>)> = BTreeMap::new();
        for view in &envelope.event.items {
            if let Some(viewer) = view.viewer_id {
                let (times, last) = opened.entry((viewer, view.pitch_id)).or_insert((0, view.at));
                *times += 1;
                *last = view.at.max(*last);
            }
        }
        if !opened.is_empty() {
            readings::add(tx, &opened).await?;
        }
        Ok(())
    }
}
