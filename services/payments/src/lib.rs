#![doc = include_str!("../README.md")]

mod consumers;
mod error;
mod flags;
mod http;
mod jobs;
mod local;
mod offer;
mod ops;
mod provider;
mod rpc;
mod schema;
mod settings;
mod state;
mod store;
mod stripe;
mod words;

use std::net::SocketAddr;

use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_flags::Flags;
use pitchey_identity::Verifier;
use pitchey_jobs::Started;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;

pub use http::routes;
pub use ops::reconcile::Finding;
pub use settings::{Settings, Stripe};

use state::AppState;

/// The running service.
pub struct Payments {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Bus,
    jobs: Started,
    state: AppState,
}

impl Payments {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// Where gRPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }

    /// Does now what time has made due. Returns how many rows it touched.
    ///
    /// # Errors
    /// The database's, the provider's.
    pub async fn sweep(&self) -> Result<i64, Failed> {
        Ok(ops::sweep::sweep(&self.state).await?)
    }

    /// Compares the books now.
    ///
    /// # Errors
    /// The database's.
    pub async fn look(&self) -> Result<Vec<Finding>, Failed> {
        Ok(ops::reconcile::look(&self.state).await?)
    }
}

impl Process for Payments {
    const SERVICE: Service = Service::Payments;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        let databases = Databases::open(&settings.database).await?;
        let verifier = Verifier::new(Self::SERVICE, &settings.identity, clock.clone())?;
        let flags = flags::follow(&settings, &clock).await?;
        let state = AppState::new(&settings, databases.clone(), clock.clone(), flags)?;
        let bus = Bus::start(
            Self::SERVICE,
            &settings.broker,
            Some(&databases),
            consumers::subscriptions(&state),
            flags::listeners(&state.flags),
        )?;
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc.clone(),
            verifier: verifier.clone(),
            routes: rpc::routes(state.clone()),
        };
        let rpc = rpc.start().await?;
        let jobs = jobs::start(&state, &settings);
        let broker = bus.monitor();
        let provider = state.provider.name().as_str();
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || broker.health().connected).with("provider", provider),
            state: state.clone(),
            routes,
        };
        Ok(Self { http: http.start()?, rpc, bus, jobs, state })
    }

    async fn stop(self) {
        self.http.drain().await;
        self.rpc.drain().await;
        self.jobs.stop().await;
        self.bus.shutdown().await;
    }
}

/// What the service does with events, and what each replica hears; a test compares it with the catalogue.
pub fn hears(
    settings: &Settings,
    databases: Databases,
    clock: Clock,
) -> Result<(Consumes, Listeners), Failed> {
    let state = AppState::new(settings, databases, clock, Flags::defaults())?;
    Ok((consumers::subscriptions(&state).into(), flags::listeners(&state.flags)))
}
