use pitchey_events::Service::Pitches;

use crate::world::{Stub, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_the_platforms_envelope() {
    let world = World::build().start().await;
    let answer = world.client.get("/nothing").send().await.refused(404, "not_found");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer["error"].is_string());
    assert_eq!(answer["error"], answer["message"]);
    assert_eq!(answer["status"], 404);
    assert!(answer["details"].is_object() && answer["validation_errors"].is_array());
    assert_eq!(answer["requestId"].as_str(), answer.header("x-request-id"));
    assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_services_refuse_passes_as_it_is() {
    let pitches = Stub::answering(Pitches, |_| {
        actix_web::HttpResponse::Conflict()
            .json(serde_json::json!({ "code": "nda_already_exists", "details": { "a": 1 } }))
    });
    let world = World::build().with(&[&pitches]).start().await;
    let answer = world.client.post("/api/ndas/request").send().await.refused(409, "nda_already_exists");
    assert_eq!(answer["details"]["a"], 1);
}

/// The codes of `src/error.rs`: each is asked for by some test of this binary.
#[test]
fn every_code_is_returned_by_a_test() {
    let source = include_str!("../../src/error.rs");
    let codes = source.split("fn code(").nth(1).unwrap().split("fn status(").next().unwrap();
    let codes: Vec<_> = codes.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() > 10, "{codes:?}");
    let tests = [
        include_str!("bodies.rs"),
        include_str!("limits.rs"),
        include_str!("pages.rs"),
        include_str!("repeats.rs"),
        include_str!("replicas.rs"),
        include_str!("routing.rs"),
        include_str!("sessions.rs"),
        include_str!("sockets.rs"),
    ]
    .concat();
    let missing: Vec<_> = codes.iter().filter(|code| !tests.contains(**code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
