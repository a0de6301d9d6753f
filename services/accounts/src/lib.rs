#![doc = include_str!("../README.md")]

mod consumers;
mod error;
mod http;
mod ops;
mod rpc;
mod schema;
mod settings;
mod state;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;

use pitchey_bus::{Bus, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;

pub use http::routes;
pub use settings::Settings;

use state::AppState;

/// The running service.
pub struct Accounts {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Arc<Bus>,
}

impl Accounts {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// Where gRPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }
}

impl Process for Accounts {
    const SERVICE: Service = Service::Accounts;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        let databases = Databases::open(&settings.database).await?;
        let verifier = Verifier::new(Self::SERVICE, &settings.identity, clock.clone())?;
        let state = AppState::new(&settings, databases.clone(), clock.clone())?;
        let bus = Bus::start(
            Self::SERVICE,
            &settings.broker,
            Some(&databases),
            consumers::subscriptions(&state),
            Listeners::new(),
        );
        let bus = Arc::new(bus);
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc,
            verifier: verifier.clone(),
            routes: rpc::routes(state.clone()),
        };
        let rpc = rpc.start().await?;
        let broker = Arc::clone(&bus);
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || broker.health().connected),
            state,
            routes: http::routes,
        };
        Ok(Self { http: http.start()?, rpc, bus })
    }

    async fn stop(self) {
        self.http.drain().await;
        self.rpc.drain().await;
        self.bus.shutdown().await;
    }
}
