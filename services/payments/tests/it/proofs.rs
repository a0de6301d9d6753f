//! What must hold under load, in any order and at any size; `make soak` runs them in full.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use pitchey_events::{
    HoldKey, NdaApproved, NdaId, NdaParties, NdaRejected, NdaRequested, NdaRevoked, NdaType, PitchId, UserId,
};
use pitchey_identity::Actor;
use pitchey_rpc::Held;
use pitchey_testkit::size;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::stripe::{CREATOR, PRO, Subscriber, event, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_spends_of_ten_from_five_hundred_have_fifty_winners() {
    let app = App::start().await;
    let actor = app.db.investor().await;
    // 20 granted, 480 bought: the limit is neither.
    app.db
        .execute(&format!(
            "INSERT INTO credits (user_id, balance, granted, purchased, lifetime_purchased) VALUES ({0}, 500, 20, 480, 480);
             INSERT INTO credit_ledger (user_id, kind, amount, granted, bought, balance_after, idempotency_key, created_at)
             VALUES ({0}, 'grant', 500, 20, 480, 500, 'arranged', now())",
            actor.id
        ))
        .await;
    let spends = (0..100).map(|_| async { app.hold(&actor, 10).await.1.unwrap() });
    let won = join_all(spends).await.into_iter().filter(|held| *held == Held::Held).count();
    assert_eq!(won, 50);
    assert_eq!(app.balance(&actor).await[..4], [0, 0, 0, 500]);
    let parts = app.text("SELECT sum(granted) || ' ' || count(*) FROM credit_holds").await;
    assert_eq!(parts, "20 50", "each hold knows what it is made of");
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_copies_of_a_webhook_grant_once() {
    let app = App::with_stripe("http://localhost:1").await;
    let actor = app.db.creator().await;
    let subscriber = Subscriber::of(&app, &actor, app.clock.now()).await;
    let now = app.clock.now();
    send(&app, &event("customer.subscription.created", now, subscriber.object("active", CREATOR, 0)))
        .await
        .ok();
    let paid = event("invoice.paid", now, subscriber.invoice(CREATOR, 0, 1999, true));
    for answer in join_all((0..100).map(|_| send(&app, &paid))).await {
        // Too many at once is told as such; Stripe sends again.
        assert!([200, 503].contains(&answer.status), "{answer}");
    }
    send(&app, &paid).await.ok();
    assert_eq!(app.balance(&actor).await[0], 10);
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 1);
    app.assert_balanced().await;
}

/// A life of a subscription: begun, paid, changed to a larger plan, renewed, overdue, paid after all, cancelled, ended.
fn a_life(subscriber: &Subscriber) -> Vec<Value> {
    let at = |days: i64| subscriber.began + TimeDelta::days(days);
    let cancelling = |mut object: Value| {
        object["cancel_at_period_end"] = json!(true);
        object
    };
    vec![
        event("customer.subscription.created", at(0), subscriber.object("incomplete", CREATOR, 0)),
        // Within the same second.
        event("customer.subscription.updated", at(0), subscriber.object("active", CREATOR, 0)),
        event("invoice.paid", at(0), subscriber.invoice(CREATOR, 0, 1999, true)),
        event("customer.subscription.updated", at(10), subscriber.object("active", PRO, 0)),
        event("invoice.payment_failed", at(31), subscriber.invoice(PRO, 1, 2999, false)),
        event("customer.subscription.updated", at(31), subscriber.object("past_due", PRO, 1)),
        event("invoice.paid", at(33), subscriber.invoice(PRO, 1, 2999, true)),
        event("customer.subscription.updated", at(33), subscriber.object("active", PRO, 1)),
        event("customer.subscription.updated", at(40), cancelling(subscriber.object("active", PRO, 1))),
        event("customer.subscription.deleted", at(62), subscriber.object("canceled", PRO, 1)),
    ]
}

/// Where it all ends: what the user may use and has, what was paid, what the provider told last.
async fn end(app: &App, actor: &Actor) -> String {
    app.text(&format!(
        "SELECT concat_ws(' | ', p.tier, p.status, p.cancel_at_period_end, p.grace_until, p.current_period_end,
                s.tier, s.status, s.paid_until, s.paid_tier, s.granted_months, s.next_grant_at, s.as_of, s.as_of_rank,
                c.balance, c.granted, c.monthly, c.lifetime_used, c.lifetime_purchased,
                (SELECT string_agg(status || amount::bigint, ' ' ORDER BY provider_id) FROM transactions AS t WHERE t.user_id = p.user_id),
                (SELECT count(*) FROM invoices AS i WHERE i.user_id = p.user_id))
         FROM user_plans AS p JOIN subscriptions AS s ON s.id = p.subscription_id LEFT JOIN credits AS c ON c.user_id = p.user_id
         WHERE p.user_id = {}",
        actor.id
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriptions_life_ends_alike_in_every_order_of_its_webhooks() {
    let app = App::with_stripe("http://localhost:1").await;
    let began = app.clock.now() - TimeDelta::days(40);
    // How much of the life has happened: also those that are still going on must agree.
    for length in [3, 5, 6, 8, 10] {
        let mut expected = None;
        let orders = size(6, 400);
        for order in 0..orders {
            let actor = app.db.creator().await;
            let subscriber = Subscriber::of(&app, &actor, began).await;
            let mut events = a_life(&subscriber);
            events.truncate(length);
            shuffle(&mut events, order);
            for event in &events {
                send(&app, event).await.ok();
            }
            let normal = end(&app, &actor).await.replace(&subscriber.subscription, "sub");
            let expected = expected.get_or_insert_with(|| normal.clone());
            assert_eq!(
                &normal,
                expected,
                "the first {length}, order {order}: {:?}",
                events.iter().map(|event| &event["type"]).collect::<Vec<_>>()
            );
        }
        assert!(expected.is_some_and(|end| end.contains("pro") || length < 4));
    }
    app.assert_balanced().await;
}

/// Order number `seed`; 0 leaves it as it happened, 1 turns it round.
fn shuffle(events: &mut [Value], seed: u64) {
    match seed {
        0 => {}
        1 => events.reverse(),
        _ => {
            // A linear congruential generator is random enough to deal cards.
            let mut state =
                seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for last in (1..events.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                events.swap(last, (state >> 33) as usize % (last + 1));
            }
        }
    }
}

/// Something that may happen to one user's credits.
#[derive(Clone, Debug)]
enum Act {
    Welcome,
    Buy(i32),
    Refund(i64),
    Dispute(&'static str),
    Hold(i32, &'static str),
    Charge(i32),
    Requested(usize),
    Approved(usize),
    Rejected(usize),
    Revoked(usize),
    Subscribe(&'static str),
    Cancel,
    Pass(i64),
    Sweep,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let hold = 0..12_usize;
    let act = prop_oneof![
        1 => Just(Act::Welcome),
        2 => prop_oneof![Just(1), Just(5), Just(10), Just(30)].prop_map(Act::Buy),
        1 => (1..3_000_i64).prop_map(Act::Refund),
        1 => prop_oneof![Just("needs_response"), Just("won"), Just("lost")].prop_map(Act::Dispute),
        5 => ((1..20), prop_oneof![Just("nda_request"), Just("pitch_publish"), Just("promotion")]).prop_map(|(amount, reason)| Act::Hold(amount, reason)),
        1 => (1..10).prop_map(Act::Charge),
        3 => hold.clone().prop_map(Act::Requested),
        3 => hold.clone().prop_map(Act::Approved),
        2 => hold.clone().prop_map(Act::Rejected),
        2 => hold.prop_map(Act::Revoked),
        1 => prop_oneof![Just("creator"), Just("pro")].prop_map(Act::Subscribe),
        1 => Just(Act::Cancel),
        2 => prop_oneof![Just(1), Just(3), Just(60 * 24 * 20), Just(60 * 24 * 32)].prop_map(Act::Pass),
        3 => Just(Act::Sweep),
    ];
    prop::collection::vec(act, 10..60)
}

struct Story<'a> {
    app: &'a App,
    actor: Actor,
    holds: Vec<HoldKey>,
}

impl Story<'_> {
    fn parties(&self, hold: usize) -> Option<NdaParties> {
        let hold = *self.holds.get(hold)?;
        Some(NdaParties {
            nda_id: NdaId(1),
            pitch_id: PitchId(1),
            pitch_title: String::new(),
            owner_id: UserId(1),
            requester_id: self.actor.id,
            nda_type: NdaType::Basic,
            hold: Some(hold),
        })
    }

    /// Does it, most of it twice: calls and events come again.
    async fn act(&mut self, act: &Act) {
        let (app, actor) = (self.app, self.actor.clone());
        match act {
            Act::Welcome => {
                app.deliver(&pitchey_events::EmailVerified { user_id: actor.id, user_type: actor.user_type })
                    .await;
            }
            Act::Buy(package) => {
                let key = Uuid::now_v7().to_string();
                for _ in 0..2 {
                    let request = app
                        .client
                        .post("/api/payments/credits/purchase")
                        .as_(&actor)
                        .header("idempotency-key", &key);
                    request.json(&json!({ "creditPackage": package })).send().await.ok();
                }
            }
            Act::Refund(cents) => {
                let admin = app.db.operator().await;
                let paid = format!(
                    "SELECT coalesce(max(id), 0) FROM transactions WHERE user_id = {} AND type = 'credits'",
                    actor.id
                );
                let body = json!({ "transactionId": app.number(&paid).await, "amountCents": cents });
                let answer = app.post("/api/payments/refund", &admin, body).await;
                assert!([200, 404, 409].contains(&answer.status), "{answer}");
            }
            Act::Dispute(status) => self.dispute(status).await,
            Act::Hold(amount, reason) => {
                let key = HoldKey(Uuid::now_v7());
                let first = app.rpc.hold(key, actor.id, *amount, reason).await.unwrap();
                assert_eq!(app.rpc.hold(key, actor.id, *amount, reason).await.unwrap(), first);
                if first == Held::Held {
                    self.holds.push(key);
                }
            }
            Act::Charge(amount) => {
                let key = HoldKey(Uuid::now_v7());
                for _ in 0..2 {
                    app.rpc.charge(key, actor.id, *amount, "media_text").await.unwrap();
                }
            }
            Act::Requested(hold) => {
                if let Some(parties) = self.parties(*hold) {
                    app.deliver(&NdaRequested { parties, with_message: false }).await;
                }
            }
            Act::Approved(hold) => {
                if let Some(parties) = self.parties(*hold) {
                    app.deliver(&NdaApproved { parties, by_policy: false, sign_until: app.clock.now() })
                        .await;
                }
            }
            Act::Rejected(hold) => {
                if let Some(parties) = self.parties(*hold) {
                    app.deliver(&NdaRejected { parties, with_reason: false }).await;
                }
            }
            Act::Revoked(hold) => {
                if let Some(parties) = self.parties(*hold) {
                    app.deliver(&NdaRevoked { parties, was_signed: false, revoked_by: UserId(1) }).await;
                }
            }
            Act::Subscribe(tier) => {
                app.subscribe(&actor, tier, "month").await.ok();
            }
            Act::Cancel => {
                let answer = app.post("/api/payments/cancel-subscription", &actor, json!({})).await;
                assert!([200, 409].contains(&answer.status), "{answer}");
            }
            Act::Pass(minutes) => app.pass(TimeDelta::minutes(*minutes)),
            Act::Sweep => {
                // Two replicas at once.
                let (one, other) = tokio::join!(app.sweep(), app.sweep());
                assert!(one >= 0 && other >= 0);
            }
        }
    }

    async fn dispute(&self, status: &str) {
        // The local provider has no webhooks; what one would do to the newest payment is told to a replica that has.
        let newest = format!(
            "SELECT max(stripe_payment_intent_id) FROM transactions WHERE user_id = {} AND type = 'credits'",
            self.actor.id
        );
        let intent = self.app.text(&newest).await;
        if intent.is_empty() {
            return;
        }
        let object = json!({ "id": format!("dp_{intent}"), "object": "dispute", "amount": 100, "payment_intent": intent, "status": status });
        send(self.app, &event("charge.dispute.updated", self.app.clock.now(), object)).await.ok();
    }
}

/// Grant, purchase, hold, capture, release, refund, usage, expiry, adjustment: in any order, each perhaps twice.
#[test]
fn any_story_keeps_the_books_balanced() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::start());
    let stripe = runtime.block_on(with_webhooks(&app));
    let config = ProptestConfig {
        cases: size(24, 1_000),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(story in acts())| {
        runtime.block_on(async {
            let actor = app.db.creator().await;
            let mut told = Story { app: &app, actor: actor.clone(), holds: Vec::new() };
            for act in &story {
                if let Act::Dispute(status) = act {
                    Story { app: &stripe, actor: actor.clone(), holds: Vec::new() }.dispute(status).await;
                } else {
                    Box::pin(told.act(act)).await;
                }
            }
            for finding in app.service.look().await.unwrap() {
                // A late event may find the credits spent: that is reported, and balances.
                let reported = finding.claim == "nothing exists that was not paid";
                // Holds that no event of this story ends.
                let waits = finding.claim.starts_with("no hold waits");
                prop_assert!(finding.contradictions == 0 || reported || waits, "{finding:?}");
            }
            let [balance, granted, purchased, held, _, used] = app.balance(&actor).await;
            prop_assert!(balance >= 0 && held >= 0 && used >= 0);
            prop_assert_eq!(balance, granted + purchased);
            Ok(())
        })?;
    });
    drop(stripe);
}

/// The same database, with Stripe's webhooks.
async fn with_webhooks(app: &App) -> App {
    app.replica(|settings| crate::app::stripe_at(settings, "http://localhost:1")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_ledger_answers_as_fast_as_a_short_one() {
    let app = App::start().await;
    let (long, short) = (app.db.investor().await, app.db.investor().await);
    let rows = size(10_000, 1_000_000);
    for (actor, rows) in [(&long, rows), (&short, 20)] {
        app.db
            .execute(&format!(
                "INSERT INTO credits (user_id, balance, granted, lifetime_used) VALUES ({0}, 500, 500, 0);
                 INSERT INTO credit_ledger (user_id, kind, amount, granted, balance_after, idempotency_key, created_at)
                 SELECT {0}, 'grant', CASE WHEN n = 1 THEN 500 ELSE 0 END, CASE WHEN n = 1 THEN 500 ELSE 0 END, 500, 'row:{0}:' || n, now()
                 FROM generate_series(1, {rows}) AS n;
                 INSERT INTO transactions (user_id, type, amount, currency, status, provider_id)
                 SELECT {0}, 'credits', 299, 'EUR', 'completed', 'row:{0}:' || n FROM generate_series(1, {rows} / 10) AS n",
                actor.id
            ))
            .await;
    }
    app.db.execute("ANALYZE credit_ledger, transactions, credits").await;
    let paths = [
        "/api/payments/credits/balance",
        "/api/payments/credits/ledger?limit=20",
        "/api/payments/history?limit=20",
    ];
    for path in paths {
        let (slow, fast) = (best(&app, path, &long).await, best(&app, path, &short).await);
        println_measured(path, rows, slow, fast);
        // Constant cost but for counting up to 1,000; generous, because the machine is shared.
        assert!(
            slow < fast * 5 + Duration::from_millis(10),
            "{path}: {slow:?} over {rows} rows, {fast:?} over 20"
        );
    }
    // Deep in it, by cursor.
    let page = app.get("/api/payments/credits/ledger?page=400&limit=20", &long).await.ok();
    let cursor = page["meta"]["nextCursor"].as_str().unwrap().to_owned();
    let deep = best(&app, &format!("/api/payments/credits/ledger?limit=20&cursor={cursor}"), &long).await;
    let top = best(&app, paths[1], &long).await;
    assert!(deep < top * 3 + Duration::from_millis(10), "{deep:?}, at the top {top:?}");
    let spending = Instant::now();
    for _ in 0..20 {
        app.held(&long, 1).await;
    }
    assert!(spending.elapsed() < Duration::from_secs(4), "{:?}", spending.elapsed());
    app.assert_balanced().await;
}

/// The best of many: the machine is shared.
async fn best(app: &App, path: &str, actor: &Actor) -> Duration {
    let mut took = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        app.get(path, actor).await.ok();
        took.push(began.elapsed());
    }
    took.into_iter().min().unwrap()
}

#[expect(clippy::print_stdout, reason = "what was measured, for docs/benchmarks.md")]
fn println_measured(path: &str, rows: u32, long: Duration, short: Duration) {
    println!("{path}: {long:?} over {rows} rows, {short:?} over 20");
}

#[tokio::test(flavor = "multi_thread")]
async fn invoice_numbers_have_no_gaps_however_many_are_written_at_once() {
    let app = App::start().await;
    let count = size(30, 500);
    let mut buyers = Vec::new();
    for _ in 0..10 {
        buyers.push(app.db.investor().await);
    }
    for round in 0..count / 10 {
        let bought = buyers.iter().map(|actor| app.buy(actor, 1));
        for answer in join_all(bought).await {
            assert!([200, 201, 503].contains(&answer.status), "round {round}: {answer}");
        }
    }
    app.sweep().await;
    let written =
        app.text("SELECT count(*) || ' ' || max(sequence) || ' ' || min(sequence) FROM invoices").await;
    let paid = app.number("SELECT count(*) FROM transactions WHERE status = 'completed'").await;
    assert_eq!(written, format!("{paid} {paid} 1"));
    app.assert_balanced().await;
}
