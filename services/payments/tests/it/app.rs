//! The service with a database and an exchange of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta};
use diesel::sql_types::{Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_bus::Delivered;
use pitchey_clock::Clock;
use pitchey_config::{Http, Mode, Rpc};
use pitchey_events::{
    CreditsLow, CreditsPurchased, EmailVerified, Event, HoldKey, PaymentFailed, PaymentRefunded,
    PaymentSucceeded, Service, SubscriptionChanged, UserType,
};
use pitchey_identity::Actor;
use pitchey_launch::Process;
use pitchey_payments::{Payments, Settings, Stripe};
use pitchey_rpc::{Error, Held, Targets};
use pitchey_testkit::{Answer, Broker, Client, Deliveries, Emitted, TestDatabase, identity};
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

/// What webhooks of these tests are signed with.
pub const SECRET: &str = "whsec_of_a_test";

pub struct App {
    pub client: Client,
    /// As pitches calls.
    pub rpc: pitchey_rpc::Payments,
    pub deliveries: Deliveries,
    pub service: Payments,
    pub clock: Clock,
    pub settings: Settings,
    /// `None` of a second replica.
    watch: Option<Emitted>,
    pub db: Arc<TestDatabase>,
}

impl App {
    /// With the local provider, and a clock that stands until the test moves it; the test is not about the events.
    pub async fn start() -> Self {
        let app = Self::start_with(Clock::manual(Clock::system().now().trunc_subsecs(0)), |_| {}).await;
        app.ignoring()
    }

    /// With Stripe at `url`, where nobody may be: its webhooks come from the test.
    pub async fn with_stripe(url: &str) -> Self {
        let app = Self::start_with(Clock::manual(Clock::system().now().trunc_subsecs(0)), |settings| {
            stripe_at(settings, url);
        })
        .await;
        app.ignoring()
    }

    /// Not about the events.
    pub fn ignoring(self) -> Self {
        self.emitted().ignore::<SubscriptionChanged>();
        self.emitted().ignore::<CreditsPurchased>();
        self.emitted().ignore::<CreditsLow>();
        self.emitted().ignore::<PaymentSucceeded>();
        self.emitted().ignore::<PaymentFailed>();
        self.emitted().ignore::<PaymentRefunded>();
        self
    }

    /// A service whose events the test accounts for.
    pub async fn start_with(clock: Clock, change: impl FnOnce(&mut Settings)) -> Self {
        let db = Arc::new(TestDatabase::create().await);
        let emitted = Emitted::watch(&db).await;
        let broker = Broker::new();
        let address = ([127, 0, 0, 1], 0).into();
        let mut settings = Settings {
            mode: Mode::Development,
            http: Http { address, workers: 2, drain_seconds: 1, certificate: Default::default() },
            rpc: Rpc { address, certificate: Default::default() },
            database: db.settings(Service::Payments),
            broker: pitchey_bus::Broker::new(broker.url, broker.prefix),
            identity: identity::keys(Service::Payments),
            rpc_targets: Targets::default(),
            stripe: Stripe {
                key: None,
                webhook_secrets: None,
                url: "http://localhost:1".to_owned(),
                timeout_ms: 3_000,
            },
            // Tests say when.
            sweep_seconds: 86_400,
            reconcile_hours: 24,
        };
        change(&mut settings);
        Self::over(db, Some(emitted), clock, settings).await
    }

    /// Another replica over the same database, with other settings.
    pub async fn replica(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self::over(Arc::clone(&self.db), None, self.clock.clone(), settings).await
    }

    async fn over(db: Arc<TestDatabase>, emitted: Option<Emitted>, clock: Clock, settings: Settings) -> Self {
        // Makes sure of the TLS provider, as the process does.
        drop(pitchey_testkit::http());
        let service =
            Payments::start(settings.clone(), clock.clone()).await.unwrap_or_else(|error| panic!("{error}"));
        let client = Client::gateway(Service::Payments, service.http_address()).by(&clock);
        let rpc = rpc(Service::Pitches, &service, &clock);
        let databases = db.databases(Service::Payments).await;
        let (consumes, _) = pitchey_payments::hears(&settings, databases.clone(), clock.clone()).unwrap();
        let deliveries = Deliveries::to(Service::Payments, consumes, &databases);
        Self { client, rpc, deliveries, service, clock, settings, watch: emitted, db }
    }

    pub fn emitted(&self) -> &Emitted {
        self.watch.as_ref().unwrap()
    }

    /// As `caller` calls.
    pub fn as_service(&self, caller: Service) -> pitchey_rpc::Payments {
        rpc(caller, &self.service, &self.clock)
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    pub async fn get(&self, path: &str, actor: &Actor) -> Answer {
        self.client.get(path).as_(actor).send().await
    }

    pub async fn post(&self, path: &str, actor: &Actor, body: Value) -> Answer {
        self.client.post(path).as_(actor).json(&body).send().await
    }

    pub async fn deliver<E: Event>(&self, event: &E) -> Delivered {
        self.deliveries.deliver(event).await
    }

    /// An investor with the welcome grant.
    pub async fn welcomed(&self) -> Actor {
        let actor = self.db.investor().await;
        self.deliver(&EmailVerified { user_id: actor.id, user_type: UserType::Investor }).await;
        actor
    }

    /// Somebody who has bought so many credits, by packages of 30, with the local provider.
    pub async fn rich(&self, credits: usize) -> Actor {
        let actor = self.db.investor().await;
        for _ in 0..credits.div_ceil(30) {
            self.buy(&actor, 30).await.expect(201);
        }
        actor
    }

    pub async fn buy(&self, actor: &Actor, package: i32) -> Answer {
        self.post("/api/payments/credits/purchase", actor, json!({ "creditPackage": package })).await
    }

    pub async fn subscribe(&self, actor: &Actor, tier: &str, interval: &str) -> Answer {
        self.post("/api/payments/subscribe", actor, json!({ "tier": tier, "billingInterval": interval }))
            .await
    }

    pub async fn standing(&self, actor: &Actor) -> Value {
        self.get("/api/payments/subscription-status", actor).await.ok()
    }

    pub async fn hold(&self, actor: &Actor, amount: i32) -> (HoldKey, Result<Held, Error>) {
        let key = HoldKey(Uuid::now_v7());
        (key, self.rpc.hold(key, actor.id, amount, "nda_request").await)
    }

    /// A hold that was made.
    pub async fn held(&self, actor: &Actor, amount: i32) -> HoldKey {
        let (key, held) = self.hold(actor, amount).await;
        assert_eq!(held.unwrap(), Held::Held);
        key
    }

    /// (balance, granted, purchased, held, lifetimePurchased, lifetimeUsed).
    pub async fn balance(&self, actor: &Actor) -> [i64; 6] {
        let json = self.get("/api/payments/credits/balance", actor).await.ok();
        ["balance", "granted", "purchased", "held", "lifetimePurchased", "lifetimeUsed"]
            .map(|field| json[field].as_i64().unwrap())
    }

    /// (kind, amount) of a user's ledger, oldest first.
    pub async fn ledger(&self, actor: &Actor) -> Vec<(String, i64)> {
        let json = self.get("/api/payments/credits/ledger?limit=100", actor).await.ok();
        let rows = json["data"].as_array().unwrap().iter().rev();
        rows.map(|row| (row["type"].as_str().unwrap().to_owned(), row["amount"].as_i64().unwrap())).collect()
    }

    /// The books balance.
    pub async fn assert_balanced(&self) {
        for finding in self.service.look().await.unwrap() {
            assert_eq!(finding.contradictions, 0, "{}", finding.claim);
        }
    }

    pub async fn sweep(&self) -> i64 {
        self.service.sweep().await.unwrap()
    }

    pub async fn text(&self, sql: &str) -> String {
        text(&self.db, sql).await
    }

    pub async fn number(&self, sql: &str) -> i64 {
        self.text(sql).await.parse().unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

pub fn stripe_at(settings: &mut Settings, url: &str) {
    settings.stripe.key = Some(SecretString::from("sk_test_of_a_test"));
    settings.stripe.webhook_secrets = Some(SecretString::from(SECRET));
    url.clone_into(&mut settings.stripe.url);
}

fn rpc(caller: Service, service: &Payments, clock: &Clock) -> pitchey_rpc::Payments {
    let targets =
        Targets::from(BTreeMap::from([("payments".to_owned(), format!("http://{}", service.rpc_address()))]));
    pitchey_rpc::Payments::new(&targets, identity::signer_by(caller, clock)).unwrap()
}

/// Text of the only column and row of `sql`.
pub async fn text(db: &TestDatabase, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        value: Option<String>,
    }
    let row: Row = sql_query(format!("SELECT ({sql})::text AS value"))
        .get_result(&mut db.admin().await)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    row.value.unwrap_or_default()
}
