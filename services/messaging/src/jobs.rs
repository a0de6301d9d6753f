//! What this service does by the clock, on one replica. What each replica does for its sockets is in `sockets.rs`.

use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs, Started};
use pitchey_web::forget_keys;

use crate::ops::sweep;
use crate::settings::Settings;
use crate::state::AppState;

/// Starts them on the current runtime.
pub fn start(state: &AppState, settings: &Settings) -> Started {
    let system = state.databases.system.clone();
    Jobs::new(Service::Messaging.as_str(), system, state.clock.clone(), state.clone())
        .once(
            "tidy",
            Every::seconds(settings.sweep_seconds),
            |state, _| async move { sweep::tidy(&state).await },
        )
        .once("forget_idempotency_keys", Every::minutes(10), |state, now| {
            forget_keys(Service::Messaging, state.databases.system, now)
        })
        .start()
}
