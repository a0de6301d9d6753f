//! The service with a database and an exchange of its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use pitchey_accounts::{Accounts, Hashing, Settings};
use pitchey_clock::Clock;
use pitchey_config::{Http, Rpc};
use pitchey_events::{MailRequestId, Service, SessionStarted, UserId, UserRegistered};
use pitchey_identity::Actor;
use pitchey_launch::Process;
use pitchey_rpc::{Session, Targets};
use pitchey_testkit::{Answer, Broker, Client, Emitted, TestDatabase, identity};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const PASSWORD: &str = "a long enough phrase";

pub struct App {
    pub client: Client,
    /// As the gateway calls.
    pub gateway: pitchey_rpc::Accounts,
    /// As notifications calls.
    pub notifications: pitchey_rpc::Accounts,
    pub emitted: Emitted,
    pub db: TestDatabase,
    settings: Settings,
    accounts: Accounts,
}

/// Somebody who registered.
pub struct Newcomer {
    pub id: UserId,
    pub email: String,
    pub mail: MailRequestId,
    pub answer: Value,
}

/// Somebody who logged in.
#[derive(Clone)]
pub struct Member {
    pub email: String,
    pub actor: Actor,
    pub token: String,
    pub refresh: String,
}

impl App {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let db = TestDatabase::create().await;
        let emitted = Emitted::watch(&db).await;
        let broker = Broker::new();
        let address = ([127, 0, 0, 1], 0).into();
        let mut settings = Settings {
            http: Http { address, workers: 2, drain_seconds: 1, certificate: Default::default() },
            rpc: Rpc { address, certificate: Default::default() },
            database: db.settings(Service::Accounts),
            broker: pitchey_bus::Broker::new(broker.url, broker.prefix),
            identity: identity::keys(Service::Accounts),
            hashing: Hashing { at_once: 2, wait_ms: 20_000 },
            mail_token_key: SecretString::from(STANDARD.encode([1; 32])),
            pii_key: SecretString::from(STANDARD.encode([2; 32])),
            rpc_targets: Targets::default(),
            export_from: String::new(),
            quiet_ms: 0,
        };
        change(&mut settings);
        let accounts = Accounts::start(settings.clone(), Clock::system()).await.unwrap();
        let target = (Service::Accounts.to_string(), format!("http://{}", accounts.rpc_address()));
        let targets = Targets::from(std::collections::BTreeMap::from([target]));
        let rpc = |caller| pitchey_rpc::Accounts::new(&targets, identity::signer(caller)).unwrap();
        Self {
            client: Client::gateway(Service::Accounts, accounts.http_address()),
            gateway: rpc(Service::Gateway),
            notifications: rpc(Service::Notifications),
            emitted,
            db,
            settings,
            accounts,
        }
    }

    /// What is over is forgotten.
    pub async fn tidy(&self) {
        self.accounts.tidy().await.unwrap();
    }

    /// A client of another replica.
    pub async fn replica(&self) -> Client {
        let accounts = Accounts::start(self.settings.clone(), Clock::system()).await.unwrap();
        Client::gateway(Service::Accounts, accounts.http_address())
    }

    /// An admin in a session that proved a second factor, as the gateway says it.
    pub async fn admin(&self) -> Actor {
        self.db.operator().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.post(path).json(body).send().await
    }

    /// Registers `name` as a `user_type`, and accounts for the event.
    pub async fn register(&self, user_type: &str, name: &str) -> Newcomer {
        let email = format!("{name}@example.test");
        let body = json!({ "email": email, "username": name, "password": PASSWORD, "userType": user_type });
        let answer = self.post("/api/auth/register", &body).await.expect(201).json;
        let event: UserRegistered = self.emitted.take().await;
        Newcomer { id: event.user_id, email, mail: event.mail_request_id, answer }
    }

    pub async fn try_log_in(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/login", &json!({ "email": email, "password": password })).await
    }

    /// Logs `email` in, and accounts for the event.
    pub async fn log_in(&self, email: &str) -> Member {
        let answer = self.try_log_in(email, PASSWORD).await.expect(200).json;
        self.emitted.take::<SessionStarted>().await;
        self.member(email, &answer).await
    }

    pub async fn member(&self, email: &str, answer: &Value) -> Member {
        let token = answer["token"].as_str().unwrap().to_owned();
        let actor = self.session(&token).await.unwrap().actor;
        let refresh = answer["refreshToken"].as_str().unwrap().to_owned();
        Member { email: email.to_owned(), actor, token, refresh }
    }

    /// A creator who is logged in.
    pub async fn creator(&self, name: &str) -> Member {
        let newcomer = self.register("creator", name).await;
        self.log_in(&newcomer.email).await
    }

    /// What the gateway is told about a token.
    pub async fn session(&self, token: &str) -> Option<Session> {
        self.gateway.authenticate(Sha256::digest(token.as_bytes()).into()).await.unwrap()
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/api/auth/session/refresh", &json!({ "refreshToken": token })).await
    }

    /// Lets time pass: everything that happened was that much earlier.
    pub async fn pass(&self, interval: &str) {
        let columns = [
            ("sessions", ["created_at", "expires_at", "access_expires_at", "last_activity_at"].as_slice()),
            ("session_refresh_tokens", &["replaced_at"]),
            ("mail_tokens", &["created_at", "expires_at"]),
            ("login_attempts", &["failed_at"]),
            ("session_branches", &["expires_at", "access_expires_at"]),
            ("users", &["deleted_at"]),
            ("data_requests", &["created_at", "next_try_at", "claimed_until", "completed_at", "expires_at"]),
        ];
        for (table, columns) in columns {
            let sets: Vec<_> = columns.iter().map(|c| format!("{c} = {c} - interval '{interval}'")).collect();
            self.db.execute(&format!("UPDATE {table} SET {}", sets.join(", "))).await;
        }
    }

    /// (action, key of the thing) of the audit log, oldest first.
    pub async fn audited(&self) -> Vec<(String, Option<String>)> {
        use diesel_async::RunQueryDsl;

        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            action: String,
            #[diesel(sql_type = Nullable<Text>)]
            thing: Option<String>,
        }
        let rows: Vec<Row> = diesel::sql_query(
            "SELECT action, coalesce(entity_key, entity_id::text) AS thing FROM audit_log ORDER BY id",
        )
        .load(&mut self.db.admin().await)
        .await
        .unwrap();
        rows.into_iter().map(|row| (row.action, row.thing)).collect()
    }

    pub async fn actions(&self) -> Vec<String> {
        self.audited().await.into_iter().map(|(action, _)| action).collect()
    }

    /// What `SELECT count(*)` of `sql` says.
    pub async fn count(&self, from: &str) -> i64 {
        use diesel_async::RunQueryDsl;

        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let sql = format!("SELECT count(*) AS count FROM {from}");
        let row: Count = diesel::sql_query(sql).get_result(&mut self.db.admin().await).await.unwrap();
        row.count
    }

    pub async fn text(&self, sql: &str) -> Option<String> {
        use diesel_async::RunQueryDsl;

        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            text: Option<String>,
        }
        let sql = format!("SELECT ({sql})::text AS text");
        let row: Row = diesel::sql_query(sql).get_result(&mut self.db.admin().await).await.unwrap();
        row.text
    }
}
