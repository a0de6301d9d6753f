use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::HttpResponse;
use pitchey_events::Service::{Messaging, Pitches};
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::world::{Stub, World};

#[tokio::test(flavor = "multi_thread")]
async fn two_equal_messages_on_purpose_stay_two() {
    let messaging = Stub::echo(Messaging);
    let world = World::build().with(&[&messaging]).start().await;
    let (token, _) = world.log_in(|_| {});
    for _ in 0..2 {
        let message = json!({ "receiverId": 2, "content": "ok" });
        world.client.post("/api/messages/send").bearer(&token).json(&message).send().await.expect(200);
    }
    let seen = messaging.seen();
    assert_ne!(seen[0].key(), seen[1].key());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repetition_of_a_failure_has_its_key_and_nobody_elses() {
    let fails = Arc::new(AtomicBool::new(true));
    let pitches = Stub::answering(Pitches, {
        let fails = Arc::clone(&fails);
        move |_| {
            if fails.load(Ordering::SeqCst) {
                HttpResponse::InternalServerError().json(json!({ "code": "internal_error" }))
            } else {
                HttpResponse::Created().json(json!({}))
            }
        }
    });
    let world = World::build().with(&[&pitches]).start().await;
    let ((one, _), (two, _)) = (world.log_in(|_| {}), world.log_in(|_| {}));
    let send = async |token: &str, path: &str, title: &str| {
        let request = world.client.post(path).bearer(token).json(&json!({ "title": title }));
        request.send().await;
        pitches.seen().last().unwrap().key().to_owned()
    };
    let key = send(&one, "/api/pitches", "a").await;
    assert_eq!(send(&one, "/api/pitches", "a").await, key);
    assert_ne!(send(&two, "/api/pitches", "a").await, key, "another user");
    assert_ne!(send(&one, "/api/pitches?x=1", "a").await, key, "another address");
    assert_ne!(send(&one, "/api/pitches", "b").await, key, "another body");
    world.client.put("/api/pitches").bearer(&one).json(&json!({ "title": "a" })).send().await;
    assert_ne!(pitches.seen().last().unwrap().key(), key, "another method");
    fails.store(false, Ordering::SeqCst);
    assert_eq!(send(&one, "/api/pitches", "a").await, key, "the one that works at last");
    assert_ne!(send(&one, "/api/pitches", "a").await, key, "a new wish");
}

/// A service whose writes wait until they are let go, and count when they are done.
fn slow(done: &Arc<AtomicUsize>, gate: &Arc<Semaphore>) -> Stub {
    let (done, gate) = (Arc::clone(done), Arc::clone(gate));
    Stub::handling(Pitches, move |_| {
        let (done, gate) = (Arc::clone(&done), Arc::clone(&gate));
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            done.fetch_add(1, Ordering::SeqCst);
            HttpResponse::Created().json(json!({ "message": "done" }))
        })
    })
}

fn raw(path: &str, token: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_goes_on_without_its_client_and_its_repetition_has_the_same_key() {
    let (done, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let pitches = slow(&done, &gate);
    let world = World::build().with(&[&pitches]).start().await;
    let (token, _) = world.log_in(|_| {});
    let body = json!({ "pitchId": 7 }).to_string();
    let mut client = TcpStream::connect(world.address()).await.unwrap();
    client.write_all(raw("/api/ndas/request", &token, &body).as_bytes()).await.unwrap();
    wait_until("the write to arrive", SOON, async || pitches.seen().len() == 1).await;
    drop(client);
    gate.add_permits(1);
    wait_until("the write to be done", SOON, async || done.load(Ordering::SeqCst) == 1).await;
    gate.add_permits(2);
    let again = || {
        world.client.post("/api/ndas/request").bearer(&token).body("application/json", body.clone()).send()
    };
    again().await.expect(201);
    let seen = pitches.seen();
    assert_eq!(seen[0].key(), seen[1].key());
    again().await.expect(201);
    assert_ne!(pitches.seen()[2].key(), seen[0].key(), "that answer arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_while_the_former_is_in_flight_has_its_key() {
    let (done, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let pitches = slow(&done, &gate);
    let world = World::build().with(&[&pitches]).start().await;
    let send = || world.client.post("/api/ndas/request").json(&json!({ "pitchId": 7 })).send();
    let both = async { futures_util::future::join(send(), send()).await };
    let arrived = async {
        wait_until("both to arrive", SOON, async || pitches.seen().len() == 2).await;
        gate.add_permits(2);
    };
    let ((one, two), ()) = futures_util::future::join(both, arrived).await;
    one.expect(201);
    two.expect(201);
    assert_eq!(pitches.seen()[0].key(), pitches.seen()[1].key());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_takes_too_long_is_not_cancelled_and_its_key_stays() {
    let (done, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let pitches = slow(&done, &gate);
    let world = World::build().with(&[&pitches]).set("timeouts", json!({ "answer_ms": 200 })).start().await;
    let send = || world.client.post("/api/ndas/request").json(&json!({ "pitchId": 7 })).send();
    send().await.refused(504, "gateway_timeout");
    assert_eq!(done.load(Ordering::SeqCst), 0);
    gate.add_permits(1);
    wait_until("the write to be done", SOON, async || done.load(Ordering::SeqCst) == 1).await;
    gate.add_permits(1);
    send().await.expect(201);
    assert_eq!(pitches.seen()[0].key(), pitches.seen()[1].key());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_key_passes() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    for _ in 0..2 {
        world
            .client
            .post("/api/pitches")
            .header("idempotency-key", "mine")
            .json(&json!({}))
            .send()
            .await
            .expect(200);
    }
    assert!(pitches.seen().iter().all(|seen| seen.key() == "mine"));
    world.client.get("/api/pitches").send().await.expect(200);
    assert_eq!(pitches.seen()[2].header("idempotency-key"), None, "reads have none");
}
