use pitchey_events::Service;
use pitchey_testkit::Client;
use serde_json::json;

use crate::app::App;

/// Those that no other test of this binary returns.
#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_in_the_envelope() {
    let app = App::start().await;
    let owner = app.creator().await;
    let post = |media_type: &'static str, body: Vec<u8>| {
        app.client.post("/api/pitches").as_(&owner).body(media_type, body).send()
    };
    post("application/json", b"{\"title\": ".to_vec()).await.refused(400, "malformed_json");
    post("application/json", vec![b'"', 0xff, b'"']).await.refused(400, "malformed_json");
    post("text/plain", b"{}".to_vec()).await.refused(415, "unsupported_media_type");
    post("application/json", vec![b' '; 3 * 1024 * 1024]).await.refused(413, "payload_too_large");
    let key = app.client.post("/api/pitches").as_(&owner).header("idempotency-key", &"k".repeat(201));
    key.json(&json!({})).send().await.refused(400, "idempotency_key_invalid");
    for path in
        ["/api/pitches/abc", "/api/pitches/99999999999", "/api/pitches/0", "/api/ndas/-1", "/api/nothing"]
    {
        let answer = app.get(path, &owner).await.refused(404, "not_found");
        for field in
            ["error", "message", "code", "status", "timestamp", "details", "validation_errors", "requestId"]
        {
            assert!(answer.json.get(field).is_some(), "{field} is missing: {answer}");
        }
    }
    Client::unsigned(app.service.http_address())
        .get("/api/pitches")
        .send()
        .await
        .refused(401, "not_the_gateway");
    let around =
        Client::signing_as(Service::Messaging, Service::Pitches, app.service.http_address()).by(&app.clock);
    around.get("/api/pitches").as_(&owner).send().await.refused(401, "not_the_gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_reaches_the_database_that_it_cannot_keep() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nul = "a\u{0}b";
    app.post("/api/ndas/request", &buyer, json!({ "pitchId": pitch, "message": nul }))
        .await
        .refused(400, "validation_failed");
    app.post("/api/ndas/request", &buyer, json!({ "pitchId": pitch, "message": "m".repeat(2_001) }))
        .await
        .refused(400, "validation_failed");
    let nda = app.requested(pitch, &buyer).await;
    for (what, body) in [
        ("approve", json!({ "terms": nul })),
        ("reject", json!({ "reason": nul })),
        ("revoke", json!({ "reason": nul })),
        ("reject", json!({ "reason": "r".repeat(2_001) })),
    ] {
        app.post(&format!("/api/ndas/{nda}/{what}"), &owner, body).await.refused(400, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suspended_read_and_do_nothing_else() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.approved(pitch, &owner, &buyer).await;
    let asked = app.requested(pitch, &app.investor().await).await;
    let owner = pitchey_identity::Actor { suspended: true, ..owner };
    let buyer = pitchey_identity::Actor { suspended: true, ..buyer };
    app.get(&format!("/api/pitches/{pitch}"), &owner).await.expect(200);
    app.get(&format!("/api/ndas/{nda}/document"), &buyer).await.expect(200);
    for (nda, what, actor) in [
        (asked, "approve", &owner),
        (asked, "reject", &owner),
        (nda, "revoke", &owner),
        (nda, "sign", &buyer),
        (nda, "withdraw", &buyer),
        (nda, "remind", &buyer),
    ] {
        app.act(nda, what, actor).await.refused(403, "account_suspended");
    }
    let path = format!("/api/pitches/{pitch}");
    app.client
        .put(&path)
        .as_(&owner)
        .json(&json!({ "title": "No" }))
        .send()
        .await
        .refused(403, "account_suspended");
    app.client.delete(&path).as_(&owner).send().await.refused(403, "account_suspended");
    app.client
        .put("/api/ndas/policy")
        .as_(&owner)
        .json(&json!({ "policy": "all" }))
        .send()
        .await
        .refused(403, "account_suspended");
}
