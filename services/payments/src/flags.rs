//! Where this service gets its feature flags from.

use std::future::ready;

use pitchey_bus::Listeners;
use pitchey_clock::Clock;
use pitchey_events::{Envelope, FeatureFlagChanged, Service};
use pitchey_flags::Flags;
use pitchey_identity::Signer;
use pitchey_launch::Failed;
use pitchey_rpc::Accounts;

use crate::Settings;

/// Accounts' flags. Settings of a release that had none must do for this one: without a target, the defaults hold.
pub async fn follow(settings: &Settings, clock: &Clock) -> Result<Flags, Failed> {
    if !settings.rpc_targets.places.contains_key(Service::Accounts.as_str()) {
        tracing::warn!("feature flags are at their defaults: PAYMENTS_RPC_TARGETS__ACCOUNTS is not set");
        return Ok(Flags::defaults());
    }
    let signer = Signer::new(Service::Payments, &settings.identity, clock.clone())?;
    Ok(Flags::follow(Accounts::new(&settings.rpc_targets, signer)?).await)
}

/// What is heard of them.
pub fn listeners(flags: &Flags) -> Listeners {
    let (changed, missed) = (flags.clone(), flags.clone());
    Listeners::new()
        .on(move |_: Envelope<FeatureFlagChanged>| {
            changed.refresh();
            ready(())
        })
        .on_gap(move || {
            missed.refresh();
            ready(())
        })
}
