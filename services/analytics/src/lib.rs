#![doc = include_str!("../README.md")]

mod consumers;
mod counting;
mod error;
mod http;
mod jobs;
mod ops;
mod owners;
mod rpc;
mod schema;
mod settings;
mod state;
mod store;
mod viewers;
mod words;

use std::net::SocketAddr;

use chrono::NaiveDate;
use pitchey_bus::{Batches, Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::{Service, Tracked};
use pitchey_identity::Verifier;
use pitchey_jobs::Started;
use pitchey_launch::{Failed, Process};
use pitchey_rpc::privacy_server;
use pitchey_web::Health;

pub use http::routes;
pub use settings::Settings;

use ops::upkeep;
use state::{AppState, Door};

/// The running service.
pub struct Analytics {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Bus,
    jobs: Started,
    state: AppState,
}

impl Analytics {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// Where gRPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }

    /// Does what is due by the clock and no replica has done: trending, maintenance, the comparison of sums.
    pub async fn run_jobs(&self) {
        self.jobs.run_due().await;
    }

    /// Computes what is trending and tells it, unless that was done under the name `period`. Returns how many pitches are in the list.
    ///
    /// # Errors
    /// The database's.
    pub async fn tell_trending(&self, period: &str) -> Result<Option<i64>, Failed> {
        Ok(self.jobs.run_as(jobs::TRENDING, period).await?)
    }

    /// Makes partitions ahead of time and forgets what is old, unless that was done under the name `period`. Returns how many rows and
    /// partitions it touched.
    ///
    /// # Errors
    /// The database's.
    pub async fn maintain(&self, period: &str) -> Result<Option<i64>, Failed> {
        Ok(self.jobs.run_as(jobs::MAINTENANCE, period).await?)
    }

    /// Compares sums with their rows and sets totals right, unless that was done under the name `period`. Returns how many totals were wrong.
    ///
    /// # Errors
    /// The database's.
    pub async fn reconcile(&self, period: &str) -> Result<Option<i64>, Failed> {
        Ok(self.jobs.run_as(jobs::RECONCILE, period).await?)
    }

    /// Every sum of viewers, and the rollups from `first_day` on, that is not what its rows say, a sentence each.
    ///
    /// # Errors
    /// The database's.
    pub async fn differences(&self, first_day: NaiveDate) -> Result<Vec<String>, Failed> {
        let mut tx = self.state.databases.system.begin().await?;
        let found = upkeep::differences(&mut tx, first_day).await?;
        tx.commit().await?;
        Ok(found.into_iter().map(|difference| format!("{}: {}", difference.of, difference.what)).collect())
    }

    /// Tells what numbers of views have changed and may be told now. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn tell_views(&self) -> Result<i64, Failed> {
        Ok(upkeep::tell_views(&self.state.databases.system, self.state.clock.now()).await?)
    }
}

impl Process for Analytics {
    const SERVICE: Service = Service::Analytics;
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
        )?;
        let reports = Batches::start(&bus, &databases, |items| Tracked { items });
        let jobs = jobs::start(&state, &settings);
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc,
            verifier: verifier.clone(),
            routes: tonic::service::Routes::new(privacy_server(rpc::Kept(databases.system.clone()))),
        };
        let rpc = rpc.start().await?;
        let broker = bus.monitor();
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || broker.health().connected),
            state: Door::new(state.clone(), reports, bus.monitor()),
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

/// What the service does with events; a test compares it with the catalogue.
///
/// # Errors
/// The settings can't be used.
pub fn consumes(settings: &Settings, databases: Databases, clock: Clock) -> Result<Consumes, Failed> {
    Ok(consumers::subscriptions(&AppState::new(settings, databases, clock)?).into())
}
