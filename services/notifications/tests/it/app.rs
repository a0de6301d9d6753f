//! The service and what is around it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use pitchey_bus::outbox::{self, Traced};
use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_clock::Clock;
use pitchey_config::{Http, Mode, Rpc};
use pitchey_db::Databases;
use pitchey_events::{Event, NdaId, NdaParties, NdaType, PitchId, Service, UserId, UserType};
use pitchey_identity::Actor;
use pitchey_launch::Process;
use pitchey_notifications::{Kind, Mail, Notifications, Settings};
use pitchey_rpc::Targets;
use pitchey_testkit::{Broker, Client, SOON, TestDatabase, identity, wait_until};
use secrecy::SecretString;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::pitches::Pitches;

/// Nothing is started yet but what is around the service.
pub struct World {
    pub db: TestDatabase,
    pub broker: Broker,
    pub accounts: Accounts,
    pub pitches: Pitches,
    pub clock: Clock,
    pub folder: TempDir,
    pub settings: Settings,
}

/// A running service.
pub struct App {
    pub world: World,
    pub client: Client,
    service: Notifications,
    producer: Producer,
}

/// The relays of the services that tell things.
struct Producer(BTreeMap<Service, (Databases, Bus)>);

/// Services that tell things.
const PRODUCERS: [Service; 5] =
    [Service::Accounts, Service::Pitches, Service::Messaging, Service::Payments, Service::Analytics];

/// Signs links that unsubscribe.
pub const UNSUBSCRIBE_KEY: &str = "dW5zdWJzY3JpYmUgdW5zdWJzY3JpYmUgdW5zdWJzY3I=";
/// Signs what the mail provider reports.
pub const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub fn mail(folder: &Path) -> Mail {
    Mail {
        transport: Some(Kind::Folder),
        smtp_url: None,
        smtp_connections: 10,
        folder: folder.to_owned(),
        from: Some("Pitchey <no-reply@pitchey.test>".to_owned()),
        dkim_selector: None,
        dkim_key: None,
        poll_ms: 50,
        lease_seconds: 120,
        attempt_seconds: 45,
        retry_seconds: 60,
    }
}

impl World {
    /// With the machine's clock.
    pub async fn new() -> Self {
        Self::with_clock(Clock::system()).await
    }

    /// With a clock that the test moves, and which stands at the present.
    pub async fn standing_still() -> Self {
        let now = Clock::system().now();
        Self::with_clock(Clock::manual(now)).await
    }

    async fn with_clock(clock: Clock) -> Self {
        let db = TestDatabase::create().await;
        let broker = Broker::new();
        let accounts = Accounts::start(clock.clone()).await;
        let pitches = Pitches::start(clock.clone()).await;
        let folder = TempDir::new().unwrap();
        let settings = Settings {
            mode: Mode::Development,
            http: Http {
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                workers: 1,
                drain_seconds: 5,
                certificate: Default::default(),
            },
            database: db.settings(Service::Notifications),
            broker: pitchey_bus::Broker::new(broker.url.clone(), broker.prefix.clone()),
            identity: identity::keys(Service::Notifications),
            rpc: Rpc { address: SocketAddr::from(([127, 0, 0, 1], 0)), certificate: Default::default() },
            rpc_targets: targets(accounts.address, pitches.address),
            public_url: "https://pitchey.test".to_owned(),
            unsubscribe_key: SecretString::from(UNSUBSCRIBE_KEY),
            webhook_secret: Some(SecretString::from(WEBHOOK_SECRET)),
            digest_hour: 7,
            mail: mail(folder.path()),
        };
        Self { db, broker, accounts, pitches, clock, folder, settings }
    }

    /// Mails go to a mail server at `address`.
    pub fn through_smtp(mut self, address: SocketAddr) -> Self {
        self.settings.mail.transport = Some(Kind::Smtp);
        self.settings.mail.smtp_url = Some(SecretString::from(format!("smtp://{address}")));
        self
    }

    pub async fn replica(&self) -> Notifications {
        Notifications::start(self.settings.clone(), self.clock.clone())
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn start(self) -> App {
        let service = self.replica().await;
        let client = Client::gateway(Service::Notifications, service.http_address()).by(&self.clock);
        let mut producers = BTreeMap::new();
        for service in PRODUCERS {
            producers.insert(service, relay(&self, service).await);
        }
        let producer = Producer(producers);
        App { world: self, client, service, producer }
    }

    /// A user whom accounts knows, with an address and a name.
    pub async fn person(&self, user_type: UserType, name: &str) -> Actor {
        let actor = self.db.actor(user_type).await;
        self.accounts.knows(actor.id, &address(actor.id), name);
        actor
    }

    /// Text of the only column and row of `sql`.
    pub async fn text(&self, sql: &str) -> String {
        use diesel_async::RunQueryDsl;

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

    /// The mails of the queue.
    pub async fn queue(&self) -> Vec<Queued> {
        use diesel_async::RunQueryDsl;

        sql_query(
            "SELECT id, to_email, template, status::text AS status, attempts, open_attempts::int AS open_attempts, error,
                    html_content, message_id FROM email_queue ORDER BY id",
        )
        .load(&mut self.db.admin().await)
        .await
        .unwrap()
    }

    /// Queues `count` mails, which need no token, as the addresser would.
    pub async fn queue_mails(&self, count: u32) {
        self.db
            .execute(&format!(
                "INSERT INTO email_queue (to_email, from_email, subject, html_content, text_content, template, dedupe_key, message_id,
                                          metadata, scheduled_for, priority)
                 SELECT 'reader' || n || '@example.test', 'Pitchey <no-reply@pitchey.test>', 'Hello', '<p>Hello</p>', 'Hello',
                        'welcome', 'event/' || n, '<mail-' || n || '@pitchey.test>', '{{\"category\": \"transactional\"}}',
                        now() - interval '1 hour', 1 + n % 10
                 FROM generate_series(1, {count}) AS n"
            ))
            .await;
    }

    /// Waits until every mail's fate is known.
    pub async fn all_settled(&self) {
        let waiting = "SELECT (SELECT count(*) FROM email_queue WHERE status = 'pending')
                            + (SELECT count(*) FROM email_requests WHERE held IS NULL)";
        wait_until("all mails to be settled", SOON, async || self.number(waiting).await == 0).await;
    }
}

/// A row of the queue.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Queued {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub to_email: String,
    #[diesel(sql_type = Text)]
    pub template: String,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Integer)]
    pub open_attempts: i32,
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub html_content: Option<String>,
    #[diesel(sql_type = Text)]
    pub message_id: String,
}

