//! What this service does by the clock.

use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs, Started};
use pitchey_web::forget_keys;

use crate::ops::{reconcile, sweep};
use crate::settings::Settings;
use crate::state::AppState;

/// Starts them on the current runtime.
pub fn start(state: &AppState, settings: &Settings) -> Started {
    let system = state.databases.system.clone();
    Jobs::new(Service::Payments.as_str(), system, state.clock.clone(), state.clone())
        .once("sweep", Every::seconds(settings.sweep_seconds), |state, _| async move {
            sweep::sweep(&state).await
        })
        .once("reconcile", Every::hours(settings.reconcile_hours), |state, _| async move {
            reconcile::reconcile(&state).await
        })
        .once("forget_idempotency_keys", Every::minutes(10), |state, now| {
            forget_keys(Service::Payments, state.databases.system, now)
        })
        .start()
}
