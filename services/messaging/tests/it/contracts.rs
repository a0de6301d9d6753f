//! The rows of API.md: paths, methods, field names, statuses.

use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, schema};
use serde_json::{Value, json};

use crate::app::{App, conversation};

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_says_what_the_database_has() {
    let db = TestDatabase::create().await;
    schema::assert_matches(&db, Service::Messaging, include_str!("../../src/schema.rs")).await;
}

#[test]
fn every_route_is_documented() {
    let document = pitchey_web::openapi(Service::Messaging, pitchey_messaging::routes).to_json().unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(operations, 16, "{:#?}", paths.keys().collect::<Vec<_>>());
    for schema in ["Message", "Conversation", "Frame"] {
        assert!(document["components"]["schemas"][schema].is_object(), "{schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_answers_as_it_is_written() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let sent = app.sent(&ann, &bob, "Hi").await;
    let (talk, message) = (conversation(&sent), sent["id"].as_i64().unwrap());
    // Method, path, body, status, keys of the answer.
    let rows: Vec<(&str, String, Value, u16, &[&str])> = vec![
        ("GET", "/api/messages/conversations".into(), Value::Null, 200, &["data", "meta"]),
        ("GET", "/api/messages/unread-count".into(), Value::Null, 200, &["byConversation", "unreadCount"]),
        (
            "POST",
            "/api/messages/send".into(),
            json!({ "receiverId": bob.id, "content": "x", "subject": "s", "messageType": "text" }),
            201,
            &["message", "messageData"],
        ),
        (
            "POST",
            format!("/api/messages/{message}/read"),
            json!({}),
            200,
            &["conversationId", "message", "upTo"],
        ),
        (
            "PUT",
            format!("/api/messages/{message}"),
            json!({ "content": "y" }),
            200,
            &["message", "messageData"],
        ),
        (
            "POST",
            "/api/conversations".into(),
            json!({ "participantIds": [bob.id], "type": "direct" }),
            200,
            &["conversation", "message"],
        ),
        (
            "GET",
            format!("/api/conversations/{talk}"),
            Value::Null,
            200,
            &["conversation", "messages", "meta"],
        ),
        (
            "POST",
            format!("/api/conversations/{talk}/messages"),
            json!({ "content": "z" }),
            201,
            &["message", "messageData"],
        ),
        (
            "POST",
            format!("/api/conversations/{talk}/read"),
            json!({ "upTo": message }),
            200,
            &["conversationId", "message", "upTo"],
        ),
        ("POST", format!("/api/conversations/{talk}/typing"), json!({}), 200, &["message", "typing"]),
        ("POST", format!("/api/conversations/{talk}/archive"), json!({}), 200, &["conversation", "message"]),
        ("GET", "/api/ws/token".into(), Value::Null, 200, &["expiresAt", "ticket"]),
        ("GET", "/api/poll?since=0".into(), Value::Null, 200, &["frames", "lastSeq", "resync"]),
        ("DELETE", format!("/api/messages/{message}"), Value::Null, 200, &["message", "messageData"]),
    ];
    for (method, path, body, status, keys) in rows {
        let request = app.client.request(method.parse().unwrap(), &path).as_(&ann);
        // A POST without a body arrives with a length of 0.
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.expect(status);
        let mut found: Vec<&String> = answer.json.as_object().unwrap().keys().collect();
        found.sort();
        assert_eq!(found, keys, "{answer}");
    }
    let message_keys = [
        "attachments",
        "content",
        "conversationId",
        "createdAt",
        "deletedAt",
        "editedAt",
        "id",
        "messageType",
        "parentId",
        "pitchId",
        "read",
        "readAt",
        "receiverId",
        "senderId",
        "sentAt",
        "subject",
    ];
    let mut found: Vec<&String> = sent.as_object().unwrap().keys().collect();
    found.sort();
    assert_eq!(found, message_keys);
    let one = app.get(&format!("/api/conversations/{talk}"), &bob).await.ok()["conversation"].clone();
    for key in [
        "id",
        "type",
        "title",
        "pitchId",
        "participants",
        "lastMessage",
        "unreadCount",
        "createdAt",
        "updatedAt",
    ] {
        assert!(one.get(key).is_some(), "{key} in {one}");
    }
    app.client.post(&format!("/api/conversations/{talk}/read")).as_(&bob).send().await.expect(200);
    app.client.request("PATCH".parse().unwrap(), "/api/messages/send").as_(&ann).send().await.expect(405);
}
