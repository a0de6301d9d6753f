//! What this service does by the clock, on one replica a period: digests are planned at their hour, and each day what is old is forgotten.

use chrono::{DateTime, Utc};
use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs, Started};
use pitchey_web::forget_keys;

use crate::error::Error;
use crate::ops::digests;
use crate::ops::retention::{BATCH, Old};
use crate::state::AppState;
use crate::store::email_digests::{self, Rhythm};

/// Digests planned in one transaction.
const READERS: i64 = 2_000;

/// Starts them on the current runtime.
pub(crate) fn start(state: &AppState, digest_hour: u32) -> Started {
    let system = state.databases.system.clone();
    let mut jobs = Jobs::new(Service::Notifications.as_str(), system, state.clock.clone(), state.clone())
        .once("plan_daily_digests", Every::day(digest_hour), move |state, now| {
            plan(state, Rhythm::Daily, digest_hour, now)
        })
        .once("plan_weekly_digests", Every::week(digest_hour), move |state, now| {
            plan(state, Rhythm::Weekly, digest_hour, now)
        })
        .once("forget_idempotency_keys", Every::minutes(10), |state, now| {
            forget_keys(Service::Notifications, state.databases.system, now)
        });
    for old in Old::ALL {
        jobs = jobs.once(old.job(), Every::day(0), move |state, now| forget(state, old, now));
    }
    jobs.start()
}

/// Page by page: workers begin with the first before the last is planned.
async fn plan(state: AppState, rhythm: Rhythm, hour: u32, now: DateTime<Utc>) -> Result<i64, Error> {
    let span = digests::span(rhythm, hour, digests::period(rhythm, hour, now));
    let (mut after, mut total) = (0, 0);
    loop {
        let mut tx = state.databases.system.begin().await?;
        let page = email_digests::plan(&mut tx, &span, after, READERS, now).await?;
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
async fn forget(state: AppState, old: Old, now: DateTime<Utc>) -> Result<i64, Error> {
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
