//! `GET /health`: asks every replica of every service.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header;
use futures_util::future::join_all;
use pitchey_bus::Monitor;
use pitchey_web::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::proxy::Worker;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How long an answer is used again: asking is not free for the services.
const KEPT: Duration = Duration::from_secs(1);
/// Longest answer of a service, in bytes.
const MAX_ANSWER: usize = 16 * 1024;

/// Knows how the platform is.
#[derive(Default)]
pub struct Health {
    bus: OnceLock<Monitor>,
    last: Mutex<Option<(Instant, Healthy)>>,
}

/// How the platform is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Healthy {
    /// `healthy` while every service can serve. A broker that is away delays events, not requests.
    status: &'static str,
    /// `connected` while every service that answers has its database.
    database: &'static str,
    /// `connected` while the gateway and every service that answers have the broker.
    broker: &'static str,
    /// By service: `healthy`; `degraded`, if some replicas are not; `unhealthy`; `unreachable`.
    services: BTreeMap<&'static str, &'static str>,
    timestamp: Timestamp,
    version: &'static str,
}

/// What a replica says of itself.
#[derive(Deserialize)]
struct Told {
    status: String,
    database: String,
    broker: String,
}

const fn connected(yes: bool) -> &'static str {
    if yes { "connected" } else { "disconnected" }
}

impl Health {
    /// Asks `bus` how the broker is.
    pub fn watch(&self, bus: Monitor) {
        // It is set once, at the start.
        let _ = self.bus.set(bus);
    }

    /// 200 or 503, at most a second old.
    pub async fn answer(&self, worker: &Worker) -> HttpResponse<BoxBody> {
        // Who comes while it is being found out waits for the same answer.
        let mut last = self.last.lock().await;
        let healthy = match &*last {
            Some((at, healthy)) if at.elapsed() < KEPT => healthy.clone(),
            _ => {
                let healthy = self.find_out(worker).await;
                *last = Some((Instant::now(), healthy.clone()));
                healthy
            }
        };
        drop(last);
        let status =
            if healthy.status == "healthy" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).json(healthy)
    }

    async fn find_out(&self, worker: &Worker) -> Healthy {
        let services = worker.state.upstreams.all().map(|upstream| async {
            let replicas = upstream.locations().into_iter().map(|location| async move {
                let asking = worker.forwarder.get(&location, "/health", MAX_ANSWER);
                let (_, body) = tokio::time::timeout(PATIENCE, asking).await.ok()??;
                serde_json::from_slice::<Told>(&body).ok()
            });
            (upstream.service, join_all(replicas).await)
        });
        let services = join_all(services).await;
        let words: BTreeMap<_, _> =
            services.iter().map(|(service, replicas)| (service.as_str(), word(replicas))).collect();
        let told = || services.iter().flat_map(|(_, replicas)| replicas.iter().flatten());
        let database = told().next().is_some() && told().all(|told| told.database == "connected");
        let bus = self.bus.get().is_some_and(|bus| bus.health().connected);
        let broker = bus && told().all(|told| told.broker == "connected");
        let healthy = database && words.values().all(|word| matches!(*word, "healthy" | "degraded"));
        Healthy {
            status: if healthy { "healthy" } else { "unhealthy" },
            database: connected(database),
            broker: connected(broker),
            services: words,
            timestamp: worker.state.clock.now().into(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn word(replicas: &[Option<Told>]) -> &'static str {
    let healthy = replicas.iter().flatten().filter(|told| told.status == "healthy").count();
    if healthy == 0 {
        return if replicas.iter().any(Option::is_some) { "unhealthy" } else { "unreachable" };
    }
    if healthy == replicas.len() { "healthy" } else { "degraded" }
}
