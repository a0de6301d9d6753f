#![doc = include_str!("../README.md")]

mod consumers;
mod content;
mod credits;
mod eligibility;
mod error;
mod files;
mod http;
mod input;
mod jobs;
mod links;
mod opens;
mod ops;
mod pdf;
mod privacy;
mod projection;
mod public_cache;
mod receipts;
mod rpc;
mod schema;
pub mod seeding;
mod settings;
mod share_tokens;
mod state;
mod store;
mod uploads;
mod views;
mod words;

use std::net::SocketAddr;

use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_jobs::Started;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;

pub use http::routes;
pub use receipts::Receipt;
pub use settings::{CreditsMode, Media as MediaSettings, PUBLIC_CACHE_MS, Settings};

use state::AppState;

/// What the service does with events, and what each replica hears: for the test that the catalogue says the same.
///
/// # Errors
/// A setting can't be used.
pub fn hears(
    settings: &Settings,
    databases: Databases,
    clock: Clock,
) -> Result<(Consumes, Listeners), Failed> {
    let state = AppState::new(settings, databases, clock)?;
    Ok((consumers::subscriptions(&state).into(), consumers::listeners(&state.users, &state.public)))
}

/// The running service.
pub struct Pitches {
    http: pitchey_web::Started,
    rpc: pitchey_rpc::Started,
    bus: Bus,
    jobs: Started,
    state: AppState,
}

impl Pitches {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
    }

    /// Where gRPC is served.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc.address
    }

    /// Sweeps NDAs now, unless a replica has in this period. Returns how many it touched.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self) -> Result<Option<i64>, Failed> {
        Ok(self.jobs.run(jobs::NDA_SWEEP).await?)
    }

    /// Removes files that belong to nothing, unless a replica has in this period. Returns how many.
    ///
    /// # Errors
    /// The database's, and those of the files' place.
    pub async fn tidy(&self) -> Result<Option<i64>, Failed> {
        Ok(self.jobs.run(jobs::ORPHAN_FILES).await?)
    }
}

impl Process for Pitches {
    const SERVICE: Service = Service::Pitches;
    type Settings = Settings;

    async fn start(settings: Settings, clock: Clock) -> Result<Self, Failed> {
        let databases = Databases::open(&settings.database).await?;
        let verifier = Verifier::new(Self::SERVICE, &settings.identity, clock.clone())?;
        let state = AppState::new(&settings, databases.clone(), clock.clone())?;
        let bus = Bus::start(
            Self::SERVICE,
            &settings.broker,
            Some(&databases),
            Consumes::from(consumers::subscriptions(&state)),
            consumers::listeners(&state.users, &state.public),
        )?;
        state.views.start(&bus, &databases);
        let rpc = pitchey_rpc::Server {
            settings: settings.rpc.clone(),
            verifier: verifier.clone(),
            routes: rpc::routes(state.clone()),
        };
        let rpc = rpc.start().await?;
        let jobs = jobs::start(&state, &settings);
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
        Ok(Self { http: http.start()?, rpc, bus, jobs, state })
    }

    async fn stop(self) {
        self.http.drain().await;
        self.rpc.drain().await;
        self.jobs.stop().await;
        // What was opened since the last write.
        if let Err(error) = self.state.opens.write(&self.state.databases.system, self.state.clock.now()).await
        {
            tracing::warn!(%error, "the last openings of shared links are lost");
        }
        self.bus.shutdown().await;
    }
}
