use pitchey_events::{
    CreditsLow, CreditsPurchased, EmailVerified, HoldKey, PaymentSucceeded, Service, UserType,
};
use pitchey_rpc::{Balance, Error, Held};
use uuid::Uuid;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_address_is_welcomed_once() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    assert_eq!(app.balance(&actor).await, [0; 6]);
    for _ in 0..2 {
        app.deliver(&EmailVerified { user_id: actor.id, user_type: UserType::Creator }).await;
    }
    assert_eq!(app.balance(&actor).await, [10, 10, 0, 0, 0, 0]);
    assert_eq!(app.ledger(&actor).await, [("grant".to_owned(), 10)]);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn granted_credits_are_spent_before_bought_ones_and_come_back_as_what_they_were() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    app.buy(&actor, 5).await.expect(201);
    assert_eq!(app.balance(&actor).await, [15, 10, 5, 0, 5, 0]);
    let key = app.held(&actor, 12).await;
    assert_eq!(app.balance(&actor).await, [3, 0, 3, 12, 5, 0]);
    app.pass(chrono::TimeDelta::minutes(3));
    app.sweep().await;
    assert_eq!(app.balance(&actor).await, [15, 10, 5, 0, 5, 0]);
    let Err(Error::Refused { code, .. }) = app.rpc.hold(key, actor.id, 12, "nda_request").await else {
        panic!("held again")
    };
    assert_eq!(code, "hold_released");
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_takes_once_and_names_one_thing() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    let key = app.held(&actor, 10).await;
    for _ in 0..3 {
        assert_eq!(app.rpc.hold(key, actor.id, 10, "nda_request").await.unwrap(), Held::Held);
    }
    assert_eq!(app.balance(&actor).await[..4], [0, 0, 0, 10]);
    let stranger = app.db.investor().await;
    for (user, amount, reason) in
        [(actor.id, 9, "nda_request"), (actor.id, 10, "promotion"), (stranger.id, 10, "nda_request")]
    {
        let Err(Error::Refused { code, .. }) = app.rpc.hold(key, user, amount, reason).await else {
            panic!("held")
        };
        assert_eq!(code, "hold_key_reused");
    }
    for (amount, reason) in [(0, "nda_request"), (-5, "nda_request"), (1_001, "nda_request"), (5, "a_yacht")]
    {
        let Err(Error::Refused { code, .. }) =
            app.rpc.hold(HoldKey(Uuid::now_v7()), actor.id, amount, reason).await
        else {
            panic!("held")
        };
        assert_eq!(code, "hold_invalid");
    }
    let (_, held) = app.hold(&actor, 1).await;
    assert_eq!(held.unwrap(), Held::Insufficient { balance: 0 });
    assert_eq!(app.ledger(&actor).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_spent_at_once() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    let key = HoldKey(Uuid::now_v7());
    for _ in 0..2 {
        assert_eq!(app.rpc.charge(key, actor.id, 3, "media_text").await.unwrap(), Held::Held);
    }
    assert_eq!(app.balance(&actor).await, [7, 7, 0, 0, 0, 3]);
    assert_eq!(app.ledger(&actor).await[1], ("usage".to_owned(), -3));
    assert_eq!(
        app.rpc.charge(HoldKey(Uuid::now_v7()), actor.id, 8, "promotion").await.unwrap(),
        Held::Insufficient { balance: 7 }
    );
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_may_ask_and_not_all_may_take() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    app.held(&actor, 4).await;
    let seen = app.as_service(Service::Messaging).balance(actor.id).await.unwrap();
    assert_eq!(seen, Balance { balance: 6, granted: 6, purchased: 0, held: 4 });
    assert_eq!(
        app.as_service(Service::Analytics).balance(pitchey_events::UserId(999_999)).await.unwrap(),
        Balance::default()
    );
    let analytics = app.as_service(Service::Analytics);
    assert!(matches!(
        analytics.hold(HoldKey(Uuid::now_v7()), actor.id, 1, "promotion").await,
        Err(Error::Refused { .. })
    ));
    assert!(matches!(
        app.as_service(Service::Notifications).balance(actor.id).await,
        Err(Error::Refused { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_pitches_are_published_for_free_and_on_a_paid_plan_all() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    let publish =
        async || app.rpc.hold(HoldKey(Uuid::now_v7()), actor.id, 10, "pitch_publish").await.unwrap();
    for _ in 0..3 {
        assert_eq!(publish().await, Held::Held);
    }
    assert_eq!(publish().await, Held::Insufficient { balance: 0 });
    app.subscribe(&actor, "creator", "month").await.expect(201);
    for _ in 0..2 {
        assert_eq!(publish().await, Held::Held);
    }
    assert_eq!(app.balance(&actor).await, [10, 10, 0, 0, 0, 0], "only the plan's grant");
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_did_not_happen_is_not_counted() {
    let app = App::start().await;
    let actor = app.db.creator().await;
    let publish =
        async || app.rpc.hold(HoldKey(Uuid::now_v7()), actor.id, 10, "pitch_publish").await.unwrap();
    let all = futures_util::future::join_all((0..10).map(|_| publish())).await;
    assert_eq!(all.iter().filter(|held| **held == Held::Held).count(), 3, "also at once");
    app.pass(chrono::TimeDelta::minutes(3));
    assert_eq!(app.sweep().await, 3);
    assert_eq!(publish().await, Held::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_low_is_told_once() {
    let app = App::start_with(pitchey_clock::Clock::system(), |_| {}).await;
    let actor = app.welcomed().await;
    app.buy(&actor, 10).await.expect(201);
    let bought = app.emitted().take::<CreditsPurchased>().await;
    assert_eq!((bought.credits, bought.balance), (10, 20));
    app.emitted().take::<PaymentSucceeded>().await;
    app.held(&actor, 8).await;
    app.held(&actor, 8).await;
    assert_eq!(app.emitted().take::<CreditsLow>().await.balance, 4);
    app.held(&actor, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_others_have() {
    let app = App::start().await;
    let (ann, bob) = (app.welcomed().await, app.db.investor().await);
    app.buy(&ann, 5).await.expect(201);
    for path in ["/api/payments/credits/ledger", "/api/payments/history"] {
        assert_eq!(app.get(path, &bob).await.ok()["data"].as_array().unwrap().len(), 0);
        assert!(!app.get(path, &ann).await.ok()["data"].as_array().unwrap().is_empty());
        app.client.get(path).send().await.refused(401, "unauthenticated");
    }
    app.client.get("/api/payments/credits/balance").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_read_page_by_page() {
    let app = App::start().await;
    let actor = app.rich(30).await;
    for _ in 0..24 {
        app.held(&actor, 1).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/payments/credits/ledger?limit=10".to_owned();
    loop {
        let page = app.get(&path, &actor).await.ok();
        assert_eq!(page["meta"]["total"], 25);
        seen.extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
        let Some(cursor) = page["meta"]["nextCursor"].as_str() else { break };
        path = format!("/api/payments/credits/ledger?limit=10&cursor={cursor}");
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
    app.get("/api/payments/credits/ledger?cursor=nonsense", &actor).await.invalid(&["cursor"]);
    app.get("/api/payments/history?cursor=nonsense", &actor).await.invalid(&["cursor"]);
}
