use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::StreamExt;
use pitchey_events::Service::Pitches;
use pitchey_testkit::{SOON, wait_until};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::world::{Stub, World};

const MIB: usize = 1024 * 1024;

async fn talk(world: &World, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(world.address()).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_pass_as_they_are() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    for body in [&b"{\"title\":\"\xff\xfe\"}"[..], b"{ not json", b"", b"\"x\"  ", &[b'x'; 3 * 64 * 1024]] {
        world.client.post("/api/pitches").body("application/json", body).send().await.expect(200);
        assert_eq!(pitches.seen().last().unwrap().body, body);
    }
    world.client.post("/api/pitches").body("text/plain", "plain").send().await.expect(200);
    assert_eq!(pitches.seen().last().unwrap().header("content-type"), Some("text/plain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_whether_or_not_it_says_so() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    let limit = 2 * MIB;
    world.client.post("/api/pitches").body("application/json", vec![b'1'; limit]).send().await.expect(200);
    let answer = talk(
        &world,
        format!(
            "POST /api/pitches HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            limit + 1
        )
        .as_bytes(),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"payload_too_large\""), "{answer}");
    let mut chunked =
        b"POST /api/pitches HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    chunked.extend(format!("{:x}\r\n", limit + 1).into_bytes());
    chunked.extend(vec![b'1'; limit + 1]);
    chunked.extend(b"\r\n0\r\n\r\n");
    let answer = talk(&world, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"payload_too_large\""), "{answer}");
    let world = World::build().with(&[&pitches]).set("limits.upload_bytes", 1_000).start().await;
    world
        .client
        .post("/api/media/upload")
        .body("multipart/form-data", vec![0; 1_001])
        .send()
        .await
        .refused(413, "payload_too_large");
    let chunked = b"POST /api/media/upload HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunked = [chunked, b"3e9\r\n".to_vec(), vec![b'1'; 1_001], b"\r\n0\r\n\r\n".to_vec()].concat();
    let answer = talk(&world, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"payload_too_large\""), "{answer}");
    assert_eq!(pitches.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_given_up() {
    let pitches = Stub::echo(Pitches);
    let timeouts = serde_json::json!({ "body_ms": 100, "pause_ms": 100 });
    let world = World::build().with(&[&pitches]).set("timeouts", timeouts).start().await;
    for path in ["/api/pitches", "/api/media/upload"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nhalf");
        let answer = talk(&world, head.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 408") && answer.contains("\"request_incomplete\""),
            "{path}: {answer}"
        );
    }
    let broken = "POST /api/pitches HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let answer = talk(&world, broken.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"request_incomplete\""), "{answer}");
    assert!(pitches.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_given_up() {
    let world = World::build().set("timeouts", serde_json::json!({ "head_ms": 100 })).start().await;
    let answer = talk(&world, b"GET /api/pitches HTTP/1.1\r\nhost: x\r\nx-slow: ").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_headers_have_sensible_lengths() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    world.client.get(&format!("/api/pitches?q={}", "x".repeat(8_000))).send().await.expect(200);
    world
        .client
        .get(&format!("/api/pitches?q={}", "x".repeat(9_000)))
        .send()
        .await
        .refused(414, "uri_too_long");
    let long = "x".repeat(33_000);
    world.client.get("/api/pitches").header("x-long", &long).send().await.refused(431, "headers_too_large");
    let answer = talk(&world, b"GET /api/pitches\x01 HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(pitches.seen().len(), 1);
}

/// Takes one connection, and reads nothing of it but the head until it is told to; then answers with the digest of the body.
async fn reluctant(length: usize) -> (std::net::SocketAddr, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (go, told)) = (listener.local_addr().unwrap(), oneshot::channel());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        told.await.unwrap();
        let (mut hash, mut left, mut piece) = (Sha256::new(), length, vec![0; 64 * 1024]);
        while left > 0 {
            let read = socket.read(&mut piece).await.unwrap();
            assert!(read > 0, "{left} bytes are missing");
            hash.update(&piece[..read]);
            left -= read;
        }
        let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{digest}", digest.len());
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    (address, go)
}

/// What the sockets of both hops may hold.
const IN_SOCKETS: usize = 32 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_never_held_here() {
    let length = 64 * MIB;
    let (address, go) = reluctant(length).await;
    let world = World::build().with_address(Pitches, address).start().await;
    let mut socket = TcpStream::connect(world.address()).await.unwrap();
    let head = format!(
        "POST /api/media/upload HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=b\r\n\
         content-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let piece: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    let (mut hash, mut sent, mut go) = (Sha256::new(), 0, Some(go));
    while sent < length {
        let rest = &piece[..piece.len().min(length - sent)];
        // Nobody reads: it has to stop somewhere.
        match tokio::time::timeout(Duration::from_millis(500), socket.write(rest)).await {
            Ok(wrote) => {
                let wrote = wrote.unwrap();
                hash.update(&rest[..wrote]);
                sent += wrote;
            }
            Err(_) => {
                assert!(sent < IN_SOCKETS, "{sent} bytes were taken while nobody read them");
                go.take().expect("it goes on").send(()).unwrap();
            }
        }
    }
    assert!(go.is_none(), "everything was taken while nobody read it");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&digest), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_never_held_here() {
    let made = Arc::new(AtomicUsize::new(0));
    let pitches = Stub::answering(Pitches, {
        let made = Arc::clone(&made);
        move |_| {
            let made = Arc::clone(&made);
            let pieces = futures_util::stream::iter(0..1_024).map(move |_| {
                made.fetch_add(64 * 1024, Ordering::SeqCst);
                Ok::<_, std::io::Error>(Bytes::from(vec![7; 64 * 1024]))
            });
            HttpResponse::Ok().streaming(pieces)
        }
    });
    let world = World::build().with(&[&pitches]).start().await;
    let mut socket = TcpStream::connect(world.address()).await.unwrap();
    socket
        .write_all(b"GET /api/ndas/7/document HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    // Until nothing moves any more, since nobody reads.
    let mut before = usize::MAX;
    wait_until("the service to stop making it", SOON, async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = made.load(Ordering::SeqCst);
        now > 0 && std::mem::replace(&mut before, now) == now
    })
    .await;
    assert!(before < IN_SOCKETS, "{before} bytes were made while nobody read them");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(answer.len() > 64 * MIB);
    assert!(answer.ends_with(b"\r\n0\r\n\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_empty_answers_have_no_body() {
    let pitches = Stub::answering(Pitches, |seen| {
        if seen.path.ends_with("/none") {
            HttpResponse::NoContent().finish()
        } else {
            HttpResponse::Ok().body("hello")
        }
    });
    let world = World::build().with(&[&pitches]).start().await;
    let answer = world.client.request(reqwest::Method::HEAD, "/api/pitches").send().await.expect(200);
    assert_eq!((answer.header("content-length"), answer.bytes.len()), (Some("5"), 0));
    let answer = world.client.get("/api/pitches/none").send().await.expect(204);
    assert_eq!((answer.header("content-length"), answer.bytes.len()), (None, 0));
    world.client.get("/api/pitches").send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_loses_its_place() {
    let pitches = Stub::answering(Pitches, |seen| {
        HttpResponse::Ok().body(vec![b'x'; if seen.path.ends_with("long") { 64 * MIB } else { 1 }])
    });
    let world = World::build()
        .with(&[&pitches])
        .set("limits.in_flight", 1)
        .set("timeouts", serde_json::json!({ "pause_ms": 300 }))
        .start()
        .await;
    let mut idle = TcpStream::connect(world.address()).await.unwrap();
    idle.write_all(b"GET /api/pitches/long HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    wait_until("the long answer to begin", SOON, async || pitches.seen().len() == 1).await;
    world.client.get("/api/pitches/short").send().await.refused(503, "service_overloaded");
    wait_until("its place to be free", SOON, async || {
        world.client.get("/api/pitches/short").send().await.status == 200
    })
    .await;
    let mut got = Vec::new();
    idle.read_to_end(&mut got).await.unwrap();
    assert!(got.len() < 64 * MIB, "the rest of it never comes");
}
