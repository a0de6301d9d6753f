#![doc = include_str!("../README.md")]

mod consumers;
mod error;
mod http;
mod jobs;
mod mail;
mod ops;
mod rpc;
mod schema;
mod settings;
mod state;
mod store;
mod webhook;

use std::net::SocketAddr;

use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_jobs::Started;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;

pub use http::{development_routes, routes};
pub use mail::{NoPreview, Preview, previews};
pub use settings::{Kind, Mail, Settings};

use mail::{Transport, Workers};
use state::AppState;

/// The running service.
pub struct Notifications {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Bus,
    workers: Workers,
    jobs: Started,
}

impl Notifications {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// Where gRPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }

    /// Does what is due by the clock and no replica has done: plans digests, forgets what is old.
    pub async fn run_jobs(&self) {
        self.jobs.run_due().await;
    }
}

impl Process for Notifications {
    const SERVICE: Service = Service::Notifications;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        // What can't be used is said before anything is waited for.
        let transport = Transport::new(&settings)?;
        let databases = Databases::open(&settings.database).await?;
        let verifier = Verifier::new(Self::SERVICE, &settings.identity, clock.clone())?;
        if settings.digest_hour > 23 {
            return Err("NOTIFICATIONS_DIGEST_HOUR is an hour of the day: 0 to 23".into());
        }
        let state = AppState::new(&settings, databases.clone(), clock.clone())?;
        let workers = Workers::start(&state, &settings, transport)?;
        let bus = Bus::start(
            Self::SERVICE,
            &settings.broker,
            Some(&databases),
            consumers::subscriptions(&state),
            Listeners::new(),
        )?;
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc.clone(),
            verifier: verifier.clone(),
            routes: rpc::routes(state.clone()),
        };
        let rpc = rpc.start().await?;
        let jobs = jobs::start(&state, settings.digest_hour);
        let broker = bus.monitor();
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || broker.health().connected),
            state,
            routes: if settings.mode.is_development() { development_routes } else { routes },
        };
        Ok(Self { http: http.start()?, rpc, bus, workers, jobs })
    }

    async fn stop(self) {
        self.http.drain().await;
        self.rpc.drain().await;
        self.jobs.stop().await;
        self.bus.shutdown().await;
        self.workers.stop().await;
    }
}

/// What the service does with events; a test compares it with the catalogue.
pub fn consumes(settings: &Settings, databases: Databases, clock: Clock) -> Result<Consumes, Failed> {
    Ok(consumers::subscriptions(&AppState::new(settings, databases, clock)?).into())
}
