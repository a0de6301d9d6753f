use pitchey_identity::Principal;
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answered, Lines, answer};

fn assert_error(answered: &Answered, status: u16, code: &str) {
    let body = &answered.body;
    assert_eq!((answered.status, body["code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["error"], body["message"]);
    assert!(
        body["error"].is_string() && body["details"].is_object() && body["timestamp"].is_string(),
        "{body}"
    );
    assert_eq!(body["validation_errors"].as_array().unwrap().is_empty(), status != 400, "{body}");
    assert_eq!(answered.headers["content-type"], "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_the_envelope() {
    let lines = Lines::start().await;
    let get = |path| answer(lines.request(Method::GET, path, &Principal::Anonymous));

    assert_error(&get("/api/nothing").await, 404, "not_found");
    assert_error(&get("/api/lines/seven").await, 404, "not_found");
    assert_error(&get("/api/lines").await, 405, "method_not_allowed");
    assert_error(&get("/api/lines/1?page=0").await, 400, "validation_failed");
    assert_error(&get("/api/lines/1?limit=many").await, 400, "validation_failed");
    assert_eq!(get("/api/lines/1?limit=1000").await.body["limit"], 100);

    let anonymous =
        lines.request(Method::POST, "/api/lines", &Principal::Anonymous).json(&json!({"lineText": "x"}));
    assert_error(&answer(anonymous).await, 401, "unauthenticated");

    assert_error(&answer(lines.write("{")).await, 400, "malformed_json");
    assert_error(&answer(lines.write("")).await, 400, "validation_failed");
    assert_error(&answer(lines.write(r#"{"lineText": "x"} x"#)).await, 400, "malformed_json");
    assert_error(&answer(lines.write(r#"{"lineText": 7}"#)).await, 400, "validation_failed");
    let invalid_utf8 = lines.write("").body(b"{\"lineText\": \"\xff\"}".to_vec());
    assert_error(&answer(invalid_utf8).await, 400, "malformed_json");
    let text = lines.write("").header("content-type", "text/plain").body("lineText=x");
    let text = answer(text).await;
    assert_error(&text, 415, "unsupported_media_type");
    let huge = lines.write(&format!("{{\"lineText\": \"{}\"}}", "x".repeat(3 * 1024 * 1024)));
    assert_error(&answer(huge).await, 413, "payload_too_large");
    let bad_key = lines.write(r#"{"lineText": "x"}"#).header("idempotency-key", "with space");
    assert_error(&answer(bad_key).await, 400, "idempotency_key_invalid");
    assert_eq!(lines.lines().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_named_as_in_json() {
    let lines = Lines::start().await;
    let field = async |body: &str| -> Value {
        let answered = answer(lines.write(body)).await;
        assert_error(&answered, 400, "validation_failed");
        answered.body["validation_errors"][0].clone()
    };
    assert_eq!(field("{}").await["field"], "lineText");
    assert_eq!(field("{}").await["code"], "required");
    assert_eq!(field(r#"{"lineText": 7}"#).await["field"], "lineText");
    assert_eq!(field(r#"{"lineText": 7}"#).await["code"], "wrong_type");
    assert_eq!(field(r#"{"lineText": ""}"#).await["field"], "lineText");
    assert_eq!(field(r#"{"lineText": ""}"#).await["code"], "invalid");
    assert_eq!(field("[]").await["field"], "body");
}

#[tokio::test(flavor = "multi_thread")]
async fn internals_never_show_and_the_request_can_be_found() {
    let lines = Lines::start().await;
    let answered = answer(lines.write(r#"{"lineText": "x", "fails": true}"#)).await;
    assert_error(&answered, 500, "broken");
    assert!(!answered.body.to_string().contains("secret internals"));
    assert_eq!(answered.body["requestId"], "the-request");
    assert_eq!(lines.lines().await, 0, "what failed left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_gateway() {
    let lines = Lines::start().await;
    let client = reqwest::Client::new();
    assert_error(&answer(client.get(lines.url("/api/lines/1"))).await, 401, "not_the_gateway");
    let other_path = lines.request(Method::GET, "/api/lines/1", &lines.user).build().unwrap();
    let signature = other_path.headers()[pitchey_identity::HEADER].clone();
    let stolen = client.get(lines.url("/api/lines/2")).header(pitchey_identity::HEADER, signature);
    assert_error(&answer(stolen).await, 401, "not_the_gateway");

    let health = answer(client.get(lines.url("/health"))).await;
    assert_eq!(health.body["status"], "healthy");
    assert_eq!(health.body["database"], "connected");
    assert_eq!(health.body["broker"], "disconnected");
    let openapi = answer(client.get(lines.url("/openapi.json"))).await;
    assert!(openapi.body["paths"]["/api/lines/{id}"]["get"].is_object());
    assert!(openapi.body["components"]["schemas"]["ErrorBody"].is_object());
}
