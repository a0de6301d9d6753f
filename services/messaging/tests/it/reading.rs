use pitchey_events::MessageRead;
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;

use crate::app::{App, conversation, id};

#[tokio::test(flavor = "multi_thread")]
async fn reading_one_message_reads_all_before_it_and_never_goes_back() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let mut sent = Vec::new();
    for n in 0..4 {
        sent.push(app.sent(&ann, &bob, &format!("{n}")).await);
    }
    let talk = conversation(&sent[0]);
    let unread = async || app.get("/api/messages/unread-count", &bob).await.ok()["unreadCount"].clone();
    assert_eq!(unread().await, 4);
    app.post(&format!("/api/messages/{}/read", sent[2]["id"]), &bob, json!({})).await.expect(200);
    assert_eq!(unread().await, 1);
    let told = app.emitted.take::<MessageRead>().await;
    assert_eq!((told.reader_id, told.up_to.0, told.recipient_ids), (bob.id, id(&sent[2]), vec![ann.id]));
    app.post(&format!("/api/messages/{}/read", sent[0]["id"]), &bob, json!({})).await.expect(200);
    assert_eq!(unread().await, 1, "it does not go back");
    app.post(&format!("/api/conversations/{talk}/read"), &bob, json!({ "upTo": sent[3]["id"] }))
        .await
        .expect(200);
    assert_eq!(unread().await, 0);

    let page = app.get(&format!("/api/conversations/{talk}"), &bob).await.ok();
    assert!(page["messages"].as_array().unwrap().iter().all(|message| message["read"] == true));
    assert!(page["messages"][0]["readAt"].is_string());
    let mine = app.get(&format!("/api/conversations/{talk}"), &ann).await.ok();
    assert_eq!((&mine["messages"][0]["read"], &mine["messages"][0]["readAt"]), (&json!(true), &json!(null)));
    let of_bob = mine["conversation"]["positions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["userId"] == json!(bob.id));
    assert_eq!(of_bob.unwrap()["lastReadMessageId"], sent[3]["id"]);
    assert_eq!(
        app.number(&format!("SELECT count(*) FROM message_read_receipts WHERE user_id = {}", ann.id)).await,
        0
    );
    let stranger = app.investor().await;
    app.post(&format!("/api/messages/{}/read", sent[0]["id"]), &stranger, json!({}))
        .await
        .refused(404, "not_found");
    app.post(&format!("/api/conversations/{talk}/read"), &stranger, json!({}))
        .await
        .refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_has_been_delivered() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let sent = app.sent(&ann, &bob, "Hi").await;
    app.get(&format!("/api/conversations/{}", conversation(&sent)), &bob).await.ok();
    let delivered = format!(
        "SELECT count(*) FROM message_read_receipts AS r JOIN conversation_participants AS p USING (user_id)
         WHERE r.message_id = {0} AND r.delivered_at IS NOT NULL AND r.read_at IS NULL AND p.last_delivered_message_id = {0}",
        sent["id"]
    );
    wait_until("the delivery to be noted", SOON, async || app.number(&delivered).await == 1).await;
}
