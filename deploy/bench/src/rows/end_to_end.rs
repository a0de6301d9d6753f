use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use http::Method;
use lapin::BasicProperties;
use pitchey_events::Service;
use serde_json::json;
use tokio::sync::Mutex as AsyncMutex;
use tokio_postgres::{AsyncMessage, NoTls};

use crate::Scale;
use crate::confirms::Confirms;
use crate::data::{Data, connect};
use crate::load::{Client, open, request};
use crate::platform::Platform;
use crate::report::{Goal, Line, Report, milliseconds};
use crate::stats::{Spread, abba, quantile};

const PER_SECOND: u32 = 50;
const LIMIT: Duration = Duration::from_secs(20);
const QUEUE: &str = "bench.floor";
const WATCH: &str = include_str!("../../sql/watch_notifications.sql");

/// When a notification about an NDA could be seen by others.
type Seen = Arc<Mutex<HashMap<i64, Instant>>>;

pub async fn measure(platform: &Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("From the answer to the effect");
    let seen = watch(platform, data).await;
    let gateway = Client::new(platform.address(Service::Gateway));
    let floor = Floor::open(platform, data).await;
    let mut every: [Vec<f64>; 2] = Default::default();
    let samples = abba(scale.pairs, 2, async |which| {
        let took = if which == 0 {
            let answers = open(PER_SECOND, scale.open_sample, |_| {
                let (gateway, (person, pitch)) = (gateway.clone(), data.next_request());
                let body = json!({ "pitchId": pitch, "message": "May I?" }).to_string();
                let request = request(Method::POST, "/api/ndas/request", Some(&person.token), body);
                Box::pin(async move {
                    let nda = gateway.send(request).await.json()["nda"]["id"].as_i64().unwrap();
                    (nda, Instant::now())
                })
            })
            .await;
            effects(&seen, answers).await
        } else {
            open(PER_SECOND, scale.open_sample, |_| {
                let floor = Arc::clone(&floor);
                Box::pin(async move { floor.once().await.as_secs_f64() * 1000.0 })
            })
            .await
        };
        every[which].extend(&took);
        Spread::of(&took).median
    })
    .await;
    let named = "one commit, one confirm, one commit";
    report.line(Line::paired(
        "NDA request to notification, p50",
        milliseconds,
        &samples[0],
        (named, &samples[1]),
        Some(Goal::AtMost(3.0)),
    ));
    let (ours, theirs) = (quantile(&every[0], 0.99), quantile(&every[1], 0.99));
    report.line(Line {
        what: "the same, p99 of all samples".to_owned(),
        value: milliseconds(ours),
        floor: Some(format!("{} {named}", milliseconds(theirs))),
        ratio: Some(Spread { median: ours / theirs, q1: f64::NAN, q3: f64::NAN }),
        goal: None,
    });
}

/// Milliseconds from each answer until its effect could be seen; zero if it could before.
async fn effects(seen: &Seen, answers: Vec<(i64, Instant)>) -> Vec<f64> {
    let deadline = Instant::now() + LIMIT;
    let mut took = Vec::with_capacity(answers.len());
    for (nda, answered) in answers {
        let effect = loop {
            if let Some(at) = seen.lock().unwrap().remove(&nda) {
                break at;
            }
            assert!(Instant::now() < deadline, "no effect of NDA {nda}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        took.push(effect.saturating_duration_since(answered).as_secs_f64() * 1000.0);
    }
    took
}

/// Postgres tells of each notification as soon as others can see it.
async fn watch(platform: &Platform, data: &Data) -> Seen {
    data.admin.batch_execute(WATCH).await.unwrap();
    let (client, mut connection) =
        tokio_postgres::connect(platform.servers.database_url(), NoTls).await.unwrap();
    let (seen, told) = (Seen::default(), Seen::default());
    let seen_too = Arc::clone(&seen);
    drop(told);
    tokio::spawn(async move {
        let mut messages = poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                let nda = notification.payload().parse().unwrap();
                seen_too.lock().unwrap().entry(nda).or_insert_with(Instant::now);
            }
        }
    });
    client.batch_execute("listen bench_seen").await.unwrap();
    // Dropped, it would end the session.
    std::mem::forget(client);
    seen
}

/// Two commits and a confirm, on connections that wait for nothing else.
struct Floor {
    producer: tokio_postgres::Client,
    consumer: tokio_postgres::Client,
    confirms: AsyncMutex<Confirms>,
}

impl Floor {
    async fn open(platform: &Platform, data: &Data) -> Arc<Self> {
        data.admin
            .batch_execute("create table if not exists bench_floor (id bigserial primary key, text text)")
            .await
            .unwrap();
        let confirms = Confirms::open(&platform.servers.broker()).await;
        confirms.queue(QUEUE).await;
        let url = platform.servers.database_url();
        Arc::new(Self {
            producer: connect(url).await,
            consumer: connect(url).await,
            confirms: AsyncMutex::new(confirms),
        })
    }

    async fn once(&self) -> Duration {
        const INSERT: &str = "insert into bench_floor (text) values ('an effect')";
        let begun = Instant::now();
        self.producer.batch_execute(INSERT).await.unwrap();
        let properties = BasicProperties::default().with_delivery_mode(2);
        self.confirms.lock().await.publish(("", QUEUE), &properties, &[b'x'; 300], 1, 1).await;
        self.consumer.batch_execute(INSERT).await.unwrap();
        begun.elapsed()
    }
}
