#![doc = include_str!("../README.md")]

mod archive;
mod consumers;
mod error;
mod http;
mod jobs;
mod mail_tokens;
mod ops;
mod own_data;
mod passwords;
mod rpc;
mod schema;
mod second_factor;
mod settings;
mod state;
mod store;
mod tokens;
mod view;

use std::net::SocketAddr;

use pitchey_bus::{Bus, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_jobs::Started;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;
use tokio::task::JoinHandle;

pub use consumers::subscriptions;
pub use http::routes;
pub use ops::flags;
pub use passwords::Hashing;
pub use settings::Settings;

use state::AppState;

/// The running service.
pub struct Accounts {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Bus,
    exports: JoinHandle<()>,
    jobs: Started,
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

    /// Ends graces and forgets what is over, now. Returns how many rows it touched.
    ///
    /// # Errors
    /// The database's.
    pub async fn tidy(&self) -> Result<i64, Failed> {
        let period = format!("now {}", uuid::Uuid::now_v7());
        let mut touched = 0;
        for job in [jobs::ANONYMISE, jobs::FORGET, jobs::PURGE] {
            touched += self.jobs.run_as(job, &period).await?.unwrap_or(0);
        }
        Ok(touched)
    }
}

impl Process for Accounts {
    const SERVICE: Service = Service::Accounts;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        let databases = Databases::open(&settings.database).await?;
        let verifier = Verifier::new(Self::SERVICE, &settings.identity, clock.clone())?;
        let state = AppState::new(&settings, databases.clone(), clock.clone())?;
        let bus =
            Bus::start(Self::SERVICE, &settings.broker, Some(&databases), subscriptions(), Listeners::new())?;
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc,
            verifier: verifier.clone(),
            routes: rpc::routes(state.clone()),
        };
        let rpc = rpc.start().await?;
        let jobs = jobs::start(&state);
        let exports = tokio::spawn(ops::exports::make_them(state.clone()));
        let broker = bus.monitor();
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || broker.health().connected),
            state,
            routes,
        };
        Ok(Self { http: http.start()?, rpc, bus, exports, jobs })
    }

    async fn stop(self) {
        self.http.drain().await;
        self.rpc.drain().await;
        // What it is at is taken up again later.
        self.exports.abort();
        self.jobs.stop().await;
        self.bus.shutdown().await;
    }
}
