//! The service with a database and an exchange of its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{SubsecRound, TimeDelta};
use diesel::sql_types::{Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_clock::Clock;
use pitchey_config::{Http, Mode, Rpc};
use pitchey_events::{
    ConversationCreated, MessageDeleted, MessageEdited, MessageRead, MessageSent, PresenceNoticed, Service,
    TypingNoticed, UserId, UserType,
};
use pitchey_identity::Actor;
use pitchey_launch::Process;
use pitchey_messaging::{CreditsMode, Messaging, Settings};
use pitchey_testkit::{Answer, Broker, Client, Deliveries, Emitted, TestDatabase, actors, identity};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::others::Others;
use crate::socket::{self, Socket};

pub struct App {
    pub client: Client,
    pub service: Messaging,
    pub others: Others,
    pub clock: Clock,
    pub emitted: Emitted,
    pub db: TestDatabase,
    pub settings: Settings,
}

/// A master key of the tests.
pub fn master(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

impl App {
    /// A service whose events the test is not about, and that lets people write as fast as they like.
    pub async fn start() -> Self {
        let app = Self::start_with(|settings| settings.message_burst = 10_000).await;
        app.ignore_all();
        app
    }

    pub fn ignore_all(&self) {
        self.emitted.ignore::<ConversationCreated>();
        self.emitted.ignore::<MessageSent>();
        self.emitted.ignore::<MessageEdited>();
        self.emitted.ignore::<MessageDeleted>();
        self.emitted.ignore::<MessageRead>();
        self.emitted.ignore::<TypingNoticed>();
    }

    /// A service whose events the test accounts for.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        // The clock stands until the test moves it.
        let clock = Clock::manual(Clock::system().now().trunc_subsecs(0));
        let db = TestDatabase::create().await;
        Self::start_on(db, Broker::new(), clock, change).await
    }

    pub async fn start_on(
        db: TestDatabase,
        broker: Broker,
        clock: Clock,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let emitted = Emitted::watch(&db).await;
        emitted.ignore::<PresenceNoticed>();
        let others = Others::start(&clock).await;
        let mut settings = Settings {
            mode: Mode::Development,
            http: Http {
                address: ([127, 0, 0, 1], 0).into(),
                workers: 2,
                drain_seconds: 1,
                certificate: Default::default(),
            },
            rpc: Rpc { address: ([127, 0, 0, 1], 0).into(), certificate: Default::default() },
            database: db.settings(Service::Messaging),
            broker: pitchey_bus::Broker::new(broker.url, broker.prefix),
            identity: identity::keys(Service::Messaging),
            rpc_targets: others.targets.clone(),
            credits: CreditsMode::Off,
            master_keys: SecretString::from(master(5)),
            message_burst: 5,
            message_refill_ms: 2_000,
            presence_seconds: 1,
            heartbeat_seconds: 20,
            socket_queue: 256,
            slow_after_ms: 5_000,
            session_check_ms: 200,
            sweep_seconds: 3_600,
        };
        change(&mut settings);
        let service = start(&settings, &clock).await;
        let client = Client::gateway(Service::Messaging, service.http_address()).by(&clock);
        Self { client, service, others, clock, emitted, db, settings }
    }

    /// Another replica, and a client of it.
    pub async fn replica(&self) -> (Messaging, Client) {
        let service = start(&self.settings, &self.clock).await;
        let client = Client::gateway(Service::Messaging, service.http_address()).by(&self.clock);
        (service, client)
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Somebody whom accounts knows, changed as the test wants it.
    pub async fn person(&self, user_type: UserType, change: impl FnOnce(&mut Actor)) -> Actor {
        let mut actor = actors::with_id(UserId(0), user_type);
        change(&mut actor);
        let actor = self.db.insert(actor).await;
        self.others.knows(&actor);
        actor
    }

    pub async fn investor(&self) -> Actor {
        self.person(UserType::Investor, |_| {}).await
    }

    pub async fn creator(&self) -> Actor {
        self.person(UserType::Creator, |_| {}).await
    }

    /// Two who may write to each other, since they are of a kind.
    pub async fn pair(&self) -> (Actor, Actor) {
        (self.investor().await, self.investor().await)
    }

    pub async fn get(&self, path: &str, actor: &Actor) -> Answer {
        self.client.get(path).as_(actor).send().await
    }

    pub async fn post(&self, path: &str, actor: &Actor, body: Value) -> Answer {
        self.client.post(path).as_(actor).json(&body).send().await
    }

    /// Writes to somebody.
    pub async fn send(&self, from: &Actor, to: &Actor, content: &str) -> Answer {
        self.post("/api/messages/send", from, json!({ "receiverId": to.id, "content": content })).await
    }

    /// The message that was sent.
    pub async fn sent(&self, from: &Actor, to: &Actor, content: &str) -> Value {
        self.send(from, to, content).await.expect(201)["messageData"].clone()
    }

    /// Writes to a conversation.
    pub async fn say(&self, from: &Actor, conversation: i64, content: &str) -> Answer {
        let path = format!("/api/conversations/{conversation}/messages");
        self.post(&path, from, json!({ "content": content })).await
    }

    pub async fn socket(&self, actor: &Actor, query: &str) -> Socket {
        open(&self.service, &self.clock, actor, query).await
    }

    /// Hands events to the service's handlers.
    pub async fn deliveries(&self) -> Deliveries {
        let databases = self.db.databases(Service::Messaging).await;
        let consumes =
            pitchey_messaging::consumes(&self.settings, databases.clone(), self.clock.clone()).unwrap();
        Deliveries::to(Service::Messaging, consumes, &databases)
    }

    /// Text of the only column and row of `sql`.
    pub async fn text(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            value: Option<String>,
        }
        let row: Row = sql_query(format!("SELECT ({sql})::text AS value"))
            .get_result(&mut self.db.admin().await)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.value.unwrap_or_default()
    }

    /// Number of the only column and row of `sql`.
    pub async fn number(&self, sql: &str) -> i64 {
        self.text(sql).await.parse().unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// A socket of `actor` at a replica, which is greeted.
pub async fn open(replica: &Messaging, clock: &Clock, actor: &Actor, query: &str) -> Socket {
    let path = format!("/ws{query}");
    let opened = socket::try_open(replica.http_address(), clock, Some(actor), &path).await;
    let mut socket = opened.unwrap_or_else(|refused| panic!("{refused:?}"));
    let ready = socket.frame().await;
    assert_eq!((&ready["type"], &ready["event"]), (&json!("system"), &json!("ready")), "{ready}");
    socket
}

pub async fn start(settings: &Settings, clock: &Clock) -> Messaging {
    Messaging::start(settings.clone(), clock.clone()).await.unwrap_or_else(|error| panic!("{error}"))
}

pub fn id(entity: &Value) -> i64 {
    entity["id"].as_i64().unwrap_or_else(|| panic!("no id in {entity}"))
}

pub fn conversation(message: &Value) -> i64 {
    message["conversationId"].as_i64().unwrap_or_else(|| panic!("no conversation in {message}"))
}
