use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, schema};
use serde_json::json;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_says_what_the_database_has() {
    let db = TestDatabase::create().await;
    schema::assert_matches(&db, Service::Pitches, include_str!("../../src/schema.rs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_consumes_and_hears_what_the_catalogue_says() {
    let app = App::start().await;
    let databases = app.db.databases(Service::Pitches).await;
    let (consumes, listeners) = pitchey_pitches::hears(&app.settings, databases, app.clock.clone()).unwrap();
    let found = consumes.disagreements(Service::Pitches, &listeners, &pitchey_bus::Plan::default());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_route_is_documented() {
    let document = pitchey_web::openapi(Service::Pitches, pitchey_pitches::routes).to_json().unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(operations, 73, "{:#?}", paths.keys().collect::<Vec<_>>());
    assert!(document["components"]["schemas"]["Pitch"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_never_see_each_others_ndas_in_the_database() {
    use diesel::QueryableByName;
    use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }

    let app = App::start().await;
    let (owner, ann, bob) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    app.requested(pitch, &ann).await;
    app.requested(pitch, &bob).await;
    app.client.put("/api/ndas/policy").as_(&owner).json(&json!({ "policy": "verified" })).send().await.ok();
    let stranger = app.investor().await;

    let mut connection = app.db.connect_as("pitchey_pitches").await;
    for (user, ndas, policies) in [
        (String::new(), 0, 0),
        (ann.id.to_string(), 1, 0),
        (bob.id.to_string(), 1, 0),
        (owner.id.to_string(), 2, 1),
        (stranger.id.to_string(), 0, 0),
    ] {
        connection.batch_execute(&format!("BEGIN; SET LOCAL app.uid = '{user}'")).await.unwrap();
        for (table, expected) in [("ndas", ndas), ("nda_policies", policies)] {
            let row: Count = diesel::sql_query(format!("SELECT count(*) AS count FROM {table}"))
                .get_result(&mut connection)
                .await
                .unwrap();
            assert_eq!(row.count, expected, "{table} as {user:?}");
        }
        connection.batch_execute("COMMIT").await.unwrap();
    }
}
