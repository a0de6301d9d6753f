use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_flags::Flags;
use pitchey_launch::Failed;

use crate::Settings;
use crate::offer::Offer;
use crate::provider::Provider;

/// What every door and job shares.
#[derive(Clone)]
pub struct AppState {
    pub databases: Databases,
    pub clock: Clock,
    pub offer: std::sync::Arc<Offer>,
    pub provider: Provider,
    pub flags: Flags,
}

impl AppState {
    /// Must be made on the runtime that is to drive the connections of its clients.
    pub fn new(
        settings: &Settings,
        databases: Databases,
        clock: Clock,
        flags: Flags,
    ) -> Result<Self, Failed> {
        let offer = std::sync::Arc::new(Offer::load()?);
        Ok(Self { databases, clock, offer, provider: Provider::new(settings)?, flags })
    }
}
