//! Buying by Stripe, played by localstripe; and what follows when money goes back.

use pitchey_clock::Clock;
use pitchey_events::{PaymentFailed, PaymentRefunded};
use serde_json::{Value, json};

use crate::app::{App, stripe_at};
use crate::stripe::{LocalStripe, event, send};

async fn with_localstripe() -> (LocalStripe, App) {
    let stripe = LocalStripe::start().await;
    let app = App::start_with(Clock::system(), |settings| stripe_at(settings, &stripe.url)).await.ignoring();
    (stripe, app)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_paid_and_its_credits_come_by_webhook() {
    let (stripe, app) = with_localstripe().await;
    let inbox = stripe.listen().await;
    let actor = app.db.investor().await;
    let begun = app.buy(&actor, 10).await.expect(201);
    assert_eq!(
        (&begun["transaction"]["status"], &begun["transaction"]["amountCents"]),
        (&json!("pending"), &json!(1499))
    );
    let secret = begun["clientSecret"].as_str().unwrap();
    let intent = secret.split("_secret_").next().unwrap();
    assert_eq!(app.balance(&actor).await, [0; 6], "not paid yet");
    stripe.pay(intent, "4242424242424242").await;
    for _ in 0..2 {
        inbox.hand_on(&app, "payment_intent.succeeded").await.ok();
    }
    assert_eq!(app.balance(&actor).await, [10, 0, 10, 0, 10, 0]);
    let history = app.get("/api/payments/history", &actor).await.ok();
    let paid = &history["data"][0];
    assert_eq!((&paid["status"], &paid["credits"]), (&json!("completed"), &json!(10)));
    assert!(paid["invoiceNumber"].as_str().unwrap().ends_with("-000001"));
    // One customer for all that the user buys.
    app.buy(&actor, 1).await.expect(201);
    assert_eq!(stripe.get("/v1/customers").await["data"].as_array().unwrap().len(), 1);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_does_not_pay_buys_nothing() {
    let (stripe, app) = with_localstripe().await;
    let inbox = stripe.listen().await;
    let actor = app.db.investor().await;
    let begun = app.buy(&actor, 5).await.expect(201);
    let intent = begun["clientSecret"].as_str().unwrap().split("_secret_").next().unwrap().to_owned();
    let card = stripe.card("4000000000000341").await;
    stripe.post(&format!("/v1/payment_intents/{intent}"), &[("payment_method", &card)]).await;
    stripe.try_to_pay(&intent).await;
    inbox.hand_on(&app, "payment_intent.payment_failed").await.ok();
    assert_eq!(app.balance(&actor).await, [0; 6]);
    assert_eq!(app.text("SELECT status FROM transactions").await, "failed");
    // The same payment may be tried with another card; localstripe lets nobody try again.
    let customer = app.text("SELECT customer_id FROM user_plans").await;
    let mut paid = intent_of(&actor, &customer, &intent);
    paid["amount"] = json!(899);
    send(&app, &event("payment_intent.succeeded", app.clock.now(), paid)).await.ok();
    assert_eq!(app.balance(&actor).await[0], 5);
    assert_eq!(app.text("SELECT status FROM transactions").await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_paid_by_the_card_that_is_known_and_follows_stripe() {
    let (stripe, app) = with_localstripe().await;
    let inbox = stripe.listen().await;
    let actor = app.db.creator().await;
    app.buy(&actor, 1).await.expect(201);
    let customer = app.text("SELECT customer_id FROM user_plans").await;
    stripe.give_card(&customer, "4242424242424242").await;
    let answer = app.subscribe(&actor, "creator", "month").await.expect(201);
    assert_eq!(
        (&answer["subscription"]["status"], &answer["clientSecret"]),
        (&json!("active"), &Value::Null)
    );
    inbox.hand_on(&app, "customer.subscription.created").await.ok();
    inbox.hand_on(&app, "invoice.payment_succeeded").await.ok();
    let standing = app.standing(&actor).await;
    assert_eq!((&standing["tier"], &standing["status"]), (&json!("creator"), &json!("active")));
    assert_eq!(app.balance(&actor).await[0], 10);
    let subscription = app.text("SELECT provider_id FROM subscriptions").await;
    assert_eq!(stripe.get(&format!("/v1/subscriptions/{subscription}")).await["plan"]["amount"], 1999);

    app.subscribe(&actor, "pro", "month").await.expect(200);
    assert_eq!(app.standing(&actor).await["tier"], "pro");
    assert_eq!(stripe.get(&format!("/v1/subscriptions/{subscription}")).await["plan"]["amount"], 2999);

    app.post("/api/payments/cancel-subscription", &actor, json!({})).await.expect(200);
    assert_eq!(stripe.get(&format!("/v1/subscriptions/{subscription}")).await["cancel_at_period_end"], true);
    assert_eq!(app.standing(&actor).await["cancelAtPeriodEnd"], true);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_gives_money_back_and_the_credits_go_with_it() {
    let (stripe, app) = with_localstripe().await;
    let inbox = stripe.listen().await;
    let (actor, admin) = (app.db.investor().await, app.db.operator().await);
    let begun = app.buy(&actor, 10).await.expect(201);
    let id = begun["transaction"]["id"].as_i64().unwrap();
    let intent = begun["clientSecret"].as_str().unwrap().split("_secret_").next().unwrap().to_owned();
    let refund = async |body: Value| app.post("/api/payments/refund", &admin, body).await;
    refund(json!({ "transactionId": id })).await.refused(409, "not_refundable");
    stripe.pay(&intent, "4242424242424242").await;
    inbox.hand_on(&app, "payment_intent.succeeded").await.ok();
    app.post("/api/payments/refund", &actor, json!({ "transactionId": id })).await.refused(403, "forbidden");
    refund(json!({ "transactionId": id, "amountCents": 1500 })).await.refused(409, "not_refundable");
    refund(json!({ "transactionId": id, "amountCents": 0 })).await.invalid(&["amountCents"]);
    refund(json!({ "transactionId": 999_999 })).await.refused(404, "not_found");
    refund(json!({ "transactionId": id })).await.ok();
    let refunds = stripe.get("/v1/refunds").await;
    assert_eq!(refunds["data"][0]["amount"], 1499);

    // What localstripe does not send.
    let charge = charge(&app, &actor, &intent, 1499, 1499).await;
    for _ in 0..2 {
        send(&app, &charge).await.ok();
    }
    assert_eq!(app.balance(&actor).await, [0, 0, 0, 0, 10, 0]);
    assert_eq!(app.text("SELECT string_agg(type || ' ' || amount::bigint || ' ' || status, ', ' ORDER BY id) FROM transactions").await, "credits 1499 refunded, refund -1499 completed");
    assert_eq!(
        app.text("SELECT string_agg(kind || ' ' || sequence, ', ' ORDER BY id) FROM invoices").await,
        "invoice 1, credit_note 2"
    );
    app.assert_balanced().await;
}

async fn charge(
    app: &App,
    actor: &pitchey_identity::Actor,
    intent: &str,
    amount: i64,
    refunded: i64,
) -> Value {
    let customer =
        app.text(&format!("SELECT customer_id FROM user_plans WHERE user_id = {}", actor.id)).await;
    event(
        "charge.refunded",
        app.clock.now(),
        json!({
            "id": format!("ch_{intent}"), "object": "charge", "amount": amount, "amount_captured": amount, "amount_refunded": refunded,
            "currency": "eur", "customer": customer, "payment_intent": intent, "refunded": refunded == amount, "status": "succeeded",
        }),
    )
}

fn dispute(app: &App, kind: &str, intent: &str, status: &str) -> Value {
    event(
        kind,
        app.clock.now(),
        json!({
            "id": format!("dp_{intent}"), "object": "dispute", "amount": 1499, "charge": format!("ch_{intent}"), "currency": "eur",
            "evidence": {}, "payment_intent": intent, "reason": "fraudulent", "status": status,
        }),
    )
}

/// A user with a package of ten that was paid, and the name of the payment. Stripe is away: its webhooks come from the test.
async fn paid() -> (App, pitchey_identity::Actor, String) {
    let app = App::with_stripe("http://localhost:1").await;
    let actor = app.db.investor().await;
    let subscriber = crate::stripe::Subscriber::of(&app, &actor, app.clock.now()).await;
    let intent = format!("pi_{}", actor.id);
    let object = intent_of(&actor, &subscriber.customer, &intent);
    send(&app, &event("payment_intent.succeeded", app.clock.now(), object)).await.ok();
    assert_eq!(
        app.balance(&actor).await[0],
        10,
        "also where our own row was lost on the way: Stripe knows what it was for"
    );
    (app, actor, intent)
}

fn intent_of(actor: &pitchey_identity::Actor, customer: &str, id: &str) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": 1499, "amount_received": 1499, "currency": "eur", "customer": customer,
        "client_secret": format!("{id}_secret_x"), "latest_charge": format!("ch_{id}"), "status": "succeeded",
        "metadata": { "kind": "credits", "user_id": actor.id.to_string(), "credits": "10" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_in_part_takes_its_part() {
    let (app, actor, intent) = paid().await;
    // Told out of order: the larger sum counts.
    for cents in [750, 300] {
        send(&app, &charge(&app, &actor, &intent, 1499, cents).await).await.ok();
    }
    assert_eq!(app.balance(&actor).await, [4, 0, 4, 0, 10, 0], "10 x 749/1499, whole ones");
    assert_eq!(
        app.text("SELECT status FROM transactions WHERE type = 'credits'").await,
        "partially_refunded"
    );
    assert_eq!(app.number("SELECT sum(amount)::bigint FROM transactions WHERE type = 'refund'").await, -750);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spent_credits_can_not_be_taken_back() {
    let (app, actor, intent) = paid().await;
    app.held(&actor, 7).await;
    send(&app, &charge(&app, &actor, &intent, 1499, 1499).await).await.ok();
    assert_eq!(app.balance(&actor).await[..4], [0, 0, 0, 7]);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_takes_the_credits_and_a_won_one_gives_them_again() {
    let (app, actor, intent) = paid().await;
    send(&app, &dispute(&app, "charge.dispute.created", &intent, "warning_needs_response")).await.ok();
    assert_eq!(app.balance(&actor).await[0], 10, "an inquiry");
    send(&app, &dispute(&app, "charge.dispute.created", &intent, "needs_response")).await.ok();
    assert_eq!(app.balance(&actor).await[0], 0);
    assert_eq!(app.text("SELECT status FROM transactions WHERE type = 'credits'").await, "disputed");
    send(&app, &dispute(&app, "charge.dispute.closed", &intent, "won")).await.ok();
    // Late news of the beginning changes nothing.
    send(&app, &dispute(&app, "charge.dispute.created", &intent, "needs_response")).await.ok();
    assert_eq!(app.balance(&actor).await, [10, 0, 10, 0, 10, 0]);
    assert_eq!(
        app.text("SELECT string_agg(type || ' ' || status, ', ' ORDER BY id) FROM transactions").await,
        "credits completed, dispute cancelled"
    );
    app.assert_balanced().await;

    let (app, actor, intent) = paid().await;
    for (kind, status) in [("charge.dispute.closed", "lost"), ("charge.dispute.created", "needs_response")] {
        send(&app, &dispute(&app, kind, &intent, status)).await.ok();
    }
    assert_eq!(app.balance(&actor).await[0], 0);
    assert_eq!(
        app.text("SELECT string_agg(type || ' ' || status, ', ' ORDER BY id) FROM transactions").await,
        "credits disputed, dispute completed"
    );
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_of_a_payment_that_was_not_heard_of_come_again() {
    let (app, actor, _) = paid().await;
    send(&app, &charge(&app, &actor, "pi_unknown", 1499, 1499).await)
        .await
        .refused(503, "temporarily_unavailable");
    send(&app, &dispute(&app, "charge.dispute.created", "pi_unknown", "needs_response"))
        .await
        .refused(503, "temporarily_unavailable");
    assert_eq!(
        app.number("SELECT count(*) FROM stripe_events").await,
        1,
        "nothing is remembered of what was not applied"
    );
    // Somebody else's, in the same account of Stripe's.
    let mut strange = charge(&app, &actor, "pi_strange", 100, 100).await;
    strange["data"]["object"]["customer"] = json!("cus_strange");
    send(&app, &strange).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_than_was_agreed_is_not_booked() {
    let (app, actor, intent) = paid().await;
    let customer = app.text("SELECT customer_id FROM user_plans").await;
    for (field, value) in [("amount", json!(1)), ("currency", json!("usd"))] {
        let mut object = intent_of(&actor, &customer, &intent);
        object[field] = value;
        send(&app, &event("payment_intent.succeeded", app.clock.now(), object))
            .await
            .refused(500, "internal_error");
    }
    for (field, value) in [("credits", json!("1000")), ("user_id", json!("999999"))] {
        let mut object = intent_of(&actor, &customer, "pi_other");
        object["metadata"][field] = value;
        send(&app, &event("payment_intent.succeeded", app.clock.now(), object))
            .await
            .refused(500, "internal_error");
    }
    assert_eq!(app.balance(&actor).await[0], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_and_what_goes_back_is_told() {
    let app = App::start_with(Clock::system(), |settings| stripe_at(settings, "http://localhost:1")).await;
    let actor = app.db.investor().await;
    let subscriber = crate::stripe::Subscriber::of(&app, &actor, app.clock.now()).await;
    let object = intent_of(&actor, &subscriber.customer, "pi_1");
    send(&app, &event("payment_intent.payment_failed", app.clock.now(), object.clone())).await.ok();
    let failed = app.emitted().take::<PaymentFailed>().await;
    assert_eq!(
        (failed.amount_cents, failed.description.as_str(), failed.for_plan),
        (1499, "10 credits", false)
    );
    send(&app, &event("payment_intent.succeeded", app.clock.now(), object)).await.ok();
    app.emitted().take::<pitchey_events::CreditsPurchased>().await;
    app.emitted().take::<pitchey_events::PaymentSucceeded>().await;
    send(&app, &charge(&app, &actor, "pi_1", 1499, 1499).await).await.ok();
    let refunded = app.emitted().take::<PaymentRefunded>().await;
    assert!(refunded.invoice_number.ends_with("-000002"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_away_nothing_is_begun() {
    let app = App::with_stripe("http://localhost:1").await;
    let actor = app.db.investor().await;
    app.buy(&actor, 5).await.refused(503, "payment_provider_unavailable");
    app.subscribe(&actor, "pro", "month").await.refused(503, "payment_provider_unavailable");
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 0);
    app.get("/api/payments/credits/balance", &actor).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_at_stripe_carries_a_key_and_is_tried_again_with_it() {
    use wiremock::matchers::{header_exists, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};
    let stripe = MockServer::start().await;
    let answer = |json: Value| ResponseTemplate::new(200).set_body_json(json);
    Mock::given(method("POST"))
        .and(path("/v1/customers"))
        .and(header_exists("idempotency-key"))
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .expect(1)
        .mount(&stripe)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/customers"))
        .and(header_exists("idempotency-key"))
        .respond_with(answer(json!({ "id": "cus_1", "object": "customer" })))
        .expect(1)
        .mount(&stripe)
        .await;
    Mock::given(method("GET"))
        .and(path("/v1/customers/cus_1"))
        .respond_with(answer(
            json!({ "id": "cus_1", "invoice_settings": { "default_payment_method": null } }),
        ))
        .mount(&stripe)
        .await;
    Mock::given(method("GET"))
        .and(path(format!("/v1/plans/{}", crate::stripe::PRO)))
        .respond_with(ResponseTemplate::new(404).set_body_json(
            json!({ "error": { "code": "resource_missing", "type": "invalid_request_error" } }),
        ))
        .mount(&stripe)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/plans"))
        .and(header_exists("idempotency-key"))
        .respond_with(ResponseTemplate::new(400).set_body_json(
            json!({ "error": { "code": "resource_already_exists", "type": "invalid_request_error" } }),
        ))
        .mount(&stripe)
        .await;
    let app = App::with_stripe(&stripe.uri()).await;
    let actor = app.db.creator().await;
    let subscriber = crate::stripe::Subscriber {
        customer: "cus_1".to_owned(),
        subscription: "sub_1".to_owned(),
        began: app.clock.now(),
    };
    let mut begun = subscriber.object("incomplete", crate::stripe::PRO, 0);
    begun["latest_invoice"] = json!({ "id": "in_1", "status": "open", "payment_intent": { "id": "pi_1", "client_secret": "pi_1_secret_x" } });
    Mock::given(method("POST"))
        .and(path("/v1/subscriptions"))
        .and(header_exists("idempotency-key"))
        .respond_with(answer(begun.clone()))
        .mount(&stripe)
        .await;
    Mock::given(method("GET"))
        .and(path("/v1/subscriptions/sub_1"))
        .respond_with(answer(begun))
        .mount(&stripe)
        .await;

    let answer = app.subscribe(&actor, "pro", "month").await.expect(201);
    assert_eq!(
        (&answer["clientSecret"], &answer["subscription"]["tier"]),
        (&json!("pi_1_secret_x"), &json!("free"))
    );
    assert_eq!(app.subscribe(&actor, "pro", "month").await.expect(200)["clientSecret"], "pi_1_secret_x");
    let asked = stripe.received_requests().await.unwrap();
    let form = |path: &str| {
        asked
            .iter()
            .find(|request| request.url.path() == path && request.method.as_str() == "POST")
            .map(|request| String::from_utf8_lossy(&request.body).into_owned())
            .unwrap()
    };
    assert!(
        form("/v1/subscriptions").contains("payment_behavior=default_incomplete"),
        "without a card the payer's browser pays"
    );
    let keys: std::collections::BTreeSet<_> = asked
        .iter()
        .filter(|request| request.url.path() == "/v1/customers")
        .map(|request| request.headers["idempotency-key"].clone().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 1, "both tries are the same");

    Mock::given(method("POST")).and(path("/v1/payment_intents")).respond_with(ResponseTemplate::new(402).set_body_json(json!({ "error": { "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds" } }))).mount(&stripe).await;
    let declined = app.buy(&actor, 5).await.refused(402, "payment_declined");
    assert_eq!(declined["details"], json!({ "reason": "insufficient_funds" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_begins_no_second_payment() {
    let app = App::start().await;
    let actor = app.db.investor().await;
    let send = async |package: i32| {
        let request =
            app.client.post("/api/payments/credits/purchase").as_(&actor).header("idempotency-key", "once");
        request.json(&json!({ "creditPackage": package })).send().await
    };
    let first = send(5).await.expect(201);
    let again = send(5).await.expect(200);
    assert_eq!(first["transaction"]["id"], again["transaction"]["id"]);
    send(10).await.refused(409, "idempotency_key_reused");
    assert_eq!(app.balance(&actor).await[0], 5);
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 1);
}