impl App {
    /// As its producer does: through the outbox.
    pub async fn emit<E: Event>(&self, event: &E) -> Uuid {
        let (databases, _) = self.producer.of::<E>();
        let mut tx = databases.system.begin().await.unwrap();
        let id = outbox::append(&mut tx, event).unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Several in one transaction.
    pub async fn emit_all<E: Event>(&self, events: &[Traced<E>]) {
        let (databases, _) = self.producer.of::<E>();
        let mut tx = databases.system.begin().await.unwrap();
        outbox::append_all(&mut tx, events).unwrap();
        tx.commit().await.unwrap();
    }

    /// The very same event once more, as after a lost confirm.
    pub async fn emit_again<E: Event>(&self, id: Uuid, event: &E) {
        use diesel_async::RunQueryDsl;

        self.relayed().await;
        let producer = pitchey_events::entry(E::TYPE).unwrap().producer;
        let row = sql_query("INSERT INTO outbox (producer, event_id, event_type, subject, payload) VALUES ($1, $2, $3, $4, $5)")
            .bind::<Text, _>(producer.as_str())
            .bind::<diesel::sql_types::Uuid, _>(id)
            .bind::<Text, _>(E::TYPE)
            .bind::<Text, _>(event.subject().0)
            .bind::<diesel::sql_types::Jsonb, _>(serde_json::to_value(event).unwrap());
        row.execute(&mut self.world.db.admin().await).await.unwrap();
        self.producer.of::<E>().0.appended.ring();
    }

    async fn relayed(&self) {
        wait_until("the outbox to be empty", SOON, async || {
            self.world.number("SELECT count(*) FROM outbox").await == 0
        })
        .await;
    }

    /// Waits until every event is handled, and stops: handlers in flight end.
    pub async fn drained(self) -> World {
        self.relayed().await;
        let queue = format!("{}pitchey.notifications", self.world.broker.prefix);
        wait_until("the queue to be empty", SOON, async || self.world.broker.depth(&queue).await == 0).await;
        self.service.stop().await;
        self.world
    }

    /// The mails that were sent, newest first.
    pub async fn mails(&self) -> Vec<Value> {
        self.client.get("/dev/mails").send().await.ok()["data"].as_array().unwrap().clone()
    }

    /// Waits until the newest mails to `to` are of `template`, and returns the newest.
    pub async fn mail_to(&self, to: UserId, template: &str) -> Value {
        let path = format!("/dev/mails?to={}", address(to));
        pitchey_testkit::wait_for("the mail", SOON, async || {
            let answer = self.client.get(&path).send().await.ok();
            answer["data"].as_array().unwrap().iter().find(|mail| mail["template"] == template).cloned()
        })
        .await
    }

    /// Does what is due by the clock.
    pub async fn run_jobs(&self) {
        self.service.run_jobs().await;
    }

    /// Where gRPC is.
    pub fn rpc_address(&self) -> SocketAddr {
        self.service.rpc_address()
    }

    pub async fn stop(self) -> World {
        self.service.stop().await;
        self.world
    }
}

impl Producer {
    fn of<E: Event>(&self) -> &(Databases, Bus) {
        let producer = pitchey_events::entry(E::TYPE).unwrap().producer;
        self.0.get(&producer).unwrap_or_else(|| panic!("{producer} tells nothing to notifications"))
    }
}

async fn relay(world: &World, service: Service) -> (Databases, Bus) {
    let databases = world.db.databases(service).await;
    let bus =
        Bus::start(service, &world.settings.broker, Some(&databases), Consumes::nothing(), Listeners::new());
    (databases, bus.unwrap())
}

pub fn targets(accounts: SocketAddr, pitches: SocketAddr) -> Targets {
    let at = |name: &str, address| (name.to_owned(), format!("http://{address}"));
    Targets::from(BTreeMap::from([at("accounts", accounts), at("pitches", pitches)]))
}

/// Where accounts says that `user` gets mail.
pub fn address(user: UserId) -> String {
    format!("user{user}@example.test")
}

/// An NDA between `owner` and `requester`.
pub fn parties(owner: UserId, requester: UserId, title: &str) -> NdaParties {
    NdaParties {
        nda_id: NdaId(7),
        pitch_id: PitchId(42),
        pitch_title: title.to_owned(),
        owner_id: owner,
        requester_id: requester,
        nda_type: NdaType::Basic,
        hold: None,
    }
}
