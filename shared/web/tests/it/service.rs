//! A service of one resource, with a real server and database, called as the gateway calls.

use std::sync::Arc;

use actix_web::{HttpResponse, ResponseError, get, post, web};
use garde::Validate;
use pitchey_clock::Clock;
use pitchey_config::Http;
use pitchey_db::{Databases, audit};
use pitchey_events::{Service, UserId};
use pitchey_identity::Actor;
use pitchey_testkit::{Client, Request, TestDatabase, actors, identity};
use pitchey_web::{
    Answer, ApiError, Command, Health, Origin, Paging, PathId, Refusal, Server, Started, error_response,
};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa_actix_web::service_config::ServiceConfig;

#[derive(Clone)]
struct State {
    db: Databases,
    /// Handlers of slow lines wait here until the test lets them go.
    gate: Arc<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("secret internals")]
    Broken,
}

impl ApiError for Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Broken => "broken",
        }
    }

    fn status(&self) -> actix_web::http::StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Broken => actix_web::http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        error_response(self)
    }
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[garde(length(chars, min = 1, max = 20))]
    line_text: String,
    #[garde(skip)]
    #[serde(default)]
    slow: bool,
    #[garde(skip)]
    #[serde(default)]
    fails: bool,
    #[garde(skip)]
    #[serde(default)]
    secret: bool,
    #[garde(skip)]
    ink: Option<Ink>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ink {
    Black,
    Blue,
}

#[utoipa::path]
#[post("/api/lines")]
async fn write(
    state: web::Data<State>,
    actor: pitchey_web::Actor,
    origin: Origin,
    command: Command<Line>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.db.user, async |tx, line: Line| {
            let entry = audit::Entry { actor: Some(actor.id), action: &line.line_text, ..Default::default() };
            audit::record(tx, &origin, entry);
            let ink = match line.ink {
                None | Some(Ink::Black) => "black",
                Some(Ink::Blue) => "blue",
            };
            if line.slow {
                state.gate.acquire().await.map_err(|_| Error::Broken)?.forget();
            }
            if line.fails {
                return Err(Error::Broken);
            }
            let answer = Answer::created("Written.").with("line", &line.line_text).with("ink", &ink);
            Ok(if line.secret { answer.secret() } else { answer })
        })
        .await
}

#[utoipa::path]
#[get("/api/lines/{id}")]
async fn read(id: PathId<i32>, paging: Paging) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().json(serde_json::json!({ "id": id.0, "page": paging.page, "limit": paging.limit })))
}

fn routes(cfg: &mut ServiceConfig) {
    cfg.service(write).service(read);
}

pub struct Lines {
    pub db: TestDatabase,
    pub client: Client,
    pub unsigned: Client,
    pub gate: Arc<Semaphore>,
    pub user: Actor,
    _started: Started,
}

impl Lines {
    pub async fn start() -> Self {
        let db = TestDatabase::create().await;
        db.execute("INSERT INTO users (id, email, username, password_hash) VALUES (7, 'a@b.c', 'a', '')")
            .await;
        let databases = db.databases(Service::Pitches).await;
        let gate = Arc::new(Semaphore::new(0));
        let started = Server {
            service: Service::Pitches,
            settings: Http {
                address: ([127, 0, 0, 1], 0).into(),
                workers: 2,
                drain_seconds: 1,
                certificate: Default::default(),
            },
            verifier: identity::verifier(Service::Pitches),
            clock: Clock::system(),
            health: Health::new(databases.clone(), || false),
            state: State { db: databases, gate: Arc::clone(&gate) },
            routes,
        }
        .start()
        .unwrap();
        Self {
            db,
            client: Client::gateway(Service::Pitches, started.address),
            unsigned: Client::unsigned(started.address),
            gate,
            user: actors::creator(UserId(7)),
            _started: started,
        }
    }

    pub fn write(&self, body: &str) -> Request<'_> {
        self.client.post("/api/lines").as_(&self.user).body("application/json", body)
    }

    pub async fn lines(&self) -> i64 {
        use diesel_async::RunQueryDsl;
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let count: Count = diesel::sql_query("SELECT count(*) FROM audit_log")
            .get_result(&mut self.db.admin().await)
            .await
            .unwrap();
        count.count
    }
}
