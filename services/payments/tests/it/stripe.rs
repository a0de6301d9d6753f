//! Stripe: localstripe as a process, and what it never sends, in Stripe's published shape, signed by the test.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use pitchey_testkit::{Answer, SOON, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::app::{App, SECRET};

/// A Stripe server that nobody here wrote.
pub struct LocalStripe {
    pub url: String,
    process: Child,
    http: reqwest::Client,
    _folder: TempDir,
}

impl LocalStripe {
    pub async fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/dev/localstripe");
        let found = Command::new(script).output().unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let program = String::from_utf8(found.stdout).unwrap();
        let port = TcpListener::bind("[::]:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new(program.trim())
            .args(["--from-scratch", "--port", &port.to_string()])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let http = pitchey_testkit::http().build().unwrap();
        let stripe = Self { url: format!("http://127.0.0.1:{port}"), process, http, _folder: folder };
        wait_until("localstripe answers", SOON, async || {
            stripe.try_call(Method::GET, "/v1/customers", &[]).await.is_some()
        })
        .await;
        stripe
    }

    async fn try_call(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Option<Value> {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form);
        let request =
            self.http.request(method, format!("{}{path}", self.url)).bearer_auth("sk_test_of_a_test");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body.finish());
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let json: Value = answer.json().await.unwrap_or(Value::Null);
        assert!(status.is_success(), "{path}: {status} {json}");
        Some(json)
    }

    pub async fn get(&self, path: &str) -> Value {
        self.try_call(Method::GET, path, &[]).await.unwrap()
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        self.try_call(Method::POST, path, form).await.unwrap()
    }

    /// A card that pays, or `4000000000000341`, which can be kept and does not.
    pub async fn card(&self, number: &str) -> String {
        let form = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2040"),
            ("card[cvc]", "123"),
        ];
        self.post("/v1/payment_methods", &form).await["id"].as_str().unwrap().to_owned()
    }

    /// Gives `customer` a card to be charged by default.
    pub async fn give_card(&self, customer: &str, number: &str) {
        let card = self.card(number).await;
        self.post(&format!("/v1/payment_methods/{card}/attach"), &[("customer", customer)]).await;
        let form = [("invoice_settings[default_payment_method]", card.as_str())];
        self.post(&format!("/v1/customers/{customer}"), &form).await;
    }

    /// Pays `intent` by a card, as the payer's browser would.
    pub async fn pay(&self, intent: &str, number: &str) -> Value {
        let card = self.card(number).await;
        self.post(&format!("/v1/payment_intents/{intent}"), &[("payment_method", &card)]).await;
        let confirm = format!("/v1/payment_intents/{intent}/confirm");
        self.try_call(Method::POST, &confirm, &[]).await.unwrap()
    }

    /// Confirms `intent` with a card that will not pay.
    pub async fn try_to_pay(&self, intent: &str) {
        let request = self
            .http
            .post(format!("{}/v1/payment_intents/{intent}/confirm", self.url))
            .bearer_auth("sk_test_of_a_test");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 402);
    }

    /// Everything that happened, oldest first, as it would be sent. localstripe has no list of them; it sends them.
    pub async fn listen(&self) -> Inbox {
        let inbox = Inbox::start().await;
        let body = json!({ "url": inbox.url, "secret": SECRET });
        let answer =
            self.http.post(format!("{}/_config/webhooks/test", self.url)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success());
        inbox
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Takes in what localstripe sends, to be handed on through the gateway's signature.
pub struct Inbox {
    url: String,
    server: wiremock::MockServer,
}

impl Inbox {
    async fn start() -> Self {
        let server = wiremock::MockServer::start().await;
        let any = wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(wiremock::ResponseTemplate::new(200));
        any.mount(&server).await;
        Self { url: server.uri(), server }
    }

    /// Waits for an event of `kind`, and hands it to the service as it came: body and signature.
    pub async fn hand_on(&self, app: &App, kind: &str) -> Answer {
        let found = pitchey_testkit::wait_for(&format!("{kind} from localstripe"), SOON, async || {
            let received = self.server.received_requests().await.unwrap();
            received.into_iter().find(|request| {
                serde_json::from_slice::<Value>(&request.body).is_ok_and(|event| event["type"] == kind)
            })
        })
        .await;
        let signature = found.headers.get("stripe-signature").unwrap().to_str().unwrap().to_owned();
        let request = app.client.post("/api/webhooks/stripe").header("stripe-signature", &signature);
        request.body("application/json; charset=utf-8", found.body.clone()).send().await
    }
}

/// An event in Stripe's shape.
#[expect(clippy::needless_pass_by_value, reason = "it is written where it is sent")]
pub fn event(kind: &str, at: DateTime<Utc>, object: Value) -> Value {
    json!({
        "id": format!("evt_{}", Uuid::new_v4().simple()),
        "object": "event",
        "api_version": "2024-06-20",
        "created": at.timestamp(),
        "data": { "object": object },
        "livemode": false,
        "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null },
        "type": kind,
    })
}

/// The header for `body`, signed at `at` with `secret`.
pub fn signature(secret: &str, at: DateTime<Utc>, body: &[u8]) -> String {
    let time = at.timestamp().to_string();
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(time.as_bytes()).chain_update(b".").chain_update(body).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

/// Sends `event` as Stripe does.
pub async fn send(app: &App, event: &Value) -> Answer {
    let body = event.to_string().into_bytes();
    let header = signature(SECRET, app.clock.now(), &body);
    app.client
        .post("/api/webhooks/stripe")
        .header("stripe-signature", &header)
        .body("application/json", body)
        .send()
        .await
}

/// A customer and its subscription, in Stripe's shape.
#[derive(Clone)]
pub struct Subscriber {
    pub customer: String,
    pub subscription: String,
    pub began: DateTime<Utc>,
}

impl Subscriber {
    /// `actor`'s, known to the service by the name of its customer.
    pub async fn of(app: &App, actor: &pitchey_identity::Actor, began: DateTime<Utc>) -> Self {
        let customer = format!("cus_{}", Uuid::new_v4().simple());
        app.db
            .execute(&format!(
                "INSERT INTO user_plans (user_id, customer_id, updated_at) VALUES ({}, '{customer}', now())",
                actor.id
            ))
            .await;
        Self { customer, subscription: format!("sub_{}", Uuid::new_v4().simple()), began }
    }

    /// The subscription as an object: `price` is a name of a price, `months` the number of the period that runs.
    pub fn object(&self, status: &str, price: &str, months: u32) -> Value {
        let time = |months: u32| (self.began + chrono::Months::new(months)).timestamp();
        json!({
            "id": self.subscription,
            "object": "subscription",
            "cancel_at_period_end": false,
            "canceled_at": null,
            "collection_method": "charge_automatically",
            "created": self.began.timestamp(),
            "currency": "eur",
            "current_period_start": time(months),
            "current_period_end": time(months + 1),
            "customer": self.customer,
            "ended_at": if status == "canceled" { json!(time(months + 1)) } else { Value::Null },
            "items": { "object": "list", "data": [{
                "id": "si_1", "object": "subscription_item", "quantity": 1, "subscription": self.subscription,
                "price": { "id": price, "object": "price", "currency": "eur", "type": "recurring" },
                "plan": { "id": price, "object": "plan" },
            }], "has_more": false },
            "latest_invoice": "in_1",
            "livemode": false,
            "metadata": {},
            "start_date": self.began.timestamp(),
            "status": status,
        })
    }

    /// The invoice of period number `months`, as an object.
    pub fn invoice(&self, price: &str, months: u32, cents: i64, paid: bool) -> Value {
        let time = |months: u32| (self.began + chrono::Months::new(months)).timestamp();
        json!({
            "id": format!("in_{}_{months}", self.subscription),
            "object": "invoice",
            "amount_due": cents,
            "amount_paid": if paid { cents } else { 0 },
            "attempt_count": 1,
            "billing_reason": if months == 0 { "subscription_create" } else { "subscription_cycle" },
            "created": time(months),
            "currency": "eur",
            "customer": self.customer,
            "lines": { "object": "list", "data": [{
                "id": "il_1", "object": "line_item", "amount": cents, "currency": "eur", "proration": false,
                "period": { "start": time(months), "end": time(months + 1) },
                "price": { "id": price, "object": "price" }, "subscription": self.subscription, "type": "subscription",
            }], "has_more": false },
            "livemode": false,
            "payment_intent": format!("pi_{}_{months}", self.subscription),
            "status": if paid { "paid" } else { "open" },
            "subscription": self.subscription,
        })
    }
}

pub const CREATOR: &str = "pitchey_creator_month_1999_eur";
pub const PRO: &str = "pitchey_pro_month_2999_eur";
