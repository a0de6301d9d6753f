use std::time::Duration;

use chrono::TimeDelta;
use pitchey_events::{NotificationCreated, PresenceNoticed};
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;

use crate::app::{App, conversation, id, open};
use crate::socket;

#[tokio::test(flavor = "multi_thread")]
async fn both_see_a_message_its_change_and_its_end_in_order() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let (mut of_ann, mut of_bob) = (app.socket(&ann, "").await, app.socket(&bob, "").await);
    let sent = app.sent(&ann, &bob, "Hello").await;
    let path = format!("/api/messages/{}", id(&sent));
    for socket in [&mut of_ann, &mut of_bob] {
        let frame = socket.next("message", "new").await;
        assert_eq!((&frame["seq"], &frame["data"]["content"]), (&json!(1), &json!("Hello")), "{frame}");
        assert!(frame["timestamp"].is_string());
    }
    app.client.put(&path).as_(&ann).json(&json!({ "content": "Hello Bob" })).send().await.expect(200);
    assert_eq!(of_bob.next("message", "edited").await["data"]["content"], "Hello Bob");
    app.post(&format!("{path}/read"), &bob, json!({})).await.expect(200);
    let read = of_ann.next("receipt", "read").await;
    assert_eq!((&read["data"]["userId"], &read["data"]["upTo"]), (&json!(bob.id), &sent["id"]));
    app.client.delete(&path).as_(&ann).send().await.expect(200);
    let deleted = of_bob.next("message", "deleted").await;
    assert_eq!((&deleted["data"]["content"], deleted["data"]["deletedAt"].is_string()), (&json!(""), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_learns_that_it_has_arrived() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let (mut of_ann, _of_bob) = (app.socket(&ann, "").await, app.socket(&bob, "").await);
    let sent = app.sent(&ann, &bob, "Hello").await;
    let delivered = of_ann.next("receipt", "delivered").await;
    assert_eq!((&delivered["data"]["userId"], &delivered["data"]["upTo"]), (&json!(bob.id), &sent["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let mut socket = app.socket(&bob, "").await;
    app.sent(&ann, &bob, "one").await;
    assert_eq!(socket.next("message", "new").await["seq"], 1);
    drop(socket);
    for text in ["two", "three"] {
        app.sent(&ann, &bob, text).await;
    }
    let (replica, _) = app.replica().await;
    let mut socket = open(&replica, &app.clock, &bob, "?since=1").await;
    for (seq, text) in [(2, "two"), (3, "three")] {
        let frame = socket.next("message", "new").await;
        assert_eq!((&frame["seq"], &frame["data"]["content"]), (&json!(seq), &json!(text)));
    }
    // On this replica, of which the sender's knows nothing.
    app.sent(&ann, &bob, "four").await;
    assert_eq!(socket.next("message", "new").await["seq"], 4);

    let polled = app.get("/api/poll?since=2", &bob).await.ok();
    assert_eq!((&polled["lastSeq"], &polled["resync"]), (&json!(4), &json!(false)));
    let seqs: Vec<i64> =
        polled["frames"].as_array().unwrap().iter().map(|f| f["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [3, 4]);
    assert_eq!(polled["frames"][0]["data"]["content"], "three");
    assert_eq!(app.get("/api/poll", &bob).await.ok()["frames"], json!([]));
    pitchey_launch::Process::stop(replica).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stayed_away_too_long_is_told_to_begin_anew() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    for n in 0..5 {
        app.sent(&ann, &bob, &format!("{n}")).await;
    }
    app.db.execute(&format!("DELETE FROM socket_frames WHERE user_id = {} AND seq < 4", bob.id)).await;
    let mut socket = app.socket(&bob, "?since=1").await;
    let resync = socket.next("system", "resync").await;
    assert_eq!(resync["data"]["lastSeq"], 5);
    app.sent(&ann, &bob, "next").await;
    assert_eq!(socket.next("message", "new").await["seq"], 6);
    assert_eq!(app.get("/api/poll?since=1", &bob).await.ok()["resync"], true);
    assert_eq!(app.get("/api/poll?since=77", &bob).await.ok()["resync"], true, "a number that never was");
    assert_eq!(app.get("/api/poll?since=3", &bob).await.ok()["resync"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_kept_for_a_week() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    app.sent(&ann, &bob, "old").await;
    app.pass(TimeDelta::days(8));
    app.sent(&ann, &bob, "new").await;
    app.service.tidy().await.unwrap();
    assert_eq!(
        app.text(&format!("SELECT array_agg(seq) FROM socket_frames WHERE user_id = {}", bob.id)).await,
        "{2}"
    );
    app.db
        .execute(&format!(
            "INSERT INTO socket_frames (user_id, seq, type, event, created_at) SELECT {0}, 2 + n, 'receipt', 'read', '{1}' FROM generate_series(1, 1100) AS n;
             UPDATE socket_streams SET last_seq = 1102 WHERE user_id = {0}",
            bob.id,
            app.clock.now().to_rfc3339()
        ))
        .await;
    app.service.tidy().await.unwrap();
    let left =
        format!("SELECT count(*) || ' from ' || min(seq) FROM socket_frames WHERE user_id = {}", bob.id);
    assert_eq!(app.text(&left).await, "1000 from 103");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket() {
    let app = App::start().await;
    let bob = app.investor().await;
    let ticket = app.get("/api/ws/token", &bob).await.ok()["ticket"].as_str().unwrap().to_owned();
    assert!(!app.text("SELECT digest FROM socket_tickets").await.contains(&ticket));
    let path = format!("/ws?ticket={ticket}");
    let address = app.service.http_address();
    let mut socket = socket::try_open(address, &app.clock, None, &path).await.ok().unwrap();
    assert_eq!(socket.frame().await["event"], "ready");
    let refused = |result: Result<socket::Socket, (u16, serde_json::Value)>| {
        let (status, body) = result.err().unwrap();
        (status, body["code"].as_str().unwrap().to_owned())
    };
    let again = socket::try_open(address, &app.clock, None, &path).await;
    assert_eq!(refused(again), (401, "ticket_invalid".to_owned()));
    let nobody = socket::try_open(address, &app.clock, None, "/ws").await;
    assert_eq!(refused(nobody), (401, "unauthenticated".to_owned()));
    let late = app.get("/api/ws/token", &bob).await.ok()["ticket"].as_str().unwrap().to_owned();
    app.pass(TimeDelta::seconds(61));
    let late = socket::try_open(address, &app.clock, None, &format!("/ws?ticket={late}")).await;
    assert_eq!(refused(late), (401, "ticket_invalid".to_owned()));
    app.get("/ws", &bob).await.invalid(&["Upgrade"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_and_presence_pass_by_without_a_number() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    let mut of_bob = app.socket(&bob, "").await;
    let of_ann = app.socket(&ann, "").await;
    let online = of_bob.next("presence", "online").await;
    assert_eq!((&online["data"]["userId"], &online["seq"]), (&json!(ann.id), &json!(1)));

    app.post(&format!("/api/conversations/{talk}/typing"), &ann, json!({})).await.expect(200);
    let typing = of_bob.next("typing", "started").await;
    assert_eq!(
        (&typing["data"]["userId"], &typing["data"]["conversationId"]),
        (&json!(ann.id), &json!(talk))
    );
    assert_eq!(typing["seq"], 1);
    assert_eq!(app.number("SELECT count(*) FROM typing_indicators").await, 1);
    app.post(&format!("/api/conversations/{talk}/typing"), &ann, json!({ "typing": false }))
        .await
        .expect(200);
    of_bob.next("typing", "stopped").await;

    drop(of_ann);
    let offline = of_bob.next("presence", "offline").await;
    assert_eq!(offline["data"], json!({ "userId": ann.id, "online": false }));
    app.emitted.take::<PresenceNoticed>().await;
    let stranger = app.investor().await;
    app.post(&format!("/api/conversations/{talk}/typing"), &stranger, json!({}))
        .await
        .refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_a_durable_frame() {
    let app = App::start().await;
    let bob = app.investor().await;
    let mut socket = app.socket(&bob, "").await;
    let told = NotificationCreated {
        notification_id: 7,
        user_id: bob.id,
        kind: "nda_approved".to_owned(),
        title: "Your request was approved".to_owned(),
        body: None,
        data: [("pitchId".to_owned(), 42)].into(),
        created_at: app.clock.now(),
    };
    app.deliveries().await.deliver(&told).await;
    let frame = socket.next("notification", "created").await;
    assert_eq!((&frame["seq"], &frame["data"]["id"]), (&json!(1), &json!(7)));
    assert_eq!(frame["data"]["data"]["pitchId"], 42);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_is_cut_off_and_finds_everything_later() {
    let app = App::start_with(|settings| {
        settings.message_burst = 100_000;
        settings.socket_queue = 4;
        settings.slow_after_ms = 300;
    })
    .await;
    app.ignore_all();
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    let mut slow = app.socket(&bob, "?since=0").await;
    assert_eq!(app.service.sockets(), 1);
    // Nobody reads from it: what fills it is what the kernel takes, and then the queue.
    app.db
        .execute(&format!(
            "INSERT INTO socket_frames (user_id, seq, type, event, data)
             SELECT {0}, 1 + n, 'notification', 'created', jsonb_build_object('filler', repeat('x', 100000)) FROM generate_series(1, 300) AS n;
             UPDATE socket_streams SET last_seq = 301 WHERE user_id = {0}",
            bob.id
        ))
        .await;
    wait_until("the slow one to be cut off", SOON, async || app.service.sockets() == 0).await;
    let mut last = 0;
    while let Some(frame) = slow.try_frame().await {
        if frame["type"] != "presence" {
            last = frame["seq"].as_i64().unwrap();
        }
    }
    assert!(last < 301, "it got everything");
    let mut back = app.socket(&bob, &format!("?since={last}")).await;
    while last < 301 {
        let frame = back.frame().await;
        if frame["type"] == "notification" {
            last += 1;
            assert_eq!(frame["seq"], last);
        }
    }
    app.say(&ann, talk, "still there?").await.expect(201);
    assert_eq!(back.next("message", "new").await["seq"], 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_gone_and_who_talks_too_much_is_too() {
    let app = App::start_with(|settings| settings.heartbeat_seconds = 1).await;
    let (silent, loud) = app.pair().await;
    let _never_read = app.socket(&silent, "").await;
    wait_until("the silent one to be closed", SOON, async || app.service.sockets() == 0).await;
    let mut socket = app.socket(&loud, "").await;
    for _ in 0..150 {
        socket.say("hello?").await;
    }
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4429));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_says_so() {
    let app = App::start().await;
    let bob = app.investor().await;
    let (replica, _) = app.replica().await;
    let mut socket = open(&replica, &app.clock, &bob, "").await;
    let stopping = tokio::time::timeout(Duration::from_secs(10), pitchey_launch::Process::stop(replica));
    let (closed, stopped) = tokio::join!(socket.closed(), stopping);
    assert_eq!(closed.map(|(code, _)| code), Some(1001));
    stopped.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM socket_replicas").await, 1);
    assert_eq!(app.number("SELECT count(*) FROM open_sockets").await, 0);
}
