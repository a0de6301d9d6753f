//! A revoked session, a ban, a block, an ended membership: nothing more comes within one second, whether or not anything was heard.

use std::time::{Duration, Instant};

use pitchey_bus::outbox;
use pitchey_events::{Service, SessionsRevoked, UserBlocked};
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;

use crate::app::{App, conversation};
use crate::socket::{self, Heard};

const SECOND: Duration = Duration::from_secs(1);

/// A service that can't reach any broker.
async fn without_broker() -> App {
    let app = App::start_with(|settings| {
        settings.message_burst = 10_000;
        settings.broker = pitchey_bus::Broker::new("amqp://127.0.0.1:1".to_owned(), "nowhere.");
    })
    .await;
    app.ignore_all();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_hears_nothing_after_a_second_without_a_broker() {
    let app = without_broker().await;
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    let mut socket = app.socket(&bob, "").await;
    app.say(&ann, talk, "before").await.expect(201);
    socket.next("message", "new").await;

    app.others.known().ended.insert(bob.session_id.to_string());
    let revoked = Instant::now();
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4401));
    assert!(revoked.elapsed() < SECOND, "{:?}", revoked.elapsed());
    let refused =
        socket::try_open(app.service.http_address(), &app.clock, Some(&bob), "/ws").await.err().unwrap();
    assert_eq!(refused.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_can_say_whether_a_session_lives_nothing_is_sent() {
    let app = without_broker().await;
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    let mut socket = app.socket(&bob, "").await;
    app.others.known().accounts_away = true;
    tokio::time::sleep(SECOND).await;
    // Written by who was not asked for: only accounts is away from here on.
    app.db
        .execute(&format!(
            "INSERT INTO socket_frames (user_id, seq, type, event, message_id, conversation_id) SELECT {0}, 2, 'message', 'new', max(id), {talk} FROM messages;
             UPDATE socket_streams SET last_seq = 2 WHERE user_id = {0}",
            bob.id
        ))
        .await;
    socket.stays_silent("message", Duration::from_millis(1_500)).await;
    let refused =
        socket::try_open(app.service.http_address(), &app.clock, Some(&bob), "/ws").await.err().unwrap();
    assert_eq!(refused.0, 503);
    app.others.known().accounts_away = false;
    assert_eq!(socket.next("message", "new").await["seq"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_works_at_once_on_every_replica() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let (replica, client) = app.replica().await;
    for client in [&app.client, &client] {
        wait_until("it to hear", SOON, async || {
            client.get("/health").send().await.json["broker"] == "connected"
        })
        .await;
    }
    let mut here = app.socket(&bob, "").await;
    let mut there = crate::app::open(&replica, &app.clock, &bob, "").await;
    let mut of_ann = app.socket(&ann, "").await;

    let databases = app.db.databases(Service::Accounts).await;
    let bus = pitchey_bus::Bus::start(
        Service::Accounts,
        &app.settings.broker,
        Some(&databases),
        pitchey_bus::Consumes::nothing(),
        pitchey_bus::Listeners::new(),
    )
    .unwrap();
    let mut tx = databases.system.begin().await.unwrap();
    outbox::append(&mut tx, &SessionsRevoked { user_id: bob.id, session_ids: vec![bob.session_id] }).unwrap();
    tx.commit().await.unwrap();
    assert_eq!(here.closed().await.map(|(code, _)| code), Some(4401));
    assert_eq!(there.closed().await.map(|(code, _)| code), Some(4401));
    of_ann.stays_silent("nothing of this kind", Duration::from_millis(300)).await;
    app.emitted.ignore::<SessionsRevoked>();
    bus.shutdown().await;
    pitchey_launch::Process::stop(replica).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_stops_messages_typing_receipts_and_presence() {
    let app = without_broker().await;
    let (ann, bob) = app.pair().await;
    let sent = app.sent(&ann, &bob, "Hi").await;
    let talk = conversation(&sent);
    let mut of_ann = app.socket(&ann, "").await;
    app.others.block(bob.id, ann.id);
    tokio::time::sleep(SECOND).await;

    app.say(&ann, talk, "Why?").await.refused(403, "message_not_possible");
    app.say(&bob, talk, "Because.").await.refused(403, "message_not_possible");
    app.send(&ann, &bob, "Why?").await.refused(403, "message_not_possible");
    let edit = app
        .client
        .put(&format!("/api/messages/{}", sent["id"]))
        .as_(&ann)
        .json(&json!({ "content": "Why?" }));
    edit.send().await.refused(403, "message_not_possible");
    app.post(&format!("/api/conversations/{talk}/typing"), &bob, json!({})).await.expect(200);
    app.post(&format!("/api/conversations/{talk}/read"), &bob, json!({})).await.expect(200);
    let seqs = format!("SELECT last_seq FROM socket_streams WHERE user_id = {}", ann.id);
    assert_eq!(app.number(&seqs).await, 1, "only her own first message");
    of_ann.stays_silent("receipt", Duration::from_millis(1_200)).await;
    app.emitted.ignore::<UserBlocked>();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_nothing() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let stranger = app.investor().await;
    let sent = app.sent(&ann, &bob, "Hi").await;
    let talk = conversation(&sent);
    let mut socket = app.socket(&stranger, "").await;
    app.say(&ann, talk, "Hi again").await.expect(201);
    for path in [format!("/api/conversations/{talk}"), "/api/conversations/999999".to_owned()] {
        app.get(&path, &stranger).await.refused(404, "not_found");
    }
    app.say(&stranger, talk, "Hi").await.refused(404, "not_found");
    app.client
        .put(&format!("/api/messages/{}", sent["id"]))
        .as_(&stranger)
        .json(&json!({ "content": "x" }))
        .send()
        .await
        .refused(404, "not_found");
    app.client
        .delete(&format!("/api/messages/{}", sent["id"]))
        .as_(&stranger)
        .send()
        .await
        .refused(404, "not_found");
    assert_eq!(app.get("/api/poll?since=0", &stranger).await.ok()["frames"], json!([]));
    socket.stays_silent("message", Duration::from_millis(1_200)).await;
    app.client.get("/api/messages/conversations").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_membership_hears_nothing() {
    let app = App::start().await;
    let (ann, bob, eve) = (app.investor().await, app.investor().await, app.investor().await);
    let body = json!({ "participantIds": [bob.id, eve.id] });
    let group =
        app.post("/api/conversations", &ann, body).await.expect(201)["conversation"]["id"].as_i64().unwrap();
    let mut socket = app.socket(&bob, "").await;
    app.post(&format!("/api/conversations/{group}/participants"), &ann, json!({ "remove": [bob.id] }))
        .await
        .expect(200);
    app.pass(chrono::TimeDelta::seconds(1));
    app.say(&ann, group, "Without bob").await.expect(201);
    app.post(&format!("/api/conversations/{group}/typing"), &ann, json!({})).await.expect(200);
    app.post(&format!("/api/conversations/{group}/typing"), &bob, json!({}))
        .await
        .refused(409, "conversation_inactive");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1_200) {
        if let Ok(Heard::Frame(frame)) = tokio::time::timeout(Duration::from_millis(100), socket.hear()).await
        {
            assert!(frame["type"] != "message" && frame["type"] != "typing", "{frame}");
        }
    }
    let poll = app.get("/api/poll?since=1", &bob).await.ok();
    assert_eq!(poll["frames"], json!([]));
}
