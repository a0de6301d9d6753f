use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, schema};

const ANALYTICS: &str = "
    diesel::table! {
        pitch_views (id, created_at) {
            id -> BigInt,
            pitch_id -> Integer,
            viewer_id -> Nullable<Integer>,
            viewer_type -> Nullable<VarChar>,
            duration -> Nullable<Integer>,
            source -> Nullable<VarChar>,
            ip_address -> Nullable<VarChar>,
            user_agent -> Nullable<Text>,
            created_at -> Timestamptz,
            anonymous_hash -> Nullable<Bytea>,
        }
    }
    diesel::table! {
        analytics_events (id, created_at) {
            id -> BigInt,
            user_id -> Nullable<Integer>,
            event_type -> VarChar,
            event_category -> Nullable<VarChar>,
            event_action -> Nullable<VarChar>,
            event_label -> Nullable<Text>,
            event_value -> Nullable<Integer>,
            metadata -> Nullable<Jsonb>,
            session_id -> Nullable<VarChar>,
            created_at -> Timestamptz,
        }
    }";

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
