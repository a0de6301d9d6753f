//! What this service does by the clock, on one replica a period: digests are planned at their hour, and each day what is old is forgotten.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::ops::digests;
use crate::ops::retention::{BATCH, Old};
use crate::state::AppState;
use crate::store::email_digests::Rhythm;
use crate::store::maintenance;

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// The running jobs.
pub(crate) struct Jobs {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Jobs {
    /// Starts them on the current runtime.
    pub(crate) fn start(state: AppState, digest_hour: u32) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                run(&state, digest_hour).await;
            }
        });
        Self { stop, task }
    }

    /// Lets the one that runs end, and starts no other.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a job panicked");
        }
    }
}

/// Does what is due and nobody has done. Each job by itself: one that fails keeps no other from its work.
pub(crate) async fn run(state: &AppState, digest_hour: u32) {
    for rhythm in [Rhythm::Daily, Rhythm::Weekly] {
        match plan(state, rhythm, digest_hour).await {
            Ok(Some(planned)) => tracing::info!(planned, rhythm = rhythm.as_str(), "digests are due"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, rhythm = rhythm.as_str(), "digests could not be planned"),
        }
    }
    for old in Old::ALL {
        match forget(state, old).await {
            Ok(Some(rows)) => tracing::info!(rows, job = old.job(), "old rows are forgotten"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, job = old.job(), "old rows could not be forgotten"),
        }
    }
}

async fn plan(state: &AppState, rhythm: Rhythm, hour: u32) -> Result<Option<usize>, Error> {
    let mut tx = state.databases.system.begin().await?;
    let planned = digests::plan(&mut tx, rhythm, hour, state.clock.now()).await?;
    if planned.is_some_and(|planned| planned > 0) {
        tx.ring_after_commit(&state.digests_planned);
    }
    tx.commit().await?;
    Ok(planned)
}

async fn forget(state: &AppState, old: Old) -> Result<Option<i64>, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let run = maintenance::begin(&mut tx, old.job(), &now.date_naive().to_string(), now).await?;
    tx.commit().await?;
    let Some(run) = run else { return Ok(None) };
    let outcome = forget_all(state, old, now).await;
    let mut tx = state.databases.system.begin().await?;
    let told = outcome.as_ref().copied().map_err(ToString::to_string);
    maintenance::finish(&mut tx, run, told, state.clock.now()).await?;
    tx.commit().await?;
    outcome.map(Some)
}

async fn forget_all(state: &AppState, old: Old, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut total = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let forgotten = old.forget(&mut tx, now).await?;
        tx.commit().await?;
        total += forgotten;
        if forgotten < BATCH {
            return Ok(total);
        }
    }
}
