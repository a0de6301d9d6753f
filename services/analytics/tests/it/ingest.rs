use pitchey_testkit::{SOON, wait_until};
use serde_json::{Value, json};

use crate::app::App;

const EVENTS: &str = "/api/analytics/track";
const VIEWS: &str = "/api/views/track";

#[tokio::test(flavor = "multi_thread")]
async fn one_report_is_created_and_many_are_accepted() {
    let app = App::start().await;
    let owner = app.db.creator().await;
    let viewer = app.db.investor().await;
    let pitch = app.pitch(owner.id).await;
    let event = json!({ "eventType": "scroll", "eventCategory": "page", "eventValue": 7, "sessionId": "s1", "pitchId": pitch,
                        "eventData": { "depth": 0.5 }, "unknown": true });
    let taken = app.client.post(EVENTS).as_(&viewer).json(&event).send().await.expect(201).ok();
    assert_eq!(taken["accepted"], 1, "{taken}");
    let taken = app.client.post(EVENTS).json(&json!([event, event])).send().await.expect(202).ok();
    assert_eq!(taken["accepted"], 2, "{taken}");
    let view = json!({ "pitchId": pitch, "duration": 30, "source": "search" });
    app.client.post(VIEWS).as_(&viewer).json(&view).send().await.expect(201);
    app.client.post(VIEWS).as_(&viewer).json(&json!([view, view])).send().await.expect(202);

    app.counted(1).await;
    wait_until("all to be counted", SOON, async || {
        app.number("SELECT coalesce(sum(duration), 0) FROM pitch_views").await == 90
            && app.number("SELECT count(*) FROM analytics_events WHERE origin = 'client'").await == 3
    })
    .await;
    assert_eq!(app.text("SELECT source || ' ' || viewer_type FROM pitch_views").await, "search investor");
    let data = "SELECT DISTINCT metadata ->> 'depth' FROM analytics_events WHERE origin = 'client'";
    assert_eq!(app.text(data).await, "0.5");
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_with_its_key_is_one() {
    let app = App::start().await;
    let viewer = app.db.investor().await;
    for (key, label) in [("a", "one"), ("a", "one"), ("b", "one"), ("a", "two")] {
        let event = json!({ "eventType": "click", "eventLabel": label });
        app.client
            .post(EVENTS)
            .as_(&viewer)
            .header("idempotency-key", key)
            .json(&event)
            .send()
            .await
            .expect(201);
    }
    wait_until("reports", SOON, async || app.number("SELECT count(*) FROM analytics_events").await >= 3)
        .await;
    // The fourth is another request, although its key was used.
    let labels = "SELECT string_agg(event_label, ' ' ORDER BY event_label) FROM analytics_events";
    assert_eq!(app.text(labels).await, "one one two");
    app.client
        .post(EVENTS)
        .header("idempotency-key", "ü")
        .json(&json!({ "eventType": "x" }))
        .send()
        .await
        .refused(400, "idempotency_key_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_reports_are_taken_all_the_same() {
    let app = App::alone().await;
    app.client.post(EVENTS).json(&json!({ "eventType": "click" })).send().await.expect(201);
    let waiting = "SELECT count(*) FROM outbox WHERE event_type = 'analytics.tracked.v1'";
    assert_eq!(app.number(waiting).await, 1, "it waits in the outbox");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_taken_nowhere_is_refused_to_be_sent_again() {
    let app = App::alone().await;
    app.db.execute("ALTER TABLE outbox_analytics ADD CONSTRAINT full_up CHECK (false) NOT VALID").await;
    let answer = app.client.post(EVENTS).json(&json!({ "eventType": "click" })).send().await;
    assert!(answer.header("retry-after").is_some());
    answer.refused(503, "reports_not_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let app = App::alone().await;
    let owner = app.db.creator().await;
    let pitch = app.pitch(owner.id).await;
    let long = "x".repeat(101);
    let cases: &[(&str, Value, &[&str])] = &[
        (EVENTS, json!({}), &["eventType"]),
        (EVENTS, json!({ "eventType": "" }), &["eventType"]),
        (EVENTS, json!({ "eventType": long, "sessionId": long }), &["eventType", "sessionId"]),
        (EVENTS, json!({ "eventType": "x", "eventData": { "x": "y".repeat(5_000) } }), &["eventData"]),
        (EVENTS, json!({ "eventType": "x", "eventValue": "many" }), &["eventValue"]),
        (EVENTS, json!([{ "eventType": "x" }, { "eventType": "" }]), &["[1].eventType"]),
        (VIEWS, json!({}), &["pitchId"]),
        (VIEWS, json!({ "pitchId": pitch, "duration": -1 }), &["duration"]),
    ];
    for (path, body, fields) in cases {
        app.client.post(path).json(body).send().await.invalid(fields);
    }
    let many: Vec<_> = (0..501).map(|_| json!({ "eventType": "x" })).collect();
    app.client.post(EVENTS).json(&many).send().await.refused(400, "validation_failed");
    app.client.post(EVENTS).json(&json!([])).send().await.refused(400, "validation_failed");
    app.client.post(EVENTS).json(&json!("x")).send().await.refused(400, "validation_failed");
    app.client.post(EVENTS).body("application/json", "{").send().await.refused(400, "malformed_json");
    app.client.post(VIEWS).body("text/plain", "x").send().await.refused(415, "unsupported_media_type");
    // A pitch that no event has told of is asked for.
    app.client.post(VIEWS).json(&json!({ "pitchId": 999_999 })).send().await.refused(404, "pitch_not_found");
    app.pitches.known().away = true;
    app.client
        .post(VIEWS)
        .json(&json!({ "pitchId": 999_999 }))
        .send()
        .await
        .refused(503, "dependency_unavailable");
    app.db.execute(&format!("UPDATE tracked_pitches SET deleted_at = now() WHERE pitch_id = {pitch}")).await;
    app.client.post(VIEWS).json(&json!({ "pitchId": pitch })).send().await.refused(404, "pitch_not_found");
}
