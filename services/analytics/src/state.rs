use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use pitchey_bus::{Batches, Monitor};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::{PitchId, Report, Service, UserId};
use pitchey_identity::Signer;
use pitchey_launch::Failed;
use pitchey_rpc::{Accounts, Pitches};

use crate::Settings;
use crate::viewers::Bots;

/// Pitches whose owners are remembered.
const MOST_KNOWN: u64 = 100_000;
/// For how long.
const KNOWN_FOR: Duration = Duration::from_secs(3_600);

/// What every door and job shares.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) databases: Databases,
    pub(crate) clock: Clock,
    pub(crate) accounts: Accounts,
    pub(crate) pitches: Pitches,
    pub(crate) bots: Arc<Bots>,
    /// Owners of pitches, which never change.
    pub(crate) owners: Cache<PitchId, UserId>,
}

/// What HTTP has besides.
#[derive(Clone)]
pub(crate) struct Door {
    state: AppState,
    /// Where reports of clients go.
    pub(crate) reports: Batches<Report>,
    /// For the overview.
    pub(crate) bus: Monitor,
}

impl AppState {
    /// Must be made on the runtime that is to drive the connections of its clients.
    pub(crate) fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Service::Analytics, &settings.identity, clock.clone())?;
        Ok(Self {
            databases,
            clock,
            accounts: Accounts::new(&settings.rpc_targets, signer.clone())?,
            pitches: Pitches::new(&settings.rpc_targets, signer)?,
            bots: Arc::default(),
            owners: Cache::builder().max_capacity(MOST_KNOWN).time_to_live(KNOWN_FOR).build(),
        })
    }
}

impl Door {
    pub(crate) const fn new(state: AppState, reports: Batches<Report>, bus: Monitor) -> Self {
        Self { state, reports, bus }
    }
}

impl Deref for Door {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.state
    }
}
