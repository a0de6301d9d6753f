//! The clock's part: every replica runs these, and takes turns where one is enough.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Settings;
use crate::ops::upkeep::{Job, tell_views};
use crate::state::AppState;

/// The running jobs.
pub(crate) struct Jobs {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Jobs {
    /// Starts them on the current runtime.
    pub(crate) fn start(state: &AppState, settings: &Settings) -> Self {
        let jobs = Self { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        jobs.tell_views(state.clone(), Duration::from_millis(settings.announce_ms.max(10)));
        for (job, seconds) in [
            (Job::Trending, settings.trending_seconds),
            (Job::Maintenance, settings.maintenance_seconds),
            (Job::Reconcile, settings.reconcile_seconds),
        ] {
            jobs.run(state.clone(), job, Duration::from_secs(seconds.max(1)));
        }
        jobs.tasks.close();
        jobs
    }

    fn tell_views(&self, state: AppState, every: Duration) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let mut ticks = ticks(every);
            while stop.run_until_cancelled(ticks.tick()).await.is_some() {
                if let Err(error) = tell_views(&state.databases.system, state.clock.now()).await {
                    tracing::error!(%error, "numbers of views wait to be told");
                }
            }
        });
    }

    fn run(&self, state: AppState, job: Job, every: Duration) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let mut ticks = ticks(every);
            while stop.run_until_cancelled(ticks.tick()).await.is_some() {
                match job.run(&state.databases.system, &state.clock, every).await {
                    Ok(Some(done)) => tracing::info!(job = job.name(), done, "a job ran"),
                    Ok(None) => tracing::trace!(job = job.name(), "another replica has this period"),
                    Err(error) => tracing::error!(job = job.name(), %error, "a job failed"),
                }
            }
        });
    }

    /// Lets those that run end, and starts no other.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
