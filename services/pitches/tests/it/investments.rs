use pitchey_events::{InvestmentTracked, PitchChanged, PitchPublished, UserType};
use serde_json::{Value, json};

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_tracks_investments_that_nobody_else_sees() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let other = app.person(UserType::Production, |_| {}).await;
    let pitch = app.published(&owner).await;
    let body = json!({ "pitchId": pitch, "amount": 250_000.5, "notes": " The first round. " });
    let tracked = app.post("/api/investments/track", &buyer, body).await.expect(201);
    assert_eq!(tracked["message"], "The investment was noted.");
    let investment = &tracked["investment"];
    for (field, expected) in [
        ("pitchId", json!(pitch)),
        ("investorId", json!(buyer.id.0)),
        ("userId", json!(buyer.id.0)),
        ("amount", json!(250_000.5)),
        ("amountCents", json!(25_000_050)),
        ("currency", json!("EUR")),
        ("notes", json!("The first round.")),
    ] {
        assert_eq!(investment[field], expected, "{field}");
    }
    let told = app.emitted.take::<InvestmentTracked>().await;
    assert_eq!(
        (told.owner_id, told.investor_id, told.pitch_title.as_str()),
        (owner.id, buyer.id, "The Lighthouse")
    );

    app.post("/api/investments/track", &other, json!({ "pitchId": pitch, "amount": 7, "currency": "USD" }))
        .await
        .expect(201);
    app.emitted.take::<InvestmentTracked>().await;
    let mine = app.get("/api/investments", &buyer).await.ok();
    assert_eq!((&mine["meta"]["total"], &mine["data"][0]), (&json!(1), investment));
    assert_eq!(app.get("/api/investments", &other).await["data"][0]["currency"], "USD");
    assert_eq!(app.get("/api/investments", &owner).await["data"], json!([]));
    app.client.get("/api/investments").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_tracked_is_refused() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let producer = app.person(UserType::Production, |_| {}).await;
    let viewer = app.person(UserType::Viewer, |_| {}).await;
    let (pitch, draft) = (app.published(&owner).await, app.pitch_with(&owner, json!({})).await);
    let own = app.published(&producer).await;
    let path = "/api/investments/track";
    for (actor, pitch, status, code) in [
        (&owner, pitch, 403, "forbidden"),
        (&viewer, pitch, 403, "forbidden"),
        (&buyer, draft, 404, "not_found"),
        (&buyer, 999_999, 404, "not_found"),
        (&producer, own, 403, "investment_own_pitch"),
    ] {
        app.post(path, actor, json!({ "pitchId": pitch, "amount": 1 })).await.refused(status, code);
    }
    for (field, value) in [
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(0.001)),
        ("amount", json!("much")),
        ("amount", Value::Null),
        ("pitchId", Value::Null),
        ("currency", json!("euro")),
        ("notes", json!("n".repeat(2_001))),
    ] {
        let mut body = json!({ "pitchId": pitch, "amount": 1 });
        body[field] = value.clone();
        let refused = app.post(path, &buyer, body).await.refused(400, "validation_failed");
        assert_eq!(refused["validation_errors"][0]["field"], field, "{value}: {refused}");
    }
    let suspended = pitchey_identity::Actor { suspended: true, ..buyer.clone() };
    app.post(path, &suspended, json!({ "pitchId": pitch, "amount": 1 }))
        .await
        .refused(403, "account_suspended");
    assert_eq!(app.number("SELECT count(*) FROM investments").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_tracks_once() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    for number in 0..4 {
        let request = app.client.post("/api/investments/track").as_(&buyer).header("idempotency-key", "one");
        let answer = request.json(&json!({ "pitchId": pitch, "amount": 5 })).send().await.expect(201);
        assert_eq!(answer.header("idempotency-replayed").is_some(), number > 0);
    }
    assert_eq!(app.number("SELECT count(*) FROM investments").await, 1);
}
