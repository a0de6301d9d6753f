use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, schema};
use serde_json::json;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_says_what_the_database_has() {
    let db = TestDatabase::create().await;
    schema::assert_matches(&db, Service::Analytics, include_str!("../../src/schema.rs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_consumes_what_the_catalogue_says() {
    let app = App::alone().await;
    let databases = app.db.databases(Service::Analytics).await;
    let consumes = pitchey_analytics::consumes(&app.settings, databases, app.clock.clone()).unwrap();
    let listeners = pitchey_bus::Listeners::new();
    let found = consumes.disagreements(Service::Analytics, &listeners, &pitchey_bus::Plan::default());
    assert!(found.is_empty(), "{found:?}");
}

/// Every route, and what each kind of caller is answered: nobody, a creator, a production company, an investor, a viewer, an admin.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_role_as_promised() {
    let app = App::alone().await;
    let owner = app.db.creator().await;
    let (pitch, gone) = (app.pitch(owner.id).await, app.pitch(owner.id).await);
    let (creator, production, investor) =
        (app.db.creator().await, app.db.production().await, app.db.investor().await);
    let (viewer, admin) = (app.db.viewer().await, app.db.operator().await);
    let callers =
        [None, Some(&creator), Some(&production), Some(&investor), Some(&viewer), Some(&admin), Some(&owner)];
    let analytics = format!("/api/pitches/{pitch}/analytics");
    let views = format!("/api/pitches/{pitch}/views");
    // Of which nobody has told but pitches.
    let draft = app.db.pitch(owner.id).await;
    app.pitches.drafts(draft, owner.id);
    let seen =
        app.client.post("/api/views/track").as_(&owner).json(&json!({ "pitchId": draft })).send().await;
    seen.expect(201);
    let draft = format!("/api/pitches/{draft}/analytics");
    let event = Some(json!({ "eventType": "x" }));
    let view = Some(json!({ "pitchId": pitch }));
    let table = [
        ("POST", "/api/analytics/track", event, [201, 201, 201, 201, 201, 201, 201]),
        ("POST", "/api/views/track", view, [201, 201, 201, 201, 201, 201, 201]),
        ("GET", "/api/analytics/user", None, [401, 200, 200, 200, 200, 200, 200]),
        ("GET", "/api/creator/dashboard", None, [401, 200, 403, 403, 403, 403, 200]),
        ("GET", "/api/production/dashboard", None, [401, 403, 200, 403, 403, 403, 403]),
        ("GET", "/api/investor/dashboard", None, [401, 403, 403, 200, 403, 403, 403]),
        ("GET", &analytics, None, [401, 403, 403, 403, 403, 200, 200]),
        ("GET", &views, None, [401, 403, 403, 403, 403, 200, 200]),
        ("GET", &draft, None, [401, 404, 404, 404, 404, 404, 200]),
        ("GET", "/api/pitches/999999/analytics", None, [401, 404, 404, 404, 404, 404, 404]),
        ("GET", "/api/pitches/x/views", None, [401, 404, 404, 404, 404, 404, 404]),
        ("GET", "/api/analytics/overview", None, [401, 403, 403, 403, 403, 200, 403]),
        ("POST", "/api/export", Some(json!({})), [401, 200, 200, 200, 200, 200, 200]),
    ];
    let routes: std::collections::BTreeSet<_> = table.iter().map(|(_, path, ..)| path).collect();
    assert_eq!(routes.len(), 13);
    for (method, path, body, statuses) in &table {
        for (caller, status) in callers.iter().zip(statuses) {
            let mut request = app.client.request(method.parse().unwrap(), path);
            if let Some(actor) = caller {
                request = request.as_(actor);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            request.send().await.expect(*status);
        }
    }
    app.client.get("/api/creator/dashboard").as_(&investor).send().await.refused(403, "wrong_portal");
    app.client.get(&analytics).as_(&investor).send().await.refused(403, "not_the_owner");
    app.client.get("/api/analytics/overview").as_(&investor).send().await.refused(403, "forbidden");
    app.db.execute(&format!("UPDATE tracked_pitches SET deleted_at = now() WHERE pitch_id = {gone}")).await;
    for path in ["analytics", "views"] {
        let path = format!("/api/pitches/{gone}/{path}");
        app.client.get(&path).as_(&owner).send().await.refused(404, "pitch_not_found");
    }
    app.pitches.known().away = true;
    let unknown = app.client.get("/api/pitches/999999/analytics").as_(&owner).send().await;
    unknown.refused(503, "dependency_unavailable");
    let asked = app.client.get("/api/analytics/user?timeframe=3d").as_(&investor).send().await;
    asked.refused(400, "validation_failed");
}

#[test]
fn every_route_is_documented() {
    let document = pitchey_web::openapi(Service::Analytics, pitchey_analytics::routes).to_json().unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(operations, 10, "{:#?}", paths.keys().collect::<Vec<_>>());
}
