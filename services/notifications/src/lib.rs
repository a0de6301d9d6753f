#![doc = include_str!("../README.md")]

mod consumers;
mod error;
mod http;
mod mail;
mod ops;
mod schema;
mod settings;
mod state;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;

use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Verifier;
use pitchey_launch::{Failed, Process};
use pitchey_web::Health;

pub use http::{development_routes, routes};
pub use settings::{Kind, Mail, Settings};

use mail::{Transport, Workers};
use state::AppState;

/// The running service.
pub struct Notifications {
    http: pitchey_web::Started,
    bus: Arc<Bus>,
    workers: Workers,
}

impl Notifications {
    /// Where HTTP is served.
    pub const fn http_address(&self) -> SocketAddr {
        self.http.address
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
        let state = AppState::new(&settings, databases.clone(), clock.clone())?;
        let workers = Workers::start(&state, &settings, transport)?;
        let bus = Arc::new(Bus::start(
            Self::SERVICE,
            &settings.broker,
            Some(&databases),
            consumers::subscriptions(&state),
            Listeners::new(),
        ));
        let broker = Arc::downgrade(&bus);
        let http = pitchey_web::Server {
            service: Self::SERVICE,
            settings: settings.http,
            verifier,
            clock,
            health: Health::new(databases, move || {
                broker.upgrade().is_some_and(|bus| bus.health().connected)
            }),
            state,
            routes: if settings.mode.is_development() { development_routes } else { routes },
        };
        Ok(Self { http: http.start()?, bus, workers })
    }

    async fn stop(self) {
        self.http.drain().await;
        // The health answer holds it only while it asks.
        if let Some(bus) = Arc::into_inner(self.bus) {
            bus.shutdown().await;
        }
        self.workers.stop().await;
    }
}

/// What the service does with events; a test compares it with the catalogue.
pub fn consumes(settings: &Settings, databases: Databases, clock: Clock) -> Result<Consumes, Failed> {
    Ok(consumers::subscriptions(&AppState::new(settings, databases, clock)?).into())
}
