//! What this service does by the clock.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ops::{reconcile, sweep};
use crate::state::AppState;

/// How often it is looked whether a reconciliation is due.
const LOOK: Duration = Duration::from_secs(300);

/// The running jobs.
pub struct Jobs {
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Jobs {
    /// Starts them on the current runtime.
    pub fn start(state: &AppState, sweep_seconds: u64, reconcile_hours: u64) -> Self {
        let stop = CancellationToken::new();
        let (sweeping, looking) = (state.clone(), state.clone());
        let sweeps = every(stop.clone(), Duration::from_secs(sweep_seconds.max(1)), move || {
            let state = sweeping.clone();
            async move {
                match sweep::sweep(&state).await {
                    Ok(touched) => tracing::trace!(touched, "swept"),
                    Err(error) => tracing::error!(%error, "the sweep failed"),
                }
            }
        });
        let looks = every(stop.clone(), LOOK, move || {
            let state = looking.clone();
            async move {
                match reconcile::reconcile(&state, reconcile_hours).await {
                    Ok(Some(findings)) => tracing::info!(?findings, "reconciled"),
                    Ok(None) => tracing::trace!("reconciled already"),
                    Err(error) => tracing::error!(%error, "the reconciliation failed"),
                }
            }
        });
        Self { stop, tasks: [sweeps, looks] }
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

fn every<F>(
    stop: CancellationToken,
    period: Duration,
    mut job: impl FnMut() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send,
{
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => job().await,
            }
        }
    })
}
