use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use diesel_async::SimpleAsyncConnection;
use pitchey_db::Databases;
use serde::Serialize;

/// How long the database may take to answer `SELECT 1`.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Answers `GET /health` by trying what it claims.
#[derive(Clone)]
pub struct Health {
    databases: Databases,
    broker: Arc<dyn Fn() -> bool + Send + Sync>,
    also: BTreeMap<&'static str, &'static str>,
}

/// What `GET /health` of a service answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Healthy {
    /// `healthy` while requests can be served. A broker that is away delays events, not requests.
    pub status: &'static str,
    /// `connected` or `disconnected`.
    pub database: &'static str,
    /// `connected` or `disconnected`.
    pub broker: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// What else the service says of itself.
    #[serde(flatten)]
    pub also: BTreeMap<&'static str, &'static str>,
}

const fn word(connected: bool) -> &'static str {
    if connected { "connected" } else { "disconnected" }
}

impl Health {
    /// Tries the system role's pool, and asks `broker` whether it is connected.
    pub fn new(databases: Databases, broker: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { databases, broker: Arc::new(broker), also: BTreeMap::new() }
    }

    /// Says `name`: `value`, too: what operators need to know of how it was started.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.also.insert(name, value);
        self
    }

    async fn check(&self) -> Healthy {
        let database = async {
            let mut connection = self.databases.system.connection().await.ok()?;
            connection.batch_execute("SELECT 1").await.ok()
        };
        let database = matches!(tokio::time::timeout(PATIENCE, database).await, Ok(Some(())));
        Healthy {
            status: if database { "healthy" } else { "unhealthy" },
            database: word(database),
            broker: word((self.broker)()),
            version: env!("CARGO_PKG_VERSION"),
            also: self.also.clone(),
        }
    }
}

pub(crate) async fn get(health: web::Data<Health>) -> HttpResponse {
    let answer = health.check().await;
    if answer.status == "healthy" {
        HttpResponse::Ok().json(answer)
    } else {
        HttpResponse::ServiceUnavailable().json(answer)
    }
}
