use pitchey_bus::{Failure, Handles};
use pitchey_db::Tx;
use pitchey_events::{Envelope, TrendingComputed};

use crate::state::AppState;
use crate::store::trending;

impl Handles<TrendingComputed> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<TrendingComputed>) -> Result<(), Failure> {
        let TrendingComputed { computed_at, entries } = &envelope.event;
        Ok(trending::replace(tx, *computed_at, entries).await?)
    }
}
