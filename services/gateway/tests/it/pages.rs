use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use pitchey_events::Service::{self, Accounts, Pitches};
use serde_json::{Value, json};

use crate::world::{Stub, World, healthy};

/// A replica with its pages for the gateway; how often they were read.
fn replica(health: Value, openapi: Value) -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let server = HttpServer::new(move || {
        let page = |body: &Value| {
            let (body, counted) = (body.clone(), Arc::clone(&counted));
            web::get().to(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                let body = body.clone();
                async move {
                    let well = body["status"] != "unhealthy";
                    if well {
                        HttpResponse::Ok().json(body)
                    } else {
                        HttpResponse::ServiceUnavailable().json(body)
                    }
                }
            })
        };
        App::new().route("/health", page(&health)).route("/openapi.json", page(&openapi))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    (address, read)
}

fn well(service: Service) -> (Service, Vec<Value>) {
    (service, vec![healthy()])
}

async fn health(replicas: &[(Service, Vec<Value>)]) -> pitchey_testkit::Answer {
    let mut build = World::build().without_broker();
    for (service, states) in replicas {
        let addresses: Vec<_> = states
            .iter()
            .map(|state| {
                if state.is_null() {
                    format!("127.0.0.1:{}", crate::world::closed_port())
                } else {
                    replica(state.clone(), json!({})).0.to_string()
                }
            })
            .collect();
        build = build.with_target(*service, &format!("http://{}", addresses.join(",http://")));
    }
    build.start().await.client.get("/health").send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_what_every_replica_says() {
    let without_broker =
        json!({ "status": "healthy", "database": "connected", "broker": "disconnected", "version": "0" });
    let ill =
        json!({ "status": "unhealthy", "database": "disconnected", "broker": "connected", "version": "0" });
    let cases = [
        (vec![well(Accounts), well(Pitches)], 200, "healthy", "connected", "healthy"),
        (vec![well(Accounts), (Pitches, vec![without_broker])], 200, "healthy", "connected", "healthy"),
        (
            vec![well(Accounts), (Pitches, vec![healthy(), Value::Null])],
            200,
            "healthy",
            "connected",
            "degraded",
        ),
        (vec![well(Accounts), (Pitches, vec![Value::Null])], 503, "unhealthy", "connected", "unreachable"),
        (vec![well(Accounts), (Pitches, vec![ill.clone()])], 503, "unhealthy", "disconnected", "unhealthy"),
        (vec![well(Accounts), (Pitches, vec![healthy(), ill])], 503, "unhealthy", "disconnected", "degraded"),
        (vec![(Pitches, vec![Value::Null])], 503, "unhealthy", "disconnected", "unreachable"),
    ];
    for (replicas, status, word, database, pitches) in cases {
        let answer = health(&replicas).await.expect(status);
        assert_eq!(answer["status"], word, "{answer}");
        assert_eq!(answer["database"], database, "{answer}");
        assert_eq!(answer["services"]["pitches"], pitches, "{answer}");
        assert_eq!(answer["broker"], "disconnected", "the gateway has none: {answer}");
        assert!(answer["timestamp"].as_str().unwrap().ends_with('Z') && answer["version"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_when_the_broker_is_there() {
    let (accounts, pitches) = (Stub::echo(Accounts), Stub::echo(Pitches));
    let world = World::build().with(&[&accounts, &pitches]).start().await;
    pitchey_testkit::wait_until("the broker", pitchey_testkit::SOON, async || {
        world.client.get("/health").send().await["broker"] == "connected"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_health_a_lot_asks_the_services_little() {
    let (address, read) = replica(healthy(), json!({}));
    let world = World::build().with_address(Pitches, address).start().await;
    futures_util::future::join_all((0..100).map(|_| world.client.get("/health").send())).await;
    assert!(read.load(Ordering::SeqCst) <= 10, "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_described_in_one_document() {
    let describe = |path: &str, schema: Value| {
        json!({
            "openapi": "3.1.0",
            "info": { "title": "x", "version": "0" },
            "paths": { path: { "get": { "tags": ["x"], "responses": { "200": { "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/Thing" } } } } } } } },
            "components": { "schemas": { "Thing": schema, "Same": { "type": "string" },
                "Things": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } } } }
        })
    };
    let (accounts, _) = replica(healthy(), describe("/api/users/{id}", json!({ "type": "string" })));
    let (pitches, read) = replica(healthy(), describe("/api/pitches/{id}", json!({ "type": "integer" })));
    let away = std::net::SocketAddr::from(([127, 0, 0, 1], crate::world::closed_port()));
    let world = World::build()
        .with_address(Accounts, accounts)
        .with_address(Pitches, pitches)
        .with_address(Service::Notifications, away)
        .start()
        .await;
    let document = world.client.get("/api/openapi.json").send().await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/health",
        "/api/config/all",
        "/api/docs",
        "/api/openapi.json",
        "/api/users/{id}",
        "/api/pitches/{id}",
    ] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        (&schemas["Thing"]["type"], &schemas["PitchesThing"]["type"]),
        (&json!("string"), &json!("integer"))
    );
    let reference = |path: &str| {
        document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            .clone()
    };
    assert_eq!(reference("/api/users/{id}"), "#/components/schemas/Thing");
    assert_eq!(reference("/api/pitches/{id}"), "#/components/schemas/PitchesThing");
    assert_eq!(schemas["Same"]["type"], "string");
    assert_eq!(document["paths"]["/api/pitches/{id}"]["get"]["tags"], json!(["pitches"]));
    assert!(
        document["info"]["description"].as_str().unwrap().contains("notifications"),
        "it says what is missing"
    );
    world.client.get("/api/openapi.json").send().await.expect(200);
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_viewer_needs_nothing_from_elsewhere() {
    let world = World::build().start().await;
    assert_eq!(world.client.get("/api/docs").send().await.expect(308).header("location"), Some("/api/docs/"));
    let page = world.client.get("/api/docs/").send().await.expect(200);
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    let files =
        text.split('"').filter_map(|part| part.strip_prefix("./").or(part.ends_with(".css").then_some(part)));
    let files: Vec<_> = files.filter(|file| file.ends_with(".js") || file.ends_with(".css")).collect();
    assert!(files.len() >= 3, "{text}");
    for file in files {
        world.client.get(&format!("/api/docs/{file}")).send().await.expect(200);
    }
    let script = world.client.get("/api/docs/swagger-initializer.js").send().await.expect(200);
    assert!(String::from_utf8(script.bytes).unwrap().contains("/api/openapi.json"));
    world.client.get("/api/docs/nothing.js").send().await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_learn_what_there_is_to_choose() {
    let world = World::build().start().await;
    let answer = world.client.get("/api/config/all").send().await.expect(200);
    assert_eq!(answer["ndaTypes"], json!(["basic", "enhanced", "custom"]));
    assert_eq!(answer["plans"][1]["priceAMonth"], 1_999);
    let packages: Vec<_> = answer["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["credits"].as_u64(), p["price"].as_u64()))
        .collect();
    let wanted =
        [(1, 299), (5, 899), (10, 1_499), (30, 2_999)].map(|(credits, price)| (Some(credits), Some(price)));
    assert_eq!(packages, wanted);
    assert_eq!(answer["limits"]["uploadMax"], 100 * 1024 * 1024);
    // The database's own enumerations.
    let schema = include_str!("../../../../migrations/2026-11-22-120000_pitches_create_pitches/up.sql");
    for (key, name) in [("genres", "genre"), ("formats", "format")] {
        let line = schema.lines().find(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("create") && words.next() == Some("type") && words.next() == Some(name)
        });
        let words: Vec<_> = line.unwrap().split('\'').skip(1).step_by(2).collect();
        assert_eq!(answer[key], json!(words), "{name}");
    }
    world.client.post("/api/config/all").send().await.refused(405, "method_not_allowed");
    world.client.request(reqwest::Method::DELETE, "/health").send().await.refused(405, "method_not_allowed");
}
