use diesel_async::AsyncConnection;
use pitchey_messaging::keys::{self, MasterKeys};
use secrecy::SecretString;
use serde_json::json;

use crate::app::{App, conversation, id, master, start};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_said_lies_in_the_database_as_it_was_said() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let file = json!({ "url": "/api/media/12", "name": "PLAINTEXT.pdf" });
    let body = json!({ "receiverId": bob.id, "content": "PLAINTEXT content", "subject": "PLAINTEXT subject", "messageType": "file", "attachments": [file] });
    // The key keeps the answer for a day; not there either.
    let send = async || {
        let request =
            app.client.post("/api/messages/send").as_(&ann).header("idempotency-key", "k1").json(&body);
        request.send().await.expect(201)["messageData"].clone()
    };
    let sent = send().await;
    assert_eq!(send().await, sent, "a repetition is answered in full all the same");
    app.client
        .put(&format!("/api/messages/{}", sent["id"]))
        .as_(&ann)
        .json(&json!({ "content": "PLAINTEXT again" }))
        .send()
        .await
        .expect(200);
    let tables = "idempotency_keys messages conversations conversation_participants conversation_keys socket_frames socket_streams outbox message_read_receipts audit_log testkit.emitted";
    for table in tables.split(' ') {
        let rows = app.text(&format!("SELECT string_agg(t::text, ' ') FROM {table} AS t")).await;
        assert!(!rows.contains("PLAINTEXT"), "{table}: {rows}");
    }
    assert_eq!(app.text("SELECT content FROM messages").await, "");
    assert_eq!(app.number("SELECT count(*) FROM messages WHERE encrypted_content LIKE 'k1.s1.%'").await, 1);
    let read = app.get(&format!("/api/conversations/{}", conversation(&sent)), &bob).await.ok();
    assert_eq!(
        (&read["messages"][0]["content"], &read["messages"][0]["subject"]),
        (&json!("PLAINTEXT again"), &json!("PLAINTEXT subject"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_opens_only_where_it_was_sealed() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let eve = app.investor().await;
    let (one, two) = (app.sent(&ann, &bob, "one").await, app.sent(&ann, &bob, "two").await);
    let elsewhere = app.sent(&ann, &eve, "three").await;
    let path = format!("/api/conversations/{}", conversation(&one));
    app.get(&path, &bob).await.expect(200);
    let copies = [
        // Another message, another sender, another conversation with its key.
        format!(
            "UPDATE messages SET encrypted_content = (SELECT encrypted_content FROM messages WHERE id = {}) WHERE id = {}",
            one["id"], two["id"]
        ),
        format!("UPDATE messages SET sender_id = {} WHERE id = {}", bob.id, two["id"]),
        format!(
            "UPDATE messages SET conversation_id = {} WHERE id = {}",
            conversation(&one),
            elsewhere["id"]
        ),
        format!(
            "UPDATE conversation_keys SET wrapped_key = (SELECT wrapped_key FROM conversation_keys WHERE conversation_id = {}) WHERE conversation_id = {}",
            conversation(&elsewhere),
            conversation(&one)
        ),
    ];
    for copy in copies {
        let before = app.text("SELECT json_agg(m) FROM messages AS m").await;
        let keys = app.text("SELECT json_agg(k) FROM conversation_keys AS k").await;
        app.db.execute(&copy).await;
        app.get(&path, &bob).await.refused(500, "internal_error");
        app.db
            .execute(&format!(
                "UPDATE messages AS m SET encrypted_content = b.encrypted_content, sender_id = b.sender_id, conversation_id = b.conversation_id
                 FROM json_populate_recordset(NULL::messages, '{before}') AS b WHERE b.id = m.id;
                 UPDATE conversation_keys AS k SET wrapped_key = b.wrapped_key FROM json_populate_recordset(NULL::conversation_keys, '{keys}') AS b WHERE b.conversation_id = k.conversation_id",
            ))
            .await;
        app.get(&path, &bob).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn master_keys_are_replaced_while_everybody_goes_on() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let old = app.sent(&ann, &bob, "under the old key").await;
    let path = format!("/api/conversations/{}", conversation(&old));
    let settings = pitchey_messaging::Settings {
        master_keys: SecretString::from(format!("{},{}", master(6), master(5))),
        ..app.settings.clone()
    };
    let replica = start(&settings, &app.clock).await;
    let client = pitchey_testkit::Client::gateway(pitchey_events::Service::Messaging, replica.http_address())
        .by(&app.clock);
    assert_eq!(client.get(&path).as_(&bob).send().await.ok()["messages"][0]["content"], "under the old key");

    let mut connection = diesel_async::AsyncPgConnection::establish(&app.db.admin_url()).await.unwrap();
    let both = MasterKeys::new(&settings.master_keys).unwrap();
    let before = app.text("SELECT wrapped_key FROM conversation_keys").await;
    assert_eq!(keys::rotate(&mut connection, &both).await.unwrap(), 1);
    assert_ne!(app.text("SELECT wrapped_key FROM conversation_keys").await, before);
    assert_eq!(keys::rotate(&mut connection, &both).await.unwrap(), 0, "there is nothing left");
    assert_eq!(client.get(&path).as_(&bob).send().await.ok()["messages"][0]["content"], "under the old key");
    client
        .post(&format!("{path}/messages"))
        .as_(&ann)
        .json(&json!({ "content": "after" }))
        .send()
        .await
        .expect(201);

    // Who has the old key only reads nothing any more; who has the new one only reads everything.
    app.get(&path, &bob).await.refused(500, "internal_error");
    let only_new =
        pitchey_messaging::Settings { master_keys: SecretString::from(master(6)), ..app.settings.clone() };
    let newest = start(&only_new, &app.clock).await;
    let client = pitchey_testkit::Client::gateway(pitchey_events::Service::Messaging, newest.http_address())
        .by(&app.clock);
    let seen = client.get(&path).as_(&bob).send().await.ok();
    assert_eq!((&seen["messages"][0]["content"], id(&seen["messages"][1])), (&json!("after"), id(&old)));
    for replica in [replica, newest] {
        pitchey_launch::Process::stop(replica).await;
    }
}
