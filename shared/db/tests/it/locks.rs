use pitchey_db::Tx;
use pitchey_events::Service;
use pitchey_testkit::{SOON, TestDatabase, wait_until};

use crate::ask;

const WAITING: &str = "pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Takes `name` in another task, and returns when its next statement waits.
async fn behind(db: &TestDatabase, mut tx: Tx, name: &'static str) -> tokio::task::JoinHandle<Tx> {
    let waiting = tokio::spawn(async move {
        tx.lock(name);
        ask::text(&mut tx, "1").await;
        tx
    });
    let mut admin = db.admin().await;
    wait_until("it to wait", SOON, async || ask::count(&mut admin, WAITING).await.unwrap() == 1).await;
    waiting
}

#[tokio::test]
async fn a_lock_is_held_until_its_transaction_ends() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut one = databases.user.begin(None).await.unwrap();
    let mut other = databases.user.begin(None).await.unwrap();
    one.lock("test/one");
    other.lock("test/other");
    for tx in [&mut one, &mut other] {
        ask::text(tx, "1").await;
    }
    let waiting = behind(&db, other, "test/one").await;
    one.commit().await.unwrap();
    waiting.await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn a_shared_lock_keeps_out_only_who_wants_it_alone() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut one = databases.user.begin(None).await.unwrap();
    let mut other = databases.user.begin(None).await.unwrap();
    for tx in [&mut one, &mut other] {
        tx.lock_shared("test/one");
        ask::text(tx, "1").await;
    }
    let waiting = behind(&db, databases.system.begin().await.unwrap(), "test/one").await;
    one.commit().await.unwrap();
    assert!(!waiting.is_finished());
    other.rollback().await.unwrap();
    waiting.await.unwrap();
}
