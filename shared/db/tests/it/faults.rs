//! What the doors do when Postgres dies, comes back, or stands still. Each test has its own server.

mod tls;

use std::time::{Duration, Instant};

use diesel::sql_query;
use diesel_async::RunQueryDsl;
use pitchey_db::{Databases, Error};
use pitchey_events::Service;
use pitchey_testkit::{SOON, Server, Servers, TestDatabase, wait_until};

async fn fill(databases: &Databases) {
    let open = [databases.user.begin(None).await.unwrap(), databases.user.begin(None).await.unwrap()];
    for tx in open {
        tx.commit().await.unwrap();
    }
}

async fn open(db: &TestDatabase) -> Databases {
    let mut settings = db.settings(Service::Accounts);
    settings.wait_ms = 500;
    Databases::open(&settings).await.unwrap()
}

#[tokio::test]
async fn a_restart_of_postgres_is_over_when_it_is_over() {
    let mut servers = Servers::start_one(Server::Postgres).await;
    let db = servers.database().await;
    let databases = open(&db).await;

    for _ in 0..3 {
        fill(&databases).await;
        servers.restart(Server::Postgres).await;
        databases.user.begin(None).await.unwrap().commit().await.unwrap();
    }
    fill(&databases).await;
    servers.kill(Server::Postgres).await;
    let refused = databases.user.begin(None).await.map(|_| ());
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    servers.restart(Server::Postgres).await;
    databases.user.begin(None).await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn a_postgres_that_stands_still_is_unavailable_in_time() {
    let servers = Servers::start_one(Server::Postgres).await;
    let db = servers.database().await;
    let databases = open(&db).await;
    fill(&databases).await;

    servers.stop(Server::Postgres);
    for attempt in ["on a connection in use a moment ago", "again", "on a new connection"] {
        let begun = Instant::now();
        let refused = ask(&databases).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{attempt}: {refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{attempt}: {:?}", begun.elapsed());
    }
    servers.cont(Server::Postgres);
    wait_until("it answers again", SOON, async || ask(&databases).await.is_ok()).await;
}

/// A transaction with one statement.
async fn ask(databases: &Databases) -> Result<(), Error> {
    let mut tx = databases.user.begin(None).await?;
    sql_query("SELECT 1").execute(&mut tx).await?;
    tx.commit().await
}

#[tokio::test]
async fn a_service_waits_for_a_postgres_that_is_not_there_yet() {
    let mut servers = Servers::start_one(Server::Postgres).await;
    let db = servers.database().await;
    let settings = db.settings(Service::Accounts);
    servers.kill(Server::Postgres).await;
    let opening = tokio::spawn(async move { Databases::open(&settings).await.map(|_| ()) });
    servers.restart(Server::Postgres).await;
    tokio::time::timeout(SOON, opening).await.expect("it opens").unwrap().unwrap();
}
