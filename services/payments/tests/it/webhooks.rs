use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{App, SECRET};
use crate::stripe::{CREATOR, PRO, Subscriber, event, send, signature};

async fn app() -> App {
    App::with_stripe("http://localhost:1").await
}

async fn a_subscription() -> (App, pitchey_identity::Actor, Subscriber) {
    let app = app().await;
    let actor = app.db.creator().await;
    let subscriber = Subscriber::of(&app, &actor, app.clock.now()).await;
    (app, actor, subscriber)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_a_replayed_a_stale_and_a_future_webhook_are_refused() {
    let (app, actor, subscriber) = a_subscription().await;
    let now = app.clock.now();
    let body =
        event("invoice.paid", now, subscriber.invoice(CREATOR, 0, 1999, true)).to_string().into_bytes();
    let post = async |header: Option<String>, body: &[u8]| {
        let request = app.client.post("/api/webhooks/stripe").body("application/json", body.to_vec());
        match header {
            Some(header) => request.header("stripe-signature", &header).send().await,
            None => request.send().await,
        }
    };
    let forged = signature("whsec_guessed", now, &body);
    let stale = signature(SECRET, now - TimeDelta::seconds(301), &body);
    let future = signature(SECRET, now + TimeDelta::seconds(301), &body);
    for header in
        [None, Some(String::new()), Some("t=1,v1=00".to_owned()), Some(forged), Some(stale), Some(future)]
    {
        post(header, &body).await.refused(400, "webhook_refused");
    }
    let good = signature(SECRET, now, &body);
    let other = String::from_utf8(body.clone()).unwrap().replace("1999", "1").into_bytes();
    post(Some(good.clone()), &other).await.refused(400, "webhook_refused");
    assert_eq!(app.number("SELECT count(*) FROM stripe_events").await, 0);
    post(Some(good.clone()), &body).await.ok();
    // The very same request again, in time: nothing more follows.
    post(Some(good), &body).await.ok();
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 1);
    // A signature that came late is none.
    app.pass(TimeDelta::seconds(301));
    post(Some(signature(SECRET, now, &body)), &body).await.refused(400, "webhook_refused");
    assert_eq!(app.get("/api/payments/history", &actor).await.ok()["meta"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_that_is_signed_is_refused_and_forgotten() {
    let (app, ..) = a_subscription().await;
    let now = app.clock.now();
    for body in ["", "[]", "{}", "\u{0}", r#"{"id":"evt_1","type":"invoice.paid","created":1,"data":{}}"#] {
        let header = signature(SECRET, now, body.as_bytes());
        let request = app.client.post("/api/webhooks/stripe").header("stripe-signature", &header);
        request
            .body("application/json", body.as_bytes().to_vec())
            .send()
            .await
            .refused(400, "webhook_unreadable");
    }
    send(&app, &event("invoice.paid", now, json!({ "id": "in_1" }))).await.refused(400, "webhook_unreadable");
    assert_eq!(app.number("SELECT count(*) FROM stripe_events").await, 0);
    send(&app, &event("customer.tax_id.created", now, json!({ "id": "txi_1" }))).await.ok();
    assert_eq!(app.text("SELECT outcome FROM stripe_events").await, "ignored");
    // Of somebody who is not ours.
    let stranger =
        Subscriber { customer: "cus_strange".to_owned(), subscription: "sub_strange".to_owned(), began: now };
    send(&app, &event("invoice.paid", now, stranger.invoice(CREATOR, 0, 1999, true))).await.ok();
    send(&app, &event("customer.subscription.created", now, stranger.object("active", CREATOR, 0)))
        .await
        .ok();
    assert_eq!(app.number("SELECT count(*) FROM subscriptions").await, 0);
    let large = vec![b' '; 300 * 1024];
    let header = signature(SECRET, now, &large);
    let request = app.client.post("/api/webhooks/stripe").header("stripe-signature", &header);
    request.body("application/json", large).send().await.refused(413, "payload_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stripe_there_are_no_webhooks() {
    let app = App::start().await;
    let body = event("invoice.paid", app.clock.now(), json!({}));
    send(&app, &body).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_events_of_one_invoice_are_one_payment() {
    let (app, actor, subscriber) = a_subscription().await;
    let now = app.clock.now();
    let invoice = subscriber.invoice(CREATOR, 0, 1999, true);
    send(&app, &event("customer.subscription.created", now, subscriber.object("active", CREATOR, 0)))
        .await
        .ok();
    let events =
        [event("invoice.paid", now, invoice.clone()), event("invoice.payment_succeeded", now, invoice)];
    for answer in join_all(events.iter().map(|event| send(&app, event))).await {
        answer.ok();
    }
    assert_eq!(app.balance(&actor).await[0], 10);
    assert_eq!(app.number("SELECT count(*) FROM invoices").await, 1);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_payment_leaves_the_plan_for_seven_days() {
    let (app, actor, subscriber) = a_subscription().await;
    let began = app.clock.now();
    let at = |months: u32| began + chrono::Months::new(months);
    send(&app, &event("customer.subscription.created", began, subscriber.object("active", PRO, 0)))
        .await
        .ok();
    send(&app, &event("invoice.paid", began, subscriber.invoice(PRO, 0, 2999, true))).await.ok();
    app.pass(at(1) - began + TimeDelta::hours(1));
    send(&app, &event("invoice.payment_failed", app.clock.now(), subscriber.invoice(PRO, 1, 2999, false)))
        .await
        .ok();
    send(
        &app,
        &event("customer.subscription.updated", app.clock.now(), subscriber.object("past_due", PRO, 1)),
    )
    .await
    .ok();
    app.sweep().await;
    let standing = app.standing(&actor).await;
    assert_eq!((&standing["tier"], &standing["status"]), (&json!("pro"), &json!("past_due")));
    assert!(!standing["graceUntil"].is_null());
    assert_eq!(app.balance(&actor).await[0], 30, "no grant for a month that is not paid");
    app.pass(TimeDelta::days(7));
    // What may be used does not wait for the sweep.
    assert_eq!(app.standing(&actor).await["tier"], "free");
    app.sweep().await;
    assert_eq!(app.text("SELECT tier FROM user_plans").await, "free");
    // Paid after all.
    send(&app, &event("invoice.paid", app.clock.now(), subscriber.invoice(PRO, 1, 2999, true))).await.ok();
    send(&app, &event("customer.subscription.updated", app.clock.now(), subscriber.object("active", PRO, 1)))
        .await
        .ok();
    assert_eq!(app.standing(&actor).await["tier"], "pro");
    assert_eq!(app.balance(&actor).await[0], 30, "the grant of the month, in the place of what was left");
    assert_eq!(
        app.text("SELECT string_agg(status, ' ' ORDER BY id) FROM transactions").await,
        "completed failed completed"
    );
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shape_of_the_newer_api_is_understood() {
    let (app, actor, subscriber) = a_subscription().await;
    let now = app.clock.now();
    let mut object = subscriber.object("active", CREATOR, 0);
    for field in ["current_period_start", "current_period_end"] {
        object["items"]["data"][0][field] = object[field].clone();
        object.as_object_mut().unwrap().remove(field);
    }
    let mut invoice = subscriber.invoice(CREATOR, 0, 1999, true);
    let fields = invoice.as_object_mut().unwrap();
    fields.remove("subscription");
    fields.remove("payment_intent");
    invoice["parent"] = json!({ "type": "subscription_details", "subscription_details": { "subscription": subscriber.subscription } });
    invoice["payments"] =
        json!({ "data": [{ "payment": { "type": "payment_intent", "payment_intent": "pi_new" } }] });
    invoice["lines"]["data"][0].as_object_mut().unwrap().remove("price");
    invoice["lines"]["data"][0]["pricing"] =
        json!({ "type": "price_details", "price_details": { "price": CREATOR } });
    send(&app, &event("customer.subscription.created", now, object)).await.ok();
    send(&app, &event("invoice.paid", now, invoice)).await.ok();
    assert_eq!(app.standing(&actor).await["tier"], "creator");
    assert!(!app.standing(&actor).await["currentPeriodEnd"].is_null());
    assert_eq!(app.balance(&actor).await[0], 10);
    assert_eq!(app.text("SELECT stripe_payment_intent_id FROM transactions").await, "pi_new");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_effect_fails_is_not_remembered() {
    let (app, actor, subscriber) = a_subscription().await;
    let now = app.clock.now();
    let event: Value = event("invoice.paid", now, subscriber.invoice(CREATOR, 0, 1999, true));
    app.db.execute("ALTER TABLE invoices ADD CONSTRAINT broken CHECK (sequence > 1)").await;
    send(&app, &event).await.refused(500, "internal_error");
    assert_eq!(app.number("SELECT count(*) FROM stripe_events").await, 0);
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 0);
    app.db.execute("ALTER TABLE invoices DROP CONSTRAINT broken").await;
    send(&app, &event).await.ok();
    assert_eq!(
        app.get("/api/payments/history", &actor).await.ok()["data"][0]["invoiceNumber"],
        format!("{}-000001", now.format("%Y")),
        "no number was lost"
    );
}
