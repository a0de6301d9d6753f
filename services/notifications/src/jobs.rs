//! What this service does by the clock, on one replica a period: digests are planned at their hour, and each day what is old is forgotten.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::ops::digests;
use crate::ops::retention::{BATCH, Old};
use crate::state::AppState;
use crate::store::email_digests::{self, Rhythm, Span};
use crate::store::maintenance;

/// Digests planned in one transaction.
const READERS: i64 = 2_000;
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

/// Something that is done once a period, on one replica.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// Digests are planned.
    Plan(Rhythm),
    /// What is old is forgotten.
    Forget(Old),
}

/// Does what is due and nobody has done. Each job by itself: one that fails keeps no other from its work.
pub(crate) async fn run(state: &AppState, digest_hour: u32) {
    let plans = [Rhythm::Daily, Rhythm::Weekly].map(Job::Plan);
    for job in plans.into_iter().chain(Old::ALL.map(Job::Forget)) {
        match once(state, job, digest_hour).await {
            Ok(Some(rows)) => tracing::info!(rows, job = job.name(), "a job is done"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, job = job.name(), "a job failed"),
        }
    }
}

/// Does `job`, unless a replica does or has done it for this period. Returns how many rows it touched.
async fn once(state: &AppState, job: Job, digest_hour: u32) -> Result<Option<i64>, Error> {
    let now = state.clock.now();
    let period = job.period(digest_hour, now);
    let mut tx = state.databases.system.begin().await?;
    let run = maintenance::begin(&mut tx, job.name(), &period.to_string(), now).await?;
    tx.commit().await?;
    let Some(run) = run else { return Ok(None) };
    let outcome = match job {
        Job::Plan(rhythm) => plan(state, &digests::span(rhythm, digest_hour, period), now).await,
        Job::Forget(old) => forget(state, old, now).await,
    };
    let mut tx = state.databases.system.begin().await?;
    let told = outcome.as_ref().copied().map_err(ToString::to_string);
    maintenance::finish(&mut tx, run, told, state.clock.now()).await?;
    tx.commit().await?;
    outcome.map(Some)
}

impl Job {
    const fn name(self) -> &'static str {
        match self {
            Self::Plan(Rhythm::Daily) => "plan_daily_digests",
            Self::Plan(Rhythm::Weekly) => "plan_weekly_digests",
            Self::Forget(old) => old.job(),
        }
    }

    /// The one it is done for at `now`.
    fn period(self, digest_hour: u32, now: DateTime<Utc>) -> NaiveDate {
        match self {
            Self::Plan(rhythm) => digests::period(rhythm, digest_hour, now),
            Self::Forget(_) => now.date_naive(),
        }
    }
}

/// Page by page: workers begin with the first before the last is planned.
async fn plan(state: &AppState, span: &Span, now: DateTime<Utc>) -> Result<i64, Error> {
    let (mut after, mut total) = (0, 0);
    loop {
        let mut tx = state.databases.system.begin().await?;
        let page = email_digests::plan(&mut tx, span, after, READERS, now).await?;
        tx.ring_after_commit(&state.digests_planned);
        tx.commit().await?;
        total += page.planned;
        match page.last {
            Some(last) if page.readers == READERS => after = last,
            _ => return Ok(total),
        }
    }
}

/// In batches, each a transaction.
async fn forget(state: &AppState, old: Old, now: DateTime<Utc>) -> Result<i64, Error> {
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
