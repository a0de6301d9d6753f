//! The clock's part.

use std::time::Duration;

use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs, Started};
use pitchey_web::forget_keys;

use crate::Settings;
use crate::ops::upkeep;
use crate::state::AppState;

pub(crate) const TRENDING: &str = "trending";
pub(crate) const MAINTENANCE: &str = "maintenance";
pub(crate) const RECONCILE: &str = "reconcile_views";

/// Starts them on the current runtime.
pub(crate) fn start(state: &AppState, settings: &Settings) -> Started {
    let system = state.databases.system.clone();
    Jobs::new(Service::Analytics.as_str(), system.clone(), state.clock.clone(), system)
        .once(TRENDING, Every::seconds(settings.trending_seconds), |db, now| async move {
            upkeep::tell_trending(&db, now).await
        })
        .once(MAINTENANCE, Every::seconds(settings.maintenance_seconds), |db, now| async move {
            upkeep::maintain(&db, now).await
        })
        .once(RECONCILE, Every::seconds(settings.reconcile_seconds), |db, now| async move {
            upkeep::reconcile(&db, now).await
        })
        .once("forget_idempotency_keys", Every::minutes(10), |db, now| {
            forget_keys(Service::Analytics, db, now)
        })
        .each("tell_views", Duration::from_millis(settings.announce_ms.max(10)), |db, now| async move {
            upkeep::tell_views(&db, now).await
        })
        .start()
}
