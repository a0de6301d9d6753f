//! The rows of the public contract, as a table: who asks what, and what comes back.

use pitchey_events::Service;
use serde_json::{Value, json};

use crate::app::World;

/// Method, path, whether somebody is logged in, body, status, and the keys of the answer (or the code of the refusal).
type Row = (&'static str, &'static str, bool, Option<&'static str>, u16, &'static [&'static str]);

const LIST: &[&str] = &["data", "meta", "unreadCount"];
const PREFERENCES: &[&str] =
    &["marketing", "messages", "ndaRequests", "pitchViews", "updatedAt", "userId", "weeklyDigest"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("GET",  "/api/notifications/list",            true,  None,                        200, LIST),
    ("GET",  "/api/notifications/list?page=2",     true,  None,                        200, LIST),
    ("GET",  "/api/notifications/list?limit=500",  true,  None,                        200, LIST),
    ("GET",  "/api/notifications/list?page=none",  true,  None,                        400, &["validation_failed"]),
    ("GET",  "/api/notifications/list",            false, None,                        401, &["unauthenticated"]),
    ("GET",  "/api/notifications/unread",          true,  None,                        200, LIST),
    ("GET",  "/api/notifications/unread",          false, None,                        401, &["unauthenticated"]),
    ("POST", "/api/notifications/{id}/read",       true,  None,                        200, &["message", "notification"]),
    ("POST", "/api/notifications/{id}/read",       true,  Some("{}"),                  200, &["message", "notification"]),
    ("POST", "/api/notifications/{id}/read",       false, None,                        401, &["unauthenticated"]),
    ("POST", "/api/notifications/0/read",          true,  None,                        404, &["notification_not_found"]),
    ("POST", "/api/notifications/x/read",          true,  None,                        404, &["not_found"]),
    ("POST", "/api/notifications/read-all",        true,  None,                        200, &["message", "unreadCount", "updated"]),
    ("POST", "/api/notifications/read-all",        false, None,                        401, &["unauthenticated"]),
    ("GET",  "/api/email/preferences",             true,  None,                        200, PREFERENCES),
    ("GET",  "/api/email/preferences",             false, None,                        401, &["unauthenticated"]),
    ("PUT",  "/api/email/preferences",             true,  Some("{}"),                  200, &["message", "preferences"]),
    ("PUT",  "/api/email/preferences",             true,  Some(r#"{"messages":1}"#),   400, &["validation_failed"]),
    ("PUT",  "/api/email/preferences",             false, Some("{}"),                  401, &["unauthenticated"]),
    ("POST", "/api/email/unsubscribe/{token}",     false, None,                        200, &["category", "message"]),
    ("POST", "/api/email/unsubscribe/x",           false, None,                        404, &["unsubscribe_token_unknown"]),
    ("GET",  "/api/email/unsubscribe/x",           false, None,                        404, &["unsubscribe_token_unknown"]),
    ("POST", "/api/webhooks/email",                false, Some("{}"),                  401, &["webhook_signature_invalid"]),
    ("GET",  "/api/webhooks/email",                false, None,                        405, &["method_not_allowed"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_contract_holds() {
    let world = World::new().await;
    let user = world.db.creator().await;
    world
        .db
        .execute(&format!(
            "INSERT INTO notifications (user_id, event_id, type, title) VALUES ({}, gen_random_uuid(), 'welcome', 'x')",
            user.id
        ))
        .await;
    let id = world.text("SELECT id FROM notifications").await;
    let token = crate::unsubscribe::token(user.id, 1);
    let app = world.start().await;
    let mut wrong = Vec::new();
    for (method, path, logged_in, body, status, keys) in ROWS {
        let path = path.replace("{id}", &id).replace("{token}", &token);
        let mut request = match *method {
            "GET" => app.client.get(&path),
            "PUT" => app.client.put(&path),
            _ => app.client.post(&path),
        };
        if *logged_in {
            request = request.as_(&user);
        }
        if let Some(body) = body {
            request = request.body("application/json", *body);
        }
        let answer = request.send().await;
        let json: Value = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        let mut found: Vec<&str> = if answer.status < 400 {
            json.as_object().unwrap().keys().map(String::as_str).collect()
        } else {
            vec![json["code"].as_str().unwrap_or("none")]
        };
        found.sort_unstable();
        if answer.status != *status || found != *keys {
            wrong.push(format!("{method} {path}: {status} {keys:?} expected: {} {json}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_route_is_documented() {
    let document =
        pitchey_web::openapi(Service::Notifications, pitchey_notifications::routes).to_json().unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        json!(paths),
        json!([
            "/api/email/preferences",
            "/api/email/unsubscribe/{token}",
            "/api/notifications/list",
            "/api/notifications/read-all",
            "/api/notifications/unread",
            "/api/notifications/{id}/read",
            "/api/webhooks/email",
        ])
    );
}
