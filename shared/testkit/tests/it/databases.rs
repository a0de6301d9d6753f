use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_events::Service;
use pitchey_testkit::TestDatabase;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

async fn ask(connection: &mut AsyncPgConnection, expression: &str) -> String {
    let query = sql_query(format!("SELECT ({expression})::text AS answer"));
    query.get_result::<Answer>(connection).await.unwrap().answer
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn databases_called(name: &str) -> i64 {
    let other = TestDatabase::empty().await;
    let query = sql_query("SELECT count(*) FROM pg_database WHERE datname = $1").bind::<Text, _>(name);
    query.get_result::<Count>(&mut other.admin().await).await.unwrap().count
}

#[tokio::test]
async fn a_database_is_gone_after_its_test_whoever_is_still_connected() {
    let db = TestDatabase::create().await;
    let name = ask(&mut db.admin().await, "current_database()").await;
    let _still_open = db.databases(Service::Pitches).await;
    assert_eq!(databases_called(&name).await, 1);
    drop(db);
    assert_eq!(databases_called(&name).await, 0);
}

#[tokio::test]
async fn two_databases_of_a_test_know_nothing_of_each_other() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    sql_query("CREATE TABLE mine ()").execute(&mut one.admin().await).await.unwrap();
    assert_eq!(ask(&mut one.admin().await, "to_regclass('mine') IS NOT NULL").await, "true");
    assert_eq!(ask(&mut other.admin().await, "to_regclass('mine') IS NOT NULL").await, "false");
}

#[tokio::test]
async fn a_service_gets_its_roles_with_the_settings_of_a_real_login() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Pitches).await;
    let user = &mut databases.user.connection().await.unwrap();
    let system = &mut databases.system.connection().await.unwrap();
    assert_eq!(ask(user, "current_user").await, "pitchey_pitches");
    assert_eq!(ask(user, "current_setting('is_superuser')").await, "off");
    assert_eq!(ask(user, "current_setting('statement_timeout')").await, "5s");
    assert_eq!(ask(system, "current_user").await, "pitchey_pitches_system");
    assert_eq!(ask(system, "current_setting('statement_timeout')").await, "30s");
    assert_eq!(ask(system, "current_setting('lock_timeout')").await, "5s");
}

#[tokio::test]
async fn people_and_pitches_are_there_for_other_tables_to_refer_to() {
    let db = TestDatabase::create().await;
    let (creator, investor, operator) = (db.creator().await, db.investor().await, db.operator().await);
    assert_ne!(creator.id, investor.id);
    assert!(investor.is_verified_buyer() && operator.admin);
    let pitch = db.pitch(creator.id).await;
    let stored = format!("(SELECT user_id FROM pitches WHERE id = {pitch})");
    assert_eq!(ask(&mut db.admin().await, &stored).await, creator.id.to_string());
}

#[tokio::test]
async fn databases_of_killed_tests_are_swept_up_by_the_next() {
    let db = TestDatabase::create().await;
    let name = ask(&mut db.admin().await, "current_database()").await;
    // As if it were of another process with our id, long ago: same id, other birth.
    let (beginning, _) = name.rsplit_once('_').unwrap();
    let (beginning, _birth) = beginning.rsplit_once('_').unwrap();
    let orphan = format!("{beginning}_1_{}", std::process::id());
    sql_query(format!("CREATE DATABASE {orphan}")).execute(&mut db.admin().await).await.unwrap();
    assert_eq!(databases_called(&orphan).await, 0);
    assert_eq!(databases_called(&name).await, 1);
}
