use pitchey_bus::{Listeners, Plan};
use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, schema};

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_says_what_the_database_has() {
    let db = TestDatabase::create().await;
    schema::assert_matches(&db, Service::Accounts, include_str!("../../src/schema.rs")).await;
}

#[test]
fn the_catalogue_and_the_consumers_agree() {
    let found = pitchey_accounts::subscriptions().disagreements(
        Service::Accounts,
        &Listeners::new(),
        &Plan::default(),
    );
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_role_sees_own_sessions_only_and_none_without_a_user() {
    use diesel::QueryableByName;
    use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }

    let app = App::start().await;
    let ada = app.creator("ada").await;
    app.creator("bob").await;
    let mut connection = app.db.connect_as("pitchey_accounts").await;
    for (user, expected) in [(String::new(), 0), (ada.actor.id.to_string(), 1)] {
        connection.batch_execute(&format!("BEGIN; SET LOCAL app.uid = '{user}'")).await.unwrap();
        let row: Count = diesel::sql_query("SELECT count(*) AS count FROM sessions")
            .get_result(&mut connection)
            .await
            .unwrap();
        connection.batch_execute("COMMIT").await.unwrap();
        assert_eq!(row.count, expected);
    }
}
