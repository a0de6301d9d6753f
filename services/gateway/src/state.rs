use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pitchey_bus::Monitor;
use pitchey_clock::Clock;
use pitchey_config::Trust;
use pitchey_identity::Signer;
use pitchey_launch::Failed;
use pitchey_rpc::Accounts;
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;
use crate::client_address::Proxies;
use crate::cors::Origins;
use crate::headers::Protection;
use crate::health::Health;
use crate::limits::Limits;
use crate::openapi::OpenApi;
use crate::repeats::Repeats;
use crate::routes::Table;
use crate::sessions::Sessions;
use crate::settings::{Settings, Timeouts};
use crate::upstreams::Upstreams;

/// What every worker shares.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// See [`AppState`].
pub struct Shared {
    pub clock: Clock,
    pub table: Table,
    pub upstreams: Upstreams,
    pub trust: Trust,
    pub sessions: Arc<Sessions>,
    pub signer: Signer,
    pub limits: Limits,
    pub repeats: Arc<Repeats>,
    pub proxies: Proxies,
    pub origins: Origins,
    pub protection: Protection,
    pub health: Health,
    pub openapi: OpenApi,
    pub catalogue: Catalogue,
    pub timeouts: Timeouts,
    pub body_bytes: usize,
    pub upload_bytes: usize,
    pub trust_traceparent: bool,
    /// Whether somebody collects spans.
    pub collects_spans: bool,
    /// Cancelled when the process is to stop: sockets close.
    pub stopping: CancellationToken,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// How often memories are tidied.
const TIDY_EVERY: Duration = Duration::from_secs(30);

impl AppState {
    /// Follows the services' names. Must be made on the multi-thread runtime.
    pub async fn new(
        settings: &Settings,
        accounts: Accounts,
        signer: Signer,
        clock: Clock,
    ) -> Result<Self, Failed> {
        let development = settings.mode.is_development();
        let state = Self(Arc::new(Shared {
            table: Table::new(development),
            upstreams: Upstreams::follow(settings).await?,
            trust: settings.trust.clone(),
            sessions: Arc::new(Sessions::new(accounts, clock.clone())),
            signer,
            limits: Limits::new(&settings.limits, development),
            repeats: Arc::new(Repeats::new(clock.clone())),
            proxies: Proxies::new(settings.trusted_proxies.0.clone(), settings.proxy_hops),
            origins: Origins::new(settings.origins.0.clone(), development),
            protection: Protection::new(settings.mode),
            health: Health::default(),
            openapi: OpenApi::default(),
            catalogue: Catalogue::load(settings.limits.upload_bytes)?,
            timeouts: settings.timeouts.clone(),
            body_bytes: settings.limits.body_bytes,
            upload_bytes: settings.limits.upload_bytes,
            trust_traceparent: settings.trust_traceparent,
            collects_spans: !settings.telemetry.otlp_endpoint.is_empty(),
            stopping: CancellationToken::new(),
            clock,
        }));
        tokio::spawn(tidy(Arc::downgrade(&state.0)));
        Ok(state)
    }

    /// Asks the bus how the broker is, from now on.
    pub fn watch(&self, bus: Monitor) {
        self.health.watch(bus);
    }
}

async fn tidy(state: std::sync::Weak<Shared>) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let Some(state) = state.upgrade() else { return };
        state.limits.tidy();
        state.repeats.tidy();
    }
}
