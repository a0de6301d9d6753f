use chrono::TimeDelta;
use serde_json::json;

use crate::app::{App, conversation};
use crate::socket;

#[tokio::test(flavor = "multi_thread")]
async fn five_messages_at_once_then_one_every_two_seconds() {
    let app = App::start_with(|_| {}).await;
    app.ignore_all();
    let (ann, bob) = app.pair().await;
    for n in 0..5 {
        app.send(&ann, &bob, &format!("{n}")).await.expect(201);
    }
    let refused = app.send(&ann, &bob, "6").await.refused(429, "message_rate_limit");
    assert_eq!(refused.header("x-ratelimit-limit"), Some("30"));
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    app.pass(TimeDelta::seconds(wait));
    let talk = conversation(&app.sent(&ann, &bob, "6").await);
    app.say(&ann, talk, "7").await.refused(429, "message_rate_limit");
    app.say(&bob, talk, "others are free").await.expect(201);
    app.pass(TimeDelta::seconds(60));
    for n in 0..5 {
        app.say(&ann, talk, &format!("again {n}")).await.expect(201);
    }
    app.say(&ann, talk, "again 6").await.refused(429, "message_rate_limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_over_two_replicas_is_one_burst() {
    let app = App::start_with(|_| {}).await;
    app.ignore_all();
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    let (replica, client) = app.replica().await;
    let path = format!("/api/conversations/{talk}/messages");
    let sends = (0..20).map(|n| {
        let client = if n % 2 == 0 { &app.client } else { &client };
        client.post(&path).as_(&ann).json(&json!({ "content": "x" })).send()
    });
    let statuses: Vec<u16> =
        futures_util::future::join_all(sends).await.into_iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 4, "{statuses:?}");
    pitchey_launch::Process::stop(replica).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_sockets_a_user_over_all_replicas() {
    let app = App::start().await;
    let bob = app.investor().await;
    let (replica, _) = app.replica().await;
    let mut sockets = Vec::new();
    for n in 0..5 {
        let at = if n % 2 == 0 { &app.service } else { &replica };
        sockets.push(crate::app::open(at, &app.clock, &bob, "").await);
    }
    let refused =
        socket::try_open(replica.http_address(), &app.clock, Some(&bob), "/ws").await.err().unwrap();
    assert_eq!((refused.0, refused.1["code"].as_str()), (429, Some("too_many_sockets")));
    // A place that is given back is free, also that of a replica that is gone without a word.
    sockets.truncate(4);
    pitchey_testkit::wait_until("the place to be free", pitchey_testkit::SOON, async || {
        socket::try_open(app.service.http_address(), &app.clock, Some(&bob), "/ws")
            .await
            .map(|s| sockets.push(s))
            .is_ok()
    })
    .await;
    let gone = "WITH r AS (INSERT INTO socket_replicas VALUES (gen_random_uuid(), now() - interval '6 seconds') RETURNING id)
                UPDATE open_sockets SET replica_id = (SELECT id FROM r) WHERE slot = 3";
    app.db.execute(gone).await;
    socket::try_open(app.service.http_address(), &app.clock, Some(&bob), "/ws").await.ok().unwrap();
    pitchey_launch::Process::stop(replica).await;
}
