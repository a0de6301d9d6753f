use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix_web::HttpResponse;
use futures_util::future::join_all;
use pitchey_events::Service::{Accounts, Pitches};
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::world::{Stub, World};

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_spread_over_the_replicas() {
    let (one, two) = (Stub::echo(Pitches), Stub::echo(Pitches));
    let world = World::build().with(&[&one, &two]).start().await;
    for _ in 0..20 {
        world.client.get("/api/pitches").send().await.expect(200);
    }
    assert!(one.seen().len() >= 5 && two.seen().len() >= 5, "{} and {}", one.seen().len(), two.seen().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_in_the_middle_of_load_fails_no_read() {
    let replicas = [Stub::echo(Pitches), Stub::echo(Pitches)];
    let world = World::build().with(&[&replicas[0], &replicas[1]]).start().await;
    let (answered, dead) = (AtomicUsize::new(0), AtomicBool::new(false));
    let client = async |_| {
        while !dead.load(Ordering::SeqCst) || answered.load(Ordering::SeqCst) < 1_000 {
            world.client.get("/api/pitches/public").send().await.expect(200);
            answered.fetch_add(1, Ordering::SeqCst);
        }
    };
    let killer = async {
        wait_until("load", SOON, async || answered.load(Ordering::SeqCst) > 300).await;
        replicas[0].kill().await;
        dead.store(true, Ordering::SeqCst);
    };
    futures_util::future::join(join_all((0..16).map(client)), killer).await;
    assert!(replicas.iter().all(|replica| !replica.seen().is_empty()));
}

/// Listens, and does this with each connection whose request has arrived: how many there were.
async fn rude(answer: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, count) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(AtomicUsize::new(0)));
    let (address, counted) = (listener.local_addr().unwrap(), Arc::clone(&count));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            if socket.read(&mut request).await.unwrap_or(0) > 0 {
                counted.fetch_add(1, Ordering::SeqCst);
                let _ = socket.write_all(answer).await;
            }
        }
    });
    (address, count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_may_have_arrived_is_not_sent_again_but_a_read_is() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"] {
        let (address, count) = rude(answer).await;
        let world = World::build().with_address(Pitches, address).start().await;
        world.client.post("/api/pitches").json(&json!({})).send().await.refused(502, "bad_gateway");
        assert_eq!(count.load(Ordering::SeqCst), 1);
        world.client.get("/api/pitches").send().await.refused(503, "service_unavailable");
        assert_eq!(count.load(Ordering::SeqCst), 5, "four tries");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_that_breaks_off_is_not_passed_on_as_whole() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nhalf",
    ] {
        let (address, _) = rude(answer).await;
        let world = World::build().with_address(Pitches, address).start().await;
        let mut socket = TcpStream::connect(world.address()).await.unwrap();
        socket.write_all(b"GET /api/pitches HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut got = String::new();
        // The end of the connection is all that tells; maybe before anything else was sent.
        let _ = socket.read_to_string(&mut got).await;
        let whole = got.ends_with("0\r\n\r\n") || got.contains("content-length: 4");
        assert!(!whole, "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_reached_nobody_goes_to_another_replica() {
    let (gone, there) = (Stub::echo(Pitches), Stub::echo(Pitches));
    let world = World::build().with(&[&gone, &there]).start().await;
    gone.kill().await;
    for _ in 0..10 {
        world.client.post("/api/pitches").json(&json!({ "title": "t" })).send().await.expect(200);
        world.client.post("/api/media/upload").body("multipart/form-data", "x").send().await.expect(200);
    }
    assert_eq!(there.seen().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_back_is_used_again_and_none_is_unavailable() {
    let (gone, other) = (Stub::echo(Pitches), Stub::echo(Accounts));
    let world = World::build().with(&[&gone, &other]).start().await;
    gone.kill().await;
    world.client.get("/api/pitches").send().await.refused(503, "service_unavailable");
    world.client.post("/api/pitches").send().await.refused(503, "service_unavailable");
    world.client.get("/api/users/1").send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_takes_only_its_own_requests_along() {
    let gate = Arc::new(Semaphore::new(0));
    let pitches = Stub::handling(Pitches, {
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                gate.acquire().await.unwrap().forget();
                HttpResponse::Ok().finish()
            })
        }
    });
    let accounts = Stub::echo(Accounts);
    let world = World::build().with(&[&pitches, &accounts]).set("limits.in_flight", 2).start().await;
    let hanging = join_all((0..2).map(|_| world.client.get("/api/pitches").send()));
    let others = async {
        wait_until("both to hang", SOON, async || pitches.seen().len() == 2).await;
        world.client.get("/api/pitches").send().await.refused(503, "service_overloaded");
        world.client.get("/api/users/1").send().await.expect(200);
        gate.add_permits(2);
    };
    let (hung, ()) = futures_util::future::join(hanging, others).await;
    assert_eq!(hung.iter().map(|answer| answer.status).collect::<HashSet<_>>(), HashSet::from([200]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_takes_too_long_is_given_up() {
    let pitches = Stub::handling(Pitches, |_| Box::pin(std::future::pending()));
    let world = World::build().with(&[&pitches]).set("timeouts", json!({ "answer_ms": 100 })).start().await;
    world.client.get("/api/pitches").send().await.refused(504, "gateway_timeout");
}
