//! Plans, with the local provider: it tells what Stripe would, by the clock of the test.

use chrono::TimeDelta;
use pitchey_clock::Clock;
use pitchey_events::{PaymentSucceeded, SubscriptionChanged, Tier};
use pitchey_identity::Actor;
use serde_json::json;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_begins_with_its_payment_and_its_first_grant() {
    let app = App::start_with(Clock::system(), |_| {}).await;
    let actor = app.db.creator().await;
    assert_eq!(
        app.standing(&actor).await,
        json!({ "tier": "free", "status": "none", "billingInterval": null, "currentPeriodEnd": null, "cancelAtPeriodEnd": false, "graceUntil": null })
    );
    let answer = app.subscribe(&actor, "creator", "month").await.expect(201);
    assert_eq!(
        (answer["subscription"]["tier"].as_str(), answer["clientSecret"].is_null()),
        (Some("creator"), true)
    );
    let changed = app.emitted().take::<SubscriptionChanged>().await;
    assert_eq!(
        (changed.tier, changed.previous_tier, changed.status.as_str()),
        (Tier::Creator, Tier::Free, "active")
    );
    let paid = app.emitted().take::<PaymentSucceeded>().await;
    assert_eq!(
        (paid.amount_cents, paid.currency.as_str(), paid.description.as_str()),
        (1999, "EUR", "Plan Creator, monthly")
    );
    assert_eq!(app.balance(&actor).await, [10, 10, 0, 0, 0, 0]);
    // Again, and again.
    app.subscribe(&actor, "creator", "month").await.expect(200);
    assert_eq!(app.number("SELECT count(*) FROM subscriptions").await, 1);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monthly_grant_ends_with_the_next_and_bought_credits_stay() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    app.buy(&actor, 5).await.expect(201);
    app.subscribe(&actor, "pro", "month").await.expect(201);
    assert_eq!(app.balance(&actor).await, [45, 40, 5, 0, 5, 0]);
    app.held(&actor, 8).await;
    app.pass(TimeDelta::minutes(1));
    assert_eq!(app.balance(&actor).await[0], 37, "of the month's first");
    next_month(&app).await;
    // What was held lapsed back into the month that is over, or ended with it.
    assert_eq!(app.balance(&actor).await, [45, 40, 5, 0, 5, 0], "the welcome and what was bought stay");
    let ledger = app.ledger(&actor).await;
    assert_eq!(ledger.iter().filter(|(kind, _)| kind == "expire").count(), 1);
    app.assert_balanced().await;
}

async fn next_month(app: &App) {
    // As long as the longest: months counted from each other lose the 31st, and what is due on it.
    app.pass(TimeDelta::days(31));
    // Once to let holds lapse and periods end, twice for what follows.
    app.sweep().await;
    app.sweep().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_is_paid_once_and_grants_each_month() {
    let app = App::start().await;
    let actor = app.db.investor().await;
    app.subscribe(&actor, "investor", "year").await.expect(201);
    for month in 1..12 {
        next_month(&app).await;
        assert_eq!(app.balance(&actor).await[0], 30, "month {month}");
    }
    assert_eq!(app.number("SELECT count(*) FROM credit_ledger WHERE kind = 'grant'").await, 12);
    assert_eq!(app.text("SELECT string_agg(amount::bigint::text, ' ') FROM transactions").await, "39900");
    next_month(&app).await;
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 2, "renewed");
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_plan_ends_with_its_period() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    app.post("/api/payments/cancel-subscription", &actor, json!({})).await.refused(409, "no_subscription");
    app.subscribe(&actor, "pro", "month").await.expect(201);
    for _ in 0..2 {
        let answer = app.post("/api/payments/cancel-subscription", &actor, json!({})).await.expect(200);
        assert_eq!(
            (&answer["subscription"]["tier"], &answer["subscription"]["cancelAtPeriodEnd"]),
            (&json!("pro"), &json!(true))
        );
    }
    // One may think again.
    assert_eq!(
        app.subscribe(&actor, "pro", "month").await.expect(200)["subscription"]["cancelAtPeriodEnd"],
        false
    );
    app.post("/api/payments/cancel-subscription", &actor, json!({})).await.expect(200);
    next_month(&app).await;
    let ended = app.standing(&actor).await;
    assert_eq!((&ended["tier"], &ended["status"]), (&json!("free"), &json!("canceled")));
    assert_eq!(app.balance(&actor).await[0], 30, "credits that were paid for stay");
    app.subscribe(&actor, "creator", "year").await.expect(201);
    assert_eq!(app.standing(&actor).await["tier"], "creator");
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_plan_is_one_subscription() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    app.subscribe(&actor, "creator", "month").await.expect(201);
    app.subscribe(&actor, "pro", "month").await.expect(200);
    assert_eq!(app.standing(&actor).await["tier"], "pro");
    assert_eq!(app.number("SELECT count(*) FROM subscriptions").await, 1);
    assert_eq!(app.balance(&actor).await[0], 10, "the new plan's credits come with its first month");
    next_month(&app).await;
    assert_eq!(app.balance(&actor).await[0], 30);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_press_the_button_at_once_begin_one_subscription() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    let answers =
        futures_util::future::join_all((0..10).map(|_| app.subscribe(&actor, "creator", "month"))).await;
    assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)));
    assert_eq!(app.number("SELECT count(*) FROM subscriptions").await, 1);
    assert_eq!(app.number("SELECT count(*) FROM transactions").await, 1);
    assert_eq!(app.balance(&actor).await[0], 10);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_subscribe_and_who_may_buy() {
    let app = App::start().await;
    let viewer = app.db.viewer().await;
    app.buy(&viewer, 5).await.refused(403, "not_for_this_account");
    app.subscribe(&viewer, "creator", "month").await.expect(201);
    let admin = app.db.operator().await;
    app.buy(&admin, 5).await.refused(403, "not_for_this_account");
    app.subscribe(&admin, "pro", "month").await.refused(403, "not_for_this_account");
    let creator = app.db.creator().await;
    let unproved = Actor { email_verified: false, ..creator.clone() };
    app.buy(&unproved, 5).await.refused(403, "email_not_verified");
    app.subscribe(&unproved, "pro", "month").await.refused(403, "email_not_verified");
    let suspended = Actor { suspended: true, ..creator.clone() };
    app.buy(&suspended, 5).await.refused(403, "account_suspended");
    app.post("/api/payments/cancel-subscription", &suspended, json!({}))
        .await
        .refused(403, "account_suspended");
    for (tier, interval, field) in
        [("free", "month", "tier"), ("gold", "month", "tier"), ("pro", "week", "billingInterval")]
    {
        app.subscribe(&creator, tier, interval).await.invalid(&[field]);
    }
    app.buy(&creator, 7).await.invalid(&["creditPackage"]);
    app.post("/api/payments/credits/purchase", &creator, json!({ "creditPackage": "many" }))
        .await
        .invalid(&["creditPackage"]);
    app.post("/api/payments/credits/purchase", &creator, json!({})).await.invalid(&["creditPackage"]);
    assert_eq!(app.balance(&creator).await, [0; 6]);
}
