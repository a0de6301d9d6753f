//! What this service does by the clock.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ops::sweep;
use crate::state::AppState;

/// The running jobs.
pub struct Jobs {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// How often openings of shared links are written.
const WRITE_OPENS: Duration = Duration::from_secs(1);

impl Jobs {
    /// Starts them on the current runtime.
    pub fn start(state: AppState, sweep_seconds: u64) -> Self {
        let stop = CancellationToken::new();
        let opens = tokio::spawn(write_opens(state.clone(), stop.clone()));
        let stopped = stop.clone();
        let sweeps = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(sweep_seconds.max(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stopped.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                match sweep::sweep(&state, sweep_seconds).await {
                    Ok(Some(touched)) => tracing::debug!(touched, "swept NDAs"),
                    Ok(None) => tracing::trace!("another replica sweeps"),
                    Err(error) => tracing::error!(%error, "the sweep of NDAs failed"),
                }
            }
        });
        Self { stop, tasks: vec![opens, sweeps] }
    }

    /// Lets those that run end, and starts no other.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
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
