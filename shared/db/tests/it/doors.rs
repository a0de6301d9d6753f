use std::time::{Duration, Instant};

use diesel::sql_query;
use diesel_async::RunQueryDsl;
use pitchey_db::{Databases, Error};
use pitchey_events::Service;
use pitchey_testkit::{SOON, TestDatabase, wait_until};

use crate::ask;

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()";

#[tokio::test]
async fn an_exhausted_pool_is_unavailable_in_time() {
    let db = TestDatabase::create().await;
    let mut settings = db.settings(Service::Accounts);
    (settings.user_pool, settings.wait_ms) = (2, 200);
    let databases = Databases::open(&settings).await.unwrap();
    let held = (databases.user.begin(None).await.unwrap(), databases.user.begin(None).await.unwrap());

    let begun = Instant::now();
    let refused = databases.user.begin(None).await.map(|_| ());
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert!((200..3000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());

    // The other role has its own, and whoever waits gets what is given back.
    databases.system.begin().await.unwrap();
    let (waiting, ()) = tokio::join!(databases.user.begin(None), async { drop(held) });
    waiting.unwrap();
}

#[tokio::test]
async fn many_transactions_at_once_share_few_connections() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let user = databases.user.clone();
        tasks.spawn(async move {
            let mut tx = user.begin(None).await.unwrap();
            ask::text(&mut tx, "pg_backend_pid()").await
        });
    }
    let backends: std::collections::BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert!((1..=2).contains(&backends.len()), "{backends:?}");
}

#[tokio::test]
async fn terminated_connections_that_rested_are_replaced_without_a_word() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    for _ in 0..20 {
        let both = (databases.user.begin(None).await.unwrap(), databases.user.begin(None).await.unwrap());
        both.0.commit().await.unwrap();
        both.1.commit().await.unwrap();
        sql_query(TERMINATE).execute(&mut db.admin().await).await.unwrap();
        // With no pause Postgres' farewell may be on its way, here or not yet sent.
        if let Err(error) = databases.user.begin(None).await.unwrap().commit().await {
            assert!(matches!(error, Error::Unavailable(_)), "{error}");
        }
        tokio::time::sleep(Duration::from_millis(110)).await;
        databases.user.begin(None).await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_lost_within_a_transaction_is_unavailable() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut tx = databases.user.begin(None).await.unwrap();
    let mut admin = db.admin().await;
    let asleep = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let terminate = async {
        wait_until("the query is under way", SOON, async || {
            ask::count(&mut admin, asleep).await.unwrap() == 1
        })
        .await;
        sql_query(TERMINATE).execute(&mut admin).await.unwrap();
    };
    let sleep = sql_query("SELECT pg_sleep(60)").execute(&mut tx);
    let (lost, ()) = tokio::join!(sleep, terminate);
    let lost = Error::from(lost.unwrap_err());
    assert!(matches!(lost, Error::Unavailable(_)), "{lost:?}");
    assert!(matches!(tx.commit().await, Err(Error::Unavailable(_))));
    databases.user.begin(None).await.unwrap();
}

#[tokio::test]
async fn a_query_that_was_given_up_does_not_keep_the_next_one_waiting() {
    let db = TestDatabase::create().await;
    let mut settings = db.settings(Service::Accounts);
    settings.system_pool = 1;
    let databases = Databases::open(&settings).await.unwrap();
    let mut tx = databases.system.begin().await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(100), async move {
        sql_query("SELECT pg_sleep(25)").execute(&mut tx).await
    });
    assert!(given_up.await.is_err());

    let begun = Instant::now();
    databases.system.begin().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}
