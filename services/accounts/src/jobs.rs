//! What this service does by the clock.

use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs, Started};
use pitchey_web::forget_keys;

use crate::ops::{closing, sweep};
use crate::state::AppState;

pub(crate) const ANONYMISE: &str = "anonymise_closed_accounts";
pub(crate) const FORGET: &str = "forget_sessions_and_tokens";
pub(crate) const PURGE: &str = "purge_audit_log";

/// Starts them on the current runtime.
pub(crate) fn start(state: &AppState) -> Started {
    let system = state.databases.system.clone();
    Jobs::new(Service::Accounts.as_str(), system, state.clock.clone(), state.clone())
        .once(
            ANONYMISE,
            Every::minutes(10),
            |state, _| async move { closing::anonymise_overdue(&state).await },
        )
        .once(FORGET, Every::minutes(10), |state, now| async move { sweep::forget_ended(&state, now).await })
        .once(
            PURGE,
            Every::minutes(10),
            |state, now| async move { sweep::purge_audit_log(&state, now).await },
        )
        .once("forget_idempotency_keys", Every::minutes(10), |state, now| {
            forget_keys(Service::Accounts, state.databases.system, now)
        })
        .start()
}
