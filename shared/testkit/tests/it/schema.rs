use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, schema};

const ANALYTICS: &str = include_str!("../../../../services/analytics/src/schema.rs");

#[tokio::test]
async fn a_schema_that_tells_the_truth_matches() {
    let db = TestDatabase::create().await;
    schema::assert_matches(&db, Service::Analytics, ANALYTICS).await;
}

#[tokio::test]
#[should_panic(expected = "analytics_events.gone: schema.rs has text, the database nothing
  analytics_events.metadata: schema.rs has jsonb, the database jsonb?
  pitch_views: missing in schema.rs
  users: the service has no rights on such a table")]
async fn every_untruth_is_told() {
    let db = TestDatabase::create().await;
    let wrong = ANALYTICS.replace("pitch_views (id, created_at)", "users (id)");
    let wrong = wrong.replace("metadata -> Nullable<Jsonb>,", "metadata -> Jsonb,\ngone -> Text,");
    schema::assert_matches(&db, Service::Analytics, &wrong).await;
}
