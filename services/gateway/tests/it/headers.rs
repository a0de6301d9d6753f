use actix_web::HttpResponse;
use pitchey_events::Service::{Payments, Pitches};
use pitchey_testkit::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Stub, World};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_claim_to_be_somebody() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    let forged = Client::gateway(Pitches, world.address());
    let mut request = forged.get("/api/pitches");
    for name in [
        "x-user-id",
        "x-user-type",
        "x-internal-token",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
        "x-real-ip",
        "x-request-id",
        "x-client-ip",
        "x-original-url",
        "x-rewrite-url",
        "true-client-ip",
        "cookie",
        "via",
        "x-b3-traceid",
        "baggage",
        "tracestate",
        "pitchey-anything",
    ] {
        request = request.header(name, "198.51.100.66");
    }
    let forged = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer =
        request.header("traceparent", forged).header("x-access-reason", "audit").send().await.expect(200);
    let seen = pitches.the_request();
    assert_eq!(seen.context.principal.user_id(), None);
    assert_eq!(seen.context.ip.unwrap().to_string(), "127.0.0.1");
    assert_ne!(seen.context.request_id, "198.51.100.66");
    assert_eq!(answer.header("x-request-id"), Some(seen.context.request_id.as_str()));
    let forged = |value: &&String| {
        value.contains("198.51.100.66") || value.contains("4bf92f3577b34da6a3ce929d0e0e4736")
    };
    assert_eq!(seen.headers.values().filter(forged).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(seen.header("x-access-reason"), Some("audit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_begins_here_unless_those_outside_are_trusted() {
    let pitches = Stub::echo(Pitches);
    let outer = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (trusted, sent, kept) in [(false, outer, false), (true, outer, true), (true, "nonsense", false)] {
        let world = World::build().with(&[&pitches]).set("trust_traceparent", trusted).start().await;
        let answer = world.client.get("/api/pitches").header("traceparent", sent).send().await.expect(200);
        let seen = pitches.seen().last().unwrap().header("traceparent").unwrap().to_owned();
        assert_eq!(seen == outer, kept, "{seen}");
        let own = answer.header("x-request-id").unwrap().replace('-', "");
        assert_eq!(seen.starts_with(&format!("00-{own}-")), !kept, "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_load_balancer_the_address_is_what_it_wrote() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).set("trusted_proxies", "127.0.0.0/8").start().await;
    let request = world.client.get("/api/pitches").header("x-forwarded-for", "6.6.6.6, 198.51.100.7");
    assert_eq!(request.send().await.expect(200)["ip"], "198.51.100.7");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_stay_at_the_gateway_and_webhooks_keep_their_proofs() {
    let (pitches, payments) = (Stub::echo(Pitches), Stub::echo(Payments));
    let world = World::build().with(&[&pitches, &payments]).start().await;
    let (token, actor) = world.log_in(|_| {});
    let answer = world.client.get("/api/pitches").bearer(&token).send().await.expect(200);
    assert_eq!(answer["user"], actor.id.0);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(pitches.the_request().header("authorization"), None);
    let webhook = world.client.post("/api/webhooks/stripe").header("authorization", "Basic cHJvdmlkZXI=");
    webhook
        .header("stripe-signature", "t=1,v1=ab")
        .body("application/json", "{ \"id\" : 1 }")
        .send()
        .await
        .expect(200);
    let seen = payments.the_request();
    assert_eq!(seen.header("authorization"), Some("Basic cHJvdmlkZXI="));
    assert_eq!(seen.header("stripe-signature"), Some("t=1,v1=ab"));
    assert_eq!(&seen.body[..], b"{ \"id\" : 1 }");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_about_the_connection_do_not_pass_in_either_direction() {
    let pitches = Stub::answering(Pitches, |_| {
        let mut answer = HttpResponse::Ok();
        for (name, value) in [
            ("keep-alive", "timeout=9"),
            ("x-secret-hop", "1"),
            ("server", "stub"),
            ("x-powered-by", "stub"),
            ("etag", "\"7\""),
            ("x-frame-options", "SAMEORIGIN"),
        ] {
            answer.insert_header((name, value));
        }
        answer.body("hello")
    });
    let world = World::build().with(&[&pitches]).start().await;
    let mut socket = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    let request = "GET /api/pitches HTTP/1.1\r\nhost: pitchey.example\r\nconnection: close, x-hop\r\nx-hop: 1\r\nx-end: 2\r\n\
                   keep-alive: 5\r\nte: trailers\r\nproxy-authorization: Basic x\r\nexpect: 100-continue\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    for absent in ["keep-alive:", "server:", "x-powered-by:", "transfer-encoding:"] {
        assert!(!answer.contains(absent), "{absent} in {answer}");
    }
    assert!(answer.contains("etag: \"7\"") && answer.contains("content-length: 5"), "{answer}");
    let seen = pitches.the_request();
    for absent in ["x-hop", "keep-alive", "te", "proxy-authorization", "expect"] {
        assert_eq!(seen.header(absent), None, "{absent}");
    }
    assert_eq!(seen.header("x-end"), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_protects_the_browser() {
    let pitches = Stub::echo(Pitches);
    let world = World::build().with(&[&pitches]).start().await;
    for path in ["/api/pitches", "/nothing", "/api/config/all", "/api/docs/"] {
        let answer = world.client.get(path).send().await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(
            answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            answer.header("strict-transport-security").unwrap().starts_with("max-age=31536000"),
            "{path}"
        );
        assert_eq!(answer.header("server"), None, "{path}");
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36, "{path}");
    }
    let world = World::build().set("mode", "development").start().await;
    let answer = world.client.get("/nothing").send().await;
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_pages_may_read_answers() {
    let pitches = Stub::echo(Pitches);
    let world = World::build()
        .with(&[&pitches])
        .set("origins", "https://pitchey.example, https://two.example")
        .start()
        .await;
    let get = async |origin: &str| {
        let answer = world.client.get("/api/pitches").header("origin", origin).send().await.expect(200);
        (
            answer.header("access-control-allow-origin").map(str::to_owned),
            answer.header("vary").map(str::to_owned),
        )
    };
    assert_eq!(get("https://two.example").await, (Some("https://two.example".into()), Some("Origin".into())));
    for stranger in
        ["https://evil.example", "https://two.example.evil.example", "null", "http://localhost:3000"]
    {
        assert_eq!(get(stranger).await, (None, Some("Origin".into())), "{stranger}");
    }
    let ask = |origin: &str| {
        let request = world.client.request(reqwest::Method::OPTIONS, "/api/pitches").header("origin", origin);
        request.header("access-control-request-method", "POST").send()
    };
    let allowed = ask("https://pitchey.example").await.expect(204);
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("Idempotency-Key"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://pitchey.example"));
    assert_eq!(ask("https://evil.example").await.expect(204).header("access-control-allow-methods"), None);
    assert_eq!(pitches.seen().len(), 5, "pre-flights are answered here");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_development_every_page_of_this_machine_may_read_answers() {
    let world = World::build().set("mode", "development").start().await;
    for (origin, allowed) in [
        ("http://localhost:3000", true),
        ("http://127.0.0.1:5173", true),
        ("http://[::1]:80", true),
        ("http://localhost.evil.example", false),
        ("https://pitchey.example", false),
    ] {
        let answer = world.client.get("/api/config/all").header("origin", origin).send().await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), allowed.then_some(origin));
    }
}
