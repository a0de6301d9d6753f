use diesel::prelude::*;
use pitchey_events::Service;
use pitchey_testkit::{Plan, TestDatabase};

diesel::table! {
    ndas (id) {
        id -> Integer,
        owner_id -> Integer,
        request_message -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

#[tokio::test]
async fn a_plan_says_which_index_answers_a_query_of_the_service() {
    let db = TestDatabase::create().await;
    let (owner, pitch) = (db.creator().await.id, db.pitch(db.creator().await.id).await);
    db.execute(&format!(
        "INSERT INTO users (email, username, password_hash) SELECT n || '@example.test', 'n' || n, '!' FROM generate_series(1, 3000) AS n;
         INSERT INTO ndas (pitch_id, pitch_version, owner_id, requester_id, nda_type, status)
         SELECT {pitch}, 1, CASE WHEN id % 2 = 0 THEN {owner} ELSE id - 1 END, id, 'basic', 'rejected'
         FROM users WHERE username LIKE 'n%';
         ANALYZE ndas"
    ))
    .await;
    let mut tx = db.databases(Service::Pitches).await.system.begin().await.unwrap();
    let mine = ndas::table.filter(ndas::owner_id.eq(owner.0)).select(ndas::id);
    let newest = mine.order((ndas::created_at.desc(), ndas::id.desc())).limit(20);
    let plan = Plan::of(&mut tx, newest).await;
    plan.assert_uses_index("ndas_owner_created_at_idx");
    plan.assert_never_scans("ndas");
    plan.assert_never_sorts();
}

#[tokio::test]
#[should_panic(expected = "ndas is read from end to end")]
async fn a_query_without_an_index_shows() {
    let db = TestDatabase::create().await;
    let mut admin = db.admin().await;
    let by_text = ndas::table.filter(ndas::request_message.eq("hello")).select(ndas::id);
    Plan::of(&mut admin, by_text).await.assert_never_scans("ndas");
}
