//! The process is killed (SIGKILL) in the middle of each step, held there by a lock on the table it is about to touch; then it starts again, and the
//! callers do what they do: repeat. Money and credits balance, and everything has happened once.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use pitchey_bus::{Bus, Consumes, Listeners, outbox};
use pitchey_clock::Clock;
use pitchey_events::{
    HoldKey, NdaApproved, NdaId, NdaParties, NdaRequested, NdaRevoked, NdaType, PitchId, Service, UserId,
};
use pitchey_identity::Actor;
use pitchey_rpc::{Held, Targets};
use pitchey_testkit::{Answer, Broker, Client, Ports, SOON, identity, wait_until};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, SECRET, text};
use crate::stripe::{Subscriber, event, signature};

/// The service as a process of its own, which can be killed. The in-process one of the [`App`] only looks.
struct Victim {
    child: Child,
    http: SocketAddr,
    rpc: SocketAddr,
    environment: Vec<(String, String)>,
}

fn free() -> SocketAddr {
    ([127, 0, 0, 1], Ports::new().take()).into()
}

fn spawn(environment: &[(String, String)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_pitchey-payments"))
        .env_clear()
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Victim {
    async fn start(app: &App, broker: &Broker, with_stripe: bool) -> Self {
        let (http, rpc) = (free(), free());
        let mut environment: Vec<(String, String)> = [
            ("PITCHEY_MODE", "development".to_owned()),
            ("PAYMENTS_HTTP__ADDRESS", http.to_string()),
            ("PAYMENTS_RPC__ADDRESS", rpc.to_string()),
            ("PAYMENTS_DATABASE__USER_URL", app.db.url_as("pitchey_payments")),
            ("PAYMENTS_DATABASE__SYSTEM_URL", app.db.url_as("pitchey_payments_system")),
            ("PAYMENTS_DATABASE__USER_POOL", "4".to_owned()),
            ("PAYMENTS_DATABASE__SYSTEM_POOL", "4".to_owned()),
            ("PAYMENTS_BROKER__URL", broker.url.clone()),
            ("PAYMENTS_BROKER__PREFIX", broker.prefix.clone()),
            ("PAYMENTS_SWEEP_SECONDS", "1".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        if with_stripe {
            environment.push(("PAYMENTS_STRIPE__KEY".to_owned(), "sk_test_x".to_owned()));
            environment.push(("PAYMENTS_STRIPE__WEBHOOK_SECRETS".to_owned(), SECRET.to_owned()));
            environment.push(("PAYMENTS_STRIPE__URL".to_owned(), "http://localhost:1".to_owned()));
        }
        environment.extend(identity::environment(Service::Payments));
        let victim = Self { child: spawn(&environment), http, rpc, environment };
        victim.up().await;
        victim
    }

    async fn up(&self) {
        let client = pitchey_testkit::http().build().unwrap();
        let url = format!("http://{}/health", self.http);
        wait_until("the process to be healthy", 4 * SOON, async || {
            let answer = client.get(&url).send().await.ok();
            answer.is_some_and(|answer| answer.status().is_success())
        })
        .await;
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn restart(&mut self) {
        self.child = spawn(&self.environment);
        self.up().await;
    }

    fn client(&self) -> Client {
        Client::gateway(Service::Payments, self.http)
    }

    fn rpc(&self) -> pitchey_rpc::Payments {
        let targets = Targets::from(std::collections::BTreeMap::from([(
            "payments".to_owned(),
            format!("http://{}", self.rpc),
        )]));
        pitchey_rpc::Payments::new(&targets, identity::signer(Service::Pitches)).unwrap()
    }

    /// Kills the process while `doing` waits for a lock on `table`.
    async fn killed_at(&mut self, app: &App, table: &str, doing: impl Future<Output = ()>) {
        let mut lock: AsyncPgConnection = app.db.admin().await;
        lock.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
        let stuck = wait_until("somebody to wait for the lock", 2 * SOON, async || {
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'";
            text(&app.db, waiting).await != "0"
        });
        tokio::select! {
            () = stuck => {}
            // Its caller gave up before; the process still waits.
            () = async { doing.await; std::future::pending().await } => {}
        }
        self.kill();
        lock.batch_execute("ROLLBACK").await.unwrap();
        self.restart().await;
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer, if the process lived long enough to give one.
async fn answered(asking: impl Future<Output = Answer> + Send + 'static) -> Option<Answer> {
    tokio::spawn(asking).await.ok()
}

async fn app() -> App {
    App::start_with(Clock::system(), |_| {}).await.ignoring()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_that_is_killed_at_any_step_gives_its_credits_once() {
    let (app, broker) = (app().await, Broker::new());
    let mut victim = Victim::start(&app, &broker, false).await;
    for table in [
        "user_plans",
        "idempotency_keys",
        "transactions",
        "credits",
        "credit_ledger",
        "invoice_numbers",
        "invoices",
        "outbox",
    ] {
        let actor = app.db.investor().await;
        let key = Uuid::new_v4().to_string();
        let buy = async |client: Client| -> Option<Answer> {
            let (actor, key) = (actor.clone(), key.clone());
            answered(async move {
                let request =
                    client.post("/api/payments/credits/purchase").as_(&actor).header("idempotency-key", &key);
                request.json(&json!({ "creditPackage": 5 })).send().await
            })
            .await
        };
        let client = victim.client();
        victim.killed_at(&app, table, async { drop(buy(client).await) }).await;
        let answer = buy(victim.client()).await.unwrap();
        assert!([200, 201].contains(&answer.status), "{table}: {answer}");
        wait_until("the credits", 2 * SOON, async || app.balance(&actor).await[0] > 0).await;
        assert_eq!(app.balance(&actor).await, [5, 0, 5, 0, 5, 0], "{table}");
        let payments = format!(
            "SELECT count(*) FROM transactions WHERE user_id = {} AND status = 'completed'",
            actor.id
        );
        assert_eq!(app.number(&payments).await, 1, "{table}");
    }
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_killed_at_any_step_is_applied_once() {
    let (app, broker) = (app().await, Broker::new());
    let mut victim = Victim::start(&app, &broker, true).await;
    for table in ["stripe_events", "transactions", "credits", "credit_ledger", "invoices", "outbox"] {
        let actor = app.db.investor().await;
        let subscriber = Subscriber::of(&app, &actor, app.clock.now()).await;
        let paid = event("payment_intent.succeeded", app.clock.now(), intent(&actor, &subscriber.customer));
        let send = async |client: Client| -> Option<Answer> {
            let body = paid.to_string().into_bytes();
            let header = signature(SECRET, app.clock.now(), &body);
            answered(async move {
                let request = client.post("/api/webhooks/stripe").header("stripe-signature", &header);
                request.body("application/json", body).send().await
            })
            .await
        };
        let client = victim.client();
        victim.killed_at(&app, table, async { drop(send(client).await) }).await;
        assert_eq!(app.balance(&actor).await[0], 0, "{table}: half of it is nothing");
        for _ in 0..2 {
            send(victim.client()).await.unwrap().ok();
        }
        assert_eq!(app.balance(&actor).await, [10, 0, 10, 0, 10, 0], "{table}");
    }
    app.assert_balanced().await;
}

fn intent(actor: &Actor, customer: &str) -> Value {
    json!({
        "id": format!("pi_{}", actor.id), "object": "payment_intent", "amount": 1499, "currency": "eur", "customer": customer,
        "metadata": { "kind": "credits", "user_id": actor.id.to_string(), "credits": "10" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_and_its_capture_that_are_killed_at_any_step_happen_once() {
    let (app, broker) = (app().await, Broker::new());
    app.emitted().ignore::<NdaRequested>();
    app.emitted().ignore::<NdaApproved>();
    app.emitted().ignore::<NdaRevoked>();
    let mut victim = Victim::start(&app, &broker, false).await;
    // The outbox of pitches, and its relay.
    let pitches = app.db.databases(Service::Pitches).await;
    let settings = pitchey_bus::Broker::new(broker.url.clone(), broker.prefix.clone());
    let bus = Bus::start(Service::Pitches, &settings, Some(&pitches), Consumes::nothing(), Listeners::new())
        .unwrap();
    let actor = app.rich(90).await;
    let (mut balance, mut used) = (90, 0);
    for table in ["credits", "credit_holds", "credit_ledger"] {
        let key = HoldKey(Uuid::now_v7());
        let rpc = victim.rpc();
        victim.killed_at(&app, table, async { drop(rpc.hold(key, actor.id, 10, "nda_request").await) }).await;
        assert_eq!(app.balance(&actor).await[0], balance, "{table}");
        wait_until("the hold", SOON, async || {
            matches!(victim.rpc().hold(key, actor.id, 10, "nda_request").await, Ok(Held::Held))
        })
        .await;
        balance -= 10;
        assert_eq!(app.balance(&actor).await[0], balance, "{table}");

        let parties = parties(&actor, key);
        let requested = NdaRequested { parties: parties.clone(), with_message: false };
        let approved =
            NdaApproved { parties: parties.clone(), by_policy: false, sign_until: app.clock.now() };
        for (stage, at) in [("firm", "inbox"), ("captured", "credit_holds"), ("refunded", table)] {
            victim
                .killed_at(
                    &app,
                    at,
                    Box::pin(async {
                        let mut tx = pitches.system.begin().await.unwrap();
                        match stage {
                            "firm" => outbox::append(&mut tx, &requested).unwrap(),
                            "captured" => outbox::append(&mut tx, &approved).unwrap(),
                            _ => {
                                let revoked = NdaRevoked {
                                    parties: parties.clone(),
                                    was_signed: false,
                                    revoked_by: UserId(1),
                                };
                                outbox::append(&mut tx, &revoked).unwrap()
                            }
                        };
                        tx.commit().await.unwrap();
                    }),
                )
                .await;
            let status = format!("SELECT status FROM credit_holds WHERE key = '{key}'");
            wait_until(stage, 4 * SOON, async || app.text(&status).await == stage).await;
            // Every second story ends with the credits spent.
            if stage == "captured" && table == "credit_holds" {
                used += 10;
                break;
            }
        }
        if table != "credit_holds" {
            balance += 10;
        }
        assert_eq!(app.balance(&actor).await[..4], [balance, 0, balance, 0], "{table}");
        assert_eq!(app.balance(&actor).await[5], used, "{table}");
    }
    bus.shutdown().await;
    app.assert_balanced().await;
}

fn parties(actor: &Actor, hold: HoldKey) -> NdaParties {
    NdaParties {
        nda_id: NdaId(1),
        pitch_id: PitchId(1),
        pitch_title: String::new(),
        owner_id: UserId(1),
        requester_id: actor.id,
        nda_type: NdaType::Basic,
        hold: Some(hold),
    }
}
