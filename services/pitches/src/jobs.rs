//! What this service does by the clock.

use std::time::Duration;

use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs, Started};
use pitchey_web::forget_keys;

use crate::Settings;
use crate::ops::{orphans, sweep};
use crate::state::AppState;

pub const NDA_SWEEP: &str = "nda_sweep";
pub const ORPHAN_FILES: &str = "orphan_files";

/// How often openings of shared links are written.
const WRITE_OPENS: Duration = Duration::from_secs(1);

/// Starts them on the current runtime.
pub fn start(state: &AppState, settings: &Settings) -> Started {
    let system = state.databases.system.clone();
    Jobs::new(Service::Pitches.as_str(), system, state.clock.clone(), state.clone())
        .once(NDA_SWEEP, Every::seconds(settings.sweep_seconds), |state, now| async move {
            sweep::sweep(&state, now).await
        })
        .once(ORPHAN_FILES, Every::seconds(settings.media.tidy_seconds), |state, _| async move {
            orphans::sweep(&state).await
        })
        .once("forget_idempotency_keys", Every::minutes(10), |state, now| {
            forget_keys(Service::Pitches, state.databases.system, now)
        })
        .each("write_opens", WRITE_OPENS, |state, now| async move {
            state.opens.write(&state.databases.system, now).await
        })
        .start()
}
