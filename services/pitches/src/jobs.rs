//! What this service does by the clock.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ops::sweep;
use crate::state::AppState;

/// The running jobs.
pub struct Jobs {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Jobs {
    /// Starts them on the current runtime.
    pub fn start(state: AppState, sweep_seconds: u64) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
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
        Self { stop, task }
    }

    /// Lets the one that runs end, and starts no other.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a job panicked");
        }
    }
}
