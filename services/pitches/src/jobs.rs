//! What this service does by the clock.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::ops::{orphans, sweep};
use crate::state::AppState;

/// How often openings of shared links are written.
const WRITE_OPENS: Duration = Duration::from_secs(1);

/// The running jobs.
pub struct Jobs {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Jobs {
    /// Starts them on the current runtime.
    pub fn start(state: &AppState, sweep_seconds: u64, tidy_seconds: u64) -> Self {
        let mut jobs = Self { stop: CancellationToken::new(), tasks: JoinSet::new() };
        jobs.tasks.spawn(write_opens(state.clone(), jobs.stop.clone()));
        let (sweeping, tidying) = (state.clone(), state.clone());
        jobs.every(sweep_seconds, "the sweep of NDAs", move || {
            let state = sweeping.clone();
            async move { sweep::sweep(&state, sweep_seconds).await }
        });
        jobs.every(tidy_seconds, "the removal of files that belong to nothing", move || {
            let state = tidying.clone();
            async move { orphans::sweep(&state, tidy_seconds).await }
        });
        jobs
    }

    fn every<F>(&mut self, seconds: u64, what: &'static str, run: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Result<Option<i64>, Error>> + Send,
    {
        let stopped = self.stop.clone();
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(seconds.max(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                match run().await {
                    Ok(Some(touched)) => tracing::debug!(touched, "{what} ended"),
                    Ok(None) => tracing::trace!("another replica does {what}"),
                    Err(error) => tracing::error!(%error, "{what} failed"),
                }
            }
        });
    }

    /// Lets those that run end, and starts no other.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job panicked");
            }
        }
    }
}

/// Again and again, and once more at the end.
async fn write_opens(state: AppState, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(WRITE_OPENS);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            _ = ticks.tick() => false,
        };
        if let Err(error) = state.opens.write(&state.databases.system, state.clock.now()).await {
            tracing::warn!(%error, "openings of shared links wait for the next write");
        }
        if stopped {
            return;
        }
    }
}
