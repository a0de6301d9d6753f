#![doc = include_str!("../README.md")]

mod blocks;
mod consumers;
mod credits;
mod eligibility;
mod error;
mod http;
mod input;
mod jobs;
pub mod keys;
mod ops;
mod rpc;
mod schema;
pub mod seeding;
mod settings;
mod sockets;
mod state;
mod store;
mod view;
mod words;

use std::net::SocketAddr;

use pitchey_bus::{Bus, Consumes};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_jobs::Started;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;

pub use http::routes;
pub use settings::{CreditsMode, Settings};

use sockets::{End, Tasks};
use state::AppState;

/// The running service.
pub struct Messaging {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Bus,
    tasks: Tasks,
    jobs: Started,
    state: AppState,
}

impl Messaging {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// Where gRPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }

    /// How many sockets this replica holds.
    pub fn sockets(&self) -> usize {
        self.state.hub.count()
    }

    /// Forgets now what nobody needs any more. Returns how much.
    ///
    /// # Errors
    /// The database's.
    pub async fn tidy(&self) -> Result<i64, Failed> {
        Ok(ops::sweep::tidy(&self.state).await?)
    }
}

impl Process for Messaging {
    const SERVICE: Service = Service::Messaging;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        let databases = Databases::open(&settings.database).await?;
        let verifier = Verifier::new(Self::SERVICE, &settings.identity, clock.clone())?;
        let state = AppState::new(&settings, databases.clone(), clock.clone())?;
        let tasks = Tasks::start(&state, &settings).await?;
        let jobs = jobs::start(&state, &settings);
        let bus = Bus::start(
            Self::SERVICE,
            &settings.broker,
            Some(&databases),
            consumers::subscriptions(&state),
            consumers::listeners(&state),
        )?;
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc,
            verifier: verifier.clone(),
            routes: rpc::routes(state.clone()),
        };
        let rpc = rpc.start().await?;
        let broker = bus.monitor();
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || broker.health().connected),
            state: state.clone(),
            routes,
        };
        Ok(Self { http: http.start()?, rpc, bus, tasks, jobs, state })
    }

    async fn stop(self) {
        // Sockets last for hours; whoever has one is told to come back, and finds another replica.
        self.state.hub.end_all(End::GoingAway);
        self.http.drain().await;
        self.rpc.drain().await;
        self.jobs.stop().await;
        self.tasks.stop(&self.state).await;
        self.bus.shutdown().await;
    }
}

/// What the service does with events; tests hand them to it.
///
/// # Errors
/// The settings can't be used.
pub fn consumes(settings: &Settings, databases: Databases, clock: Clock) -> Result<Consumes, Failed> {
    Ok(consumers::subscriptions(&AppState::new(settings, databases, clock)?).into())
}
