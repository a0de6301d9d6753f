use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::service::Lines;

trait Envelope {
    fn envelope(self, status: u16, code: &str) -> Value;
}

impl Envelope for Answer {
    #[track_caller]
    fn envelope(self, status: u16, code: &str) -> Value {
        let answer = self.refused(status, code);
        assert_eq!(answer.headers["content-type"], "application/json", "{answer}");
        let body = answer.json;
        assert_eq!(body["status"], status);
        assert_eq!(body["error"], body["message"]);
        assert!(
            body["error"].is_string() && body["details"].is_object() && body["timestamp"].is_string(),
            "{body}"
        );
        assert!(body["requestId"].is_string(), "{body}");
        assert_eq!(body["validation_errors"].as_array().unwrap().is_empty(), status != 400, "{body}");
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_the_envelope() {
    let lines = Lines::start().await;
    let get = |path| lines.client.get(path).send();

    get("/api/nothing").await.envelope(404, "not_found");
    get("/api/lines/seven").await.envelope(404, "not_found");
    get("/api/lines/%00").await.envelope(404, "not_found");
    get("/api/lines").await.envelope(405, "method_not_allowed");
    get("/api/lines/1?page=0").await.envelope(400, "validation_failed");
    get("/api/lines/1?limit=many").await.envelope(400, "validation_failed");
    for path in ["/api/lines/1?limit=1000", "/api/lines/1?limit=99999999999999999999"] {
        assert_eq!(get(path).await.ok()["limit"], 100);
    }

    let anonymous = lines.client.post("/api/lines").json(&json!({"lineText": "x"}));
    anonymous.send().await.envelope(401, "unauthenticated");

    let write = |body: &str| lines.write(body).send();
    write("{").await.envelope(400, "malformed_json");
    write("").await.envelope(400, "validation_failed");
    write(r#"{"lineText": "x"} x"#).await.envelope(400, "malformed_json");
    write(r#"{"lineText": 7}"#).await.envelope(400, "validation_failed");
    write(&format!("{{\"lineText\": \"{}\"}}", "x".repeat(3 * 1024 * 1024)))
        .await
        .envelope(413, "payload_too_large");

    let post = || lines.client.post("/api/lines").as_(&lines.user);
    let invalid_utf8 = post().body("application/json", b"{\"lineText\": \"\xff\"}");
    invalid_utf8.send().await.envelope(400, "malformed_json");
    post().body("text/plain", "lineText=x").send().await.envelope(415, "unsupported_media_type");
    let bad_key = lines.write(r#"{"lineText": "x"}"#).header("idempotency-key", "with space");
    bad_key.send().await.envelope(400, "idempotency_key_invalid");
    assert_eq!(lines.lines().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_named_as_in_json() {
    let lines = Lines::start().await;
    for (body, field, code) in [
        ("{}", "lineText", "required"),
        (r#"{"lineText": 7}"#, "lineText", "wrong_type"),
        (r#"{"lineText": ""}"#, "lineText", "invalid"),
        (r#"{"lineText": "twenty-one characters"}"#, "lineText", "invalid"),
        (r#"{"lineText": "x", "ink": 7}"#, "ink", "wrong_type"),
        (r#"{"lineText": "x", "ink": "green"}"#, "ink", "wrong_type"),
        ("[]", "body", "wrong_type"),
        (r#"{"lineText": "\u0000"}"#, "body", "invalid"),
    ] {
        let answer = lines.write(body).send().await.envelope(400, "validation_failed");
        let wrong = &answer["validation_errors"][0];
        assert_eq!(
            (wrong["field"].as_str(), wrong["code"].as_str()),
            (Some(field), Some(code)),
            "{body}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn internals_never_show() {
    let lines = Lines::start().await;
    let answer = lines.write(r#"{"lineText": "x", "fails": true}"#).send().await.envelope(500, "broken");
    assert!(!answer.to_string().contains("secret internals"));
    assert_eq!(lines.lines().await, 0, "what failed left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_gateway() {
    let lines = Lines::start().await;
    lines.unsigned.get("/api/lines/1").send().await.envelope(401, "not_the_gateway");
    let forged = lines.unsigned.get("/api/lines/1").header(pitchey_identity::HEADER, "v1.gateway.e30.AAAA");
    forged.send().await.envelope(401, "not_the_gateway");

    let health = lines.unsigned.get("/health").send().await.ok();
    assert_eq!((&health["status"], &health["database"]), (&"healthy".into(), &"connected".into()));
    assert_eq!(health["broker"], "disconnected");
    let openapi = lines.unsigned.get("/openapi.json").send().await.ok();
    assert!(openapi["paths"]["/api/lines/{id}"]["get"].is_object());
    assert!(openapi["components"]["schemas"]["ErrorBody"].is_object());
}
