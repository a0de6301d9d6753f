use chrono::TimeDelta;
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Signer;
use pitchey_launch::Failed;
use pitchey_rpc::{Accounts, Pitches, Users};
use tokio::runtime::Handle;

use crate::Settings;
use crate::blocks::Blocks;
use crate::credits::Credits;
use crate::keys::MasterKeys;
use crate::sockets::{Hub, Turnstile};
use crate::store::rates::Rate;

/// What every door and job shares.
#[derive(Clone)]
pub struct AppState {
    pub databases: Databases,
    pub clock: Clock,
    pub accounts: Accounts,
    pub pitches: Pitches,
    pub users: Users,
    pub blocks: Blocks,
    pub credits: Credits,
    pub keys: MasterKeys,
    pub rate: Rate,
    pub hub: Hub,
    pub turnstile: Turnstile,
    /// Drives what outlives a request.
    pub runtime: Handle,
}

impl AppState {
    /// Must be made on the runtime that is to drive the connections of its clients.
    pub fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Service::Messaging, &settings.identity, clock.clone())?;
        let accounts = Accounts::new(&settings.rpc_targets, signer.clone())?;
        Ok(Self {
            databases,
            clock,
            users: Users::new(accounts.clone()),
            blocks: Blocks::new(accounts.clone()),
            accounts,
            pitches: Pitches::new(&settings.rpc_targets, signer.clone())?,
            credits: Credits::new(settings.credits, &settings.rpc_targets, signer)?,
            keys: MasterKeys::new(&settings.master_keys)?,
            rate: Rate {
                refill: TimeDelta::milliseconds(settings.message_refill_ms.into()),
                burst: settings.message_burst,
            },
            hub: Hub::new(settings),
            turnstile: Turnstile::new(settings.database.system_pool / 3),
            runtime: Handle::current(),
        })
    }
}
