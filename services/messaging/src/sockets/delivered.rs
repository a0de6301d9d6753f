//! Writes down which messages have reached whom, a quarter of a second's worth at a time, and tells the senders.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::state::AppState;
use crate::store::receipts::{self, Delivered};

const EVERY: Duration = Duration::from_millis(250);
/// Deliveries in one transaction.
const AT_ONCE: usize = 1_000;

pub async fn run(state: AppState, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let stopping = tokio::select! { () = stop.cancelled() => true, _ = ticks.tick() => false };
        let arrived = state.hub.take_delivered();
        for some in arrived.chunks(AT_ONCE) {
            if let Err(error) = note(&state, some).await {
                tracing::warn!(%error, "deliveries are noted later");
                if !stopping {
                    state.hub.note_delivered(some.iter().copied());
                }
            }
        }
        if stopping {
            return;
        }
    }
}

async fn note(state: &AppState, some: &[(Delivered, bool)]) -> Result<(), Error> {
    let (all, quiet): (Vec<Delivered>, Vec<bool>) = some.iter().copied().unzip();
    let mut tx = state.databases.system.begin().await?;
    let told = receipts::delivered(&mut tx, &all, &quiet, state.clock.now()).await?;
    tx.commit().await?;
    state.hub.wake(&told);
    Ok(())
}
