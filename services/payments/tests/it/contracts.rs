use pitchey_bus::Plan;
use pitchey_clock::Clock;
use pitchey_config::Mode;
use pitchey_events::Service;
use pitchey_launch::Process;
use pitchey_payments::Payments;
use pitchey_testkit::{Client, TestDatabase, schema};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, stripe_at};

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_says_what_the_database_has() {
    let db = TestDatabase::create().await;
    schema::assert_matches(&db, Service::Payments, include_str!("../../src/schema.rs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_and_the_consumers_agree() {
    let app = App::start().await;
    let databases = app.db.databases(Service::Payments).await;
    let (consumes, listeners) = pitchey_payments::hears(&app.settings, databases, app.clock.clone()).unwrap();
    let found = consumes.disagreements(Service::Payments, &listeners, &Plan::default());
    assert!(found.is_empty(), "{found:?}");
}

/// The contract's row: method, path, body, the status for a new creator, and the fields that the answer has.
const ROUTES: [(&str, &str, &str, u16, &[&str]); 10] = [
    (
        "GET",
        "/api/payments/credits/balance",
        "",
        200,
        &["balance", "granted", "purchased", "held", "lifetimePurchased", "lifetimeUsed"],
    ),
    ("GET", "/api/payments/credits/ledger", "", 200, &["data", "meta"]),
    ("GET", "/api/payments/plans", "", 200, &["data", "meta"]),
    ("GET", "/api/payments/packages", "", 200, &["data", "meta"]),
    (
        "POST",
        "/api/payments/credits/purchase",
        r#"{"creditPackage":5}"#,
        201,
        &["message", "transaction", "clientSecret"],
    ),
    (
        "POST",
        "/api/payments/subscribe",
        r#"{"tier":"creator","billingInterval":"month"}"#,
        201,
        &["message", "subscription", "clientSecret"],
    ),
    ("POST", "/api/payments/cancel-subscription", "", 200, &["message", "subscription"]),
    (
        "GET",
        "/api/payments/subscription-status",
        "",
        200,
        &["tier", "status", "billingInterval", "currentPeriodEnd", "cancelAtPeriodEnd"],
    ),
    ("GET", "/api/payments/history", "", 200, &["data", "meta"]),
    ("POST", "/api/webhooks/stripe", "{}", 404, &["error", "code", "requestId"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_as_the_contract_says() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    for (method, path, body, status, fields) in ROUTES {
        let request = app.client.request(Method::from_bytes(method.as_bytes()).unwrap(), path).as_(&actor);
        let answer = request.body("application/json", body.as_bytes().to_vec()).send().await.expect(status);
        for field in fields {
            assert!(answer.json.get(field).is_some(), "{method} {path} lacks {field}: {answer}");
        }
    }
    let csv = app.get("/api/payments/export?format=csv", &actor).await.expect(200);
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = String::from_utf8(csv.bytes.to_vec()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "id,createdAt,paidAt,type,status,amountCents,currency,invoiceNumber,description");
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[1].contains("subscription,completed,1999,EUR")
            && lines[1].ends_with("\"Plan Creator, monthly\""),
        "{text}"
    );
    app.get("/api/payments/export?format=pdf", &actor).await.invalid(&["format"]);
    for path in ["/api/payments/nothing", "/api/payments"] {
        app.get(path, &actor).await.refused(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_anybody_may_know() {
    let app = App::start().await;
    let plans = app.client.get("/api/payments/plans").send().await.ok();
    assert_eq!(
        plans["data"][2],
        json!({ "tier": "pro", "name": "Pro", "creditsAMonth": 30, "currency": "EUR", "priceAMonth": 2999, "priceAYear": 29900 })
    );
    let packages = app.client.get("/api/payments/packages?limit=2").send().await.ok();
    assert_eq!(
        packages["data"],
        json!([{ "credits": 1, "currency": "EUR", "price": 299 }, { "credits": 5, "currency": "EUR", "price": 899 }])
    );
    assert_eq!(packages["meta"]["total"], 4);
}

#[test]
fn every_route_is_documented() {
    let document = pitchey_web::openapi(Service::Payments, pitchey_payments::routes).to_json().unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for (method, path, ..) in ROUTES {
        assert!(paths[path][method.to_lowercase()].is_object(), "{method} {path}");
    }
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(operations, ROUTES.len() + 2, "the export and refunds");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_is_named_and_never_local_in_production() {
    let app = App::start().await;
    let health = Client::unsigned(app.service.http_address()).get("/health").send().await.ok();
    assert_eq!((&health["provider"], &health["status"]), (&json!("local"), &json!("healthy")));

    let mut settings = app.settings.clone();
    settings.mode = Mode::Production;
    let refused = Payments::start(settings.clone(), Clock::system()).await.err().unwrap();
    assert!(refused.to_string().contains("PAYMENTS_STRIPE__KEY is required"), "{refused}");
    stripe_at(&mut settings, "http://localhost:1");
    settings.stripe.webhook_secrets = None;
    let refused = Payments::start(settings.clone(), Clock::system()).await.err().unwrap();
    assert!(refused.to_string().contains("WEBHOOK_SECRETS is required"), "{refused}");
    stripe_at(&mut settings, "http://localhost:1");
    let service = Payments::start(settings, Clock::system()).await.unwrap();
    let health = Client::unsigned(service.http_address()).get("/health").send().await.ok();
    assert_eq!(health["provider"], "stripe");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_and_invoices_only_grow() {
    let app = App::start().await;
    let actor = app.rich(30).await;
    for table in ["credit_ledger", "invoices"] {
        for change in ["UPDATE {} SET user_id = user_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"] {
            use diesel_async::SimpleAsyncConnection;
            let refused = app
                .db
                .admin()
                .await
                .batch_execute(&change.replace("{}", table))
                .await
                .unwrap_err()
                .to_string();
            assert!(refused.contains("append-only"), "{refused}");
        }
    }
    assert_eq!(app.balance(&actor).await[0], 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_around_the_gateway() {
    let app = App::start().await;
    Client::unsigned(app.service.http_address())
        .get("/api/payments/plans")
        .send()
        .await
        .refused(401, "not_the_gateway");
}
