//! Services behind TLS, and the gateway itself.

use actix_web::HttpResponse;
use pitchey_config::Certificate;
use pitchey_events::Service::Pitches;
use pitchey_testkit::{Authority, Client};

use crate::world::{Stub, World, closed_port};

/// Says again what it hears.
fn echo(certificate: &Certificate) -> Stub {
    Stub::showing(certificate, Pitches, |seen| Box::pin(async move { HttpResponse::Ok().body(seen.body) }))
}

async fn start(authority: &Authority, target: &str) -> World {
    let file = authority.file().to_string_lossy().into_owned();
    World::build().with_target(Pitches, target).set("tls.authorities", file).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_pass_by_tls() {
    let authority = Authority::new();
    let pitches = echo(&authority.certificate("localhost"));
    let world = start(&authority, &pitches.target()).await;
    world.client.get("/api/pitches").send().await.expect(200);
    // Longer than a record, and than what is read at a time.
    for length in [0, 1, 16 * 1024 + 1, 1024 * 1024] {
        let body = vec![b'x'; length];
        let answer =
            world.client.post("/api/pitches").body("text/plain", body.clone()).send().await.expect(200);
        assert!(answer.bytes == body, "{length}");
    }
    // It is at one of the addresses that localhost may have.
    let health = world.client.get("/health").send().await.ok();
    assert!(matches!(health["services"]["pitches"].as_str(), Some("healthy" | "degraded")), "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_who_it_should_be_gets_no_request() {
    let authority = Authority::new();
    let (right, wrong) = ("localhost", "elsewhere.example");
    let plain = Stub::echo(Pitches);
    let as_if_secure = format!("https://{}", plain.address);
    let (named, misnamed) = (echo(&authority.certificate(right)), echo(&authority.certificate(wrong)));
    for (stub, target, trusted) in [
        (&named, named.target(), &Authority::new()),
        (&misnamed, misnamed.target(), &authority),
        (&named, format!("https://{}", named.address), &authority),
        (&plain, as_if_secure, &authority),
        (&named, named.target().replace("https", "http"), &authority),
    ] {
        let world = start(trusted, &target).await;
        for request in [world.client.get("/api/pitches"), world.client.post("/api/pitches")] {
            let answer = request.send().await;
            assert!(matches!(answer.status, 502 | 503), "{target}: {answer:?}");
            let code = answer.json["code"].as_str();
            assert!(matches!(code, Some("service_unavailable" | "bad_gateway")), "{target}: {answer:?}");
        }
        assert!(stub.seen().is_empty(), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secure_target_without_authorities_is_no_setting() {
    let target = format!("https://localhost:{}", closed_port());
    let error = World::build().with_target(Pitches, &target).try_start().await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("PITCHEY_TLS__AUTHORITIES"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_both_doors_speak_tls() {
    let authority = Authority::new();
    let (chain, key) = authority.files_here("gateway");
    let pitches = Stub::echo(Pitches);
    let world = World::build()
        .with(&[&pitches])
        .set("tls.certificate", chain.to_string_lossy().into_owned())
        .set("tls.key", key.to_string_lossy().into_owned())
        .start()
        .await;
    let client = Client::secure(world.address(), &authority.file());
    let answer = client.get("/api/pitches?a=b").header("host", "pitchey.example").send().await.ok();
    assert_eq!(answer["path"], "/api/pitches?a=b");
    let internal = Client::secure(world.gateway.internal_address(), &authority.file());
    internal.get("/metrics").send().await.expect(200);
    let plainly = reqwest::get(format!("http://{}/api/pitches", world.address())).await;
    assert!(plainly.is_err(), "{plainly:?}");
}
