use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use actix_ws::Message;
use futures_util::StreamExt;
use pitchey_config::Certificate;
use pitchey_events::Service::Messaging;
use pitchey_identity::{HEADER, Request};
use pitchey_launch::Process;
use pitchey_testkit::{Authority, identity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::World;

/// Says hello to who is logged in or has a ticket, then says everything again.
fn messaging() -> std::net::SocketAddr {
    messaging_showing(&Certificate::default())
}

/// By TLS, if there is a certificate.
fn messaging_showing(certificate: &Certificate) -> std::net::SocketAddr {
    async fn socket(request: HttpRequest, stream: web::Payload) -> actix_web::Result<HttpResponse> {
        let header = request.headers().get(HEADER).unwrap().to_str().unwrap();
        let path = request.uri().path_and_query().unwrap().as_str();
        let verified = identity::verifier(Messaging).verify(header, Request { method: "GET", path }).unwrap();
        let user = verified.context.principal.user_id();
        if user.is_none() && request.query_string() != "ticket=good" {
            return Ok(HttpResponse::Unauthorized().json(serde_json::json!({ "code": "ticket_invalid" })));
        }
        let (response, mut session, mut messages) = actix_ws::handle(&request, stream)?;
        actix_web::rt::spawn(async move {
            let hello = user.map_or("ticket".to_owned(), |id| format!("user {id}"));
            session.text(hello).await.unwrap();
            while let Some(Ok(message)) = messages.next().await {
                match message {
                    Message::Text(text) if text == "bye" => break,
                    Message::Text(text) => session.text(text).await.unwrap(),
                    Message::Binary(bytes) => session.binary(bytes).await.unwrap(),
                    _ => {}
                }
            }
            let _ = session.close(None).await;
        });
        Ok(response)
    }
    let server = HttpServer::new(|| App::new().route("/ws", web::get().to(socket)));
    let server = server.workers(1).disable_signals();
    let server = match certificate.server() {
        Some(tls) => server.bind_rustls_0_23("127.0.0.1:0", tls).unwrap(),
        None => server.bind("127.0.0.1:0").unwrap(),
    };
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

struct Socket(TcpStream);

/// The answer's head, and the socket.
async fn open(world: &World, path: &str, headers: &str) -> (String, Socket) {
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: pitchey.example\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (String::from_utf8(head).unwrap(), Socket(stream))
}

impl Socket {
    /// Frames from clients are masked; a mask of zeros changes nothing.
    async fn say(&mut self, text: &[u8]) {
        let mut frame = vec![0x81];
        match text.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text);
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame: its kind and what is in it.
    async fn hear(&mut self) -> (u8, Vec<u8>) {
        let first = self.0.read_u8().await.unwrap();
        let length = match self.0.read_u8().await.unwrap() {
            126 => usize::from(self.0.read_u16().await.unwrap()),
            length => usize::from(length),
        };
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).await.unwrap();
        (first & 0x0f, text)
    }

    /// A piece of what comes.
    async fn rest(&mut self) -> String {
        let mut piece = vec![0; 4_096];
        let length = self.0.read(&mut piece).await.unwrap();
        String::from_utf8_lossy(&piece[..length]).into_owned()
    }

    async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        matches!(timeout(Duration::from_secs(10), self.0.read_to_end(&mut rest)).await, Ok(Ok(0) | Err(_)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_both_ways() {
    there_and_back(&World::build().with_address(Messaging, messaging()).start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_both_ways_by_tls() {
    let authority = Authority::new();
    let port = messaging_showing(&authority.certificate("localhost")).port();
    let build = World::build().with_target(Messaging, &format!("https://localhost:{port}"));
    let build = build.set("tls.authorities", authority.file().to_string_lossy().into_owned());
    there_and_back(&build.start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_not_opened_with_who_is_not_messaging() {
    let authority = Authority::new();
    let port = messaging_showing(&authority.certificate("elsewhere.example")).port();
    let build = World::build().with_target(Messaging, &format!("https://localhost:{port}"));
    let world = build.set("tls.authorities", authority.file().to_string_lossy().into_owned()).start().await;
    let (head, _) = open(&world, "/ws?ticket=good", "").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
}

async fn there_and_back(world: &World) {
    let (token, actor) = world.log_in(|_| {});
    let (head, mut socket) = open(world, "/ws", &format!("authorization: Bearer {token}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    // RFC 6455's own example.
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    assert_eq!(socket.hear().await, (1, format!("user {}", actor.id).into_bytes()));
    for text in [&b"ok"[..], &[b'x'; 40_000]] {
        socket.say(text).await;
        assert_eq!(socket.hear().await, (1, text.to_vec()));
    }
    socket.say(b"bye").await;
    assert_eq!(socket.hear().await.0, 8, "a close frame");
    assert!(socket.is_closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_for_messaging_to_judge() {
    let world = World::build().with_address(Messaging, messaging()).start().await;
    let (head, mut socket) = open(&world, "/ws?ticket=good", "").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(socket.hear().await, (1, b"ticket".to_vec()));
    let (head, _) = open(&world, "/ws?ticket=bad", "").await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let (head, _) = open(&world, "/ws?ticket=good", "authorization: Bearer stale\r\n").await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_pages_may_open_sockets() {
    let world = World::build()
        .with_address(Messaging, messaging())
        .set("origins", "https://web.example")
        .start()
        .await;
    for (origin, status) in [
        ("https://web.example", 101),
        ("https://pitchey.example", 101),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let (head, mut socket) = open(&world, "/ws?ticket=good", &format!("origin: {origin}\r\n")).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{origin}: {head}");
        if status == 403 {
            let body = socket.rest().await;
            assert!(body.contains("\"origin_not_allowed\""), "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_close_when_the_gateway_stops() {
    let world =
        World::build().with_address(Messaging, messaging()).set("http.drain_seconds", 30).start().await;
    let (_, mut socket) = open(&world, "/ws?ticket=good", "").await;
    socket.hear().await;
    timeout(Duration::from_secs(10), world.gateway.stop()).await.expect("it does not wait for sockets");
    assert!(socket.is_closed().await);
}
