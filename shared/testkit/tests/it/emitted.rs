use diesel::sql_query;
use diesel::sql_types::{Jsonb, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use pitchey_db::Databases;
use pitchey_events::{Event, PasswordChanged, Service, UserId};
use pitchey_testkit::{Emitted, TestDatabase};
use uuid::Uuid;

async fn emit(databases: &Databases, commit: bool) {
    let event = changed();
    let mut tx = databases.user.begin(Some(UserId(7))).await.unwrap();
    sql_query("INSERT INTO outbox (producer, event_id, event_type, subject, payload) VALUES ('accounts', $1, $2, $3, $4)")
        .bind::<SqlUuid, _>(Uuid::now_v7())
        .bind::<Text, _>(PasswordChanged::TYPE)
        .bind::<Text, _>(event.subject().0)
        .bind::<Jsonb, _>(serde_json::to_value(&event).unwrap())
        .execute(&mut tx)
        .await
        .unwrap();
    if commit { tx.commit().await.unwrap() } else { tx.rollback().await.unwrap() }
}

fn changed() -> PasswordChanged {
    PasswordChanged { user_id: UserId(7) }
}

#[tokio::test]
async fn what_was_emitted_is_known_even_after_the_relay_took_it() {
    let db = TestDatabase::create().await;
    let emitted = Emitted::watch(&db).await;
    let databases = db.databases(Service::Accounts).await;
    emit(&databases, true).await;
    emit(&databases, false).await;
    sql_query("DELETE FROM outbox").execute(&mut db.admin().await).await.unwrap();

    assert_eq!(emitted.take::<PasswordChanged>().await, changed());
    assert_eq!(emitted.types().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_test_may_ignore_what_it_is_not_about() {
    let db = TestDatabase::create().await;
    let emitted = Emitted::watch(&db).await;
    emitted.ignore::<PasswordChanged>();
    emit(&db.databases(Service::Accounts).await, true).await;
    assert_eq!(emitted.left().await, Vec::<String>::new());
}

#[tokio::test]
#[should_panic(expected = "events that the test did not account for")]
async fn an_event_nobody_accounts_for_fails_the_test() {
    let db = TestDatabase::create().await;
    let _emitted = Emitted::watch(&db).await;
    emit(&db.databases(Service::Accounts).await, true).await;
}

#[tokio::test]
#[should_panic(expected = "no user.password_changed.v1 was emitted")]
async fn an_event_that_is_missed_fails_the_test() {
    let db = TestDatabase::create().await;
    Emitted::watch(&db).await.take::<PasswordChanged>().await;
}
