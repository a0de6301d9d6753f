#![doc = include_str!("../README.md")]

mod body;
mod catalogue;
mod client_address;
mod connector;
mod cors;
mod docs;
mod error;
mod forward;
mod headers;
mod health;
mod ids;
mod limits;
pub mod openapi;
mod proxy;
mod repeats;
pub mod routes;
mod server;
mod sessions;
mod settings;
mod state;
mod upstreams;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;

use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_events::{Envelope, Service, SessionsRevoked, UserChanged};
use pitchey_identity::Signer;
use pitchey_launch::{Failed, Process};
use pitchey_rpc::Accounts;
use tokio_util::sync::CancellationToken;

pub use settings::{Internal, Limits, List, Settings, Timeouts};

use sessions::Sessions;
use state::AppState;

/// The running gateway.
pub struct Gateway {
    public: server::Started,
    internal: server::Started,
    bus: Bus,
    stopping: CancellationToken,
}

impl Gateway {
    /// Where clients come.
    pub const fn http_address(&self) -> SocketAddr {
        self.public.address
    }

    /// Where operators come.
    pub const fn internal_address(&self) -> SocketAddr {
        self.internal.address
    }
}

impl Process for Gateway {
    const SERVICE: Service = Service::Gateway;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Self::SERVICE, &settings.identity, clock.clone())?;
        let accounts = Accounts::new(&settings.rpc_targets, signer.clone())?;
        let state = AppState::new(&settings, accounts, signer, clock).await?;
        let listeners = listeners(&state.sessions);
        let bus = Bus::start(Self::SERVICE, &settings.broker, None, Consumes::default(), listeners)?;
        state.watch(bus.monitor());
        let stopping = state.stopping.clone();
        let internal = server::internal(&settings)?;
        let public = server::public(&settings, state)?;
        Ok(Self { public, internal, bus, stopping })
    }

    async fn stop(self) {
        self.stopping.cancel();
        self.public.drain().await;
        self.bus.shutdown().await;
        self.internal.drain().await;
    }
}

/// What ends a session ends it here before the memory of it does.
fn listeners(sessions: &Arc<Sessions>) -> Listeners {
    let (revoked, changed, missed) = (Arc::clone(sessions), Arc::clone(sessions), Arc::clone(sessions));
    Listeners::new()
        .on(move |envelope: Envelope<SessionsRevoked>| {
            revoked.revoked(&envelope.event);
            std::future::ready(())
        })
        .on(move |envelope: Envelope<UserChanged>| {
            changed.changed(&envelope.event);
            std::future::ready(())
        })
        .on_gap(move || {
            missed.missed();
            std::future::ready(())
        })
}
