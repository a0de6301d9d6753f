use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection};
use pitchey_testkit::{Server, Servers, wait_until};

async fn connects(url: &str) -> bool {
    let connecting = AsyncPgConnection::establish(url);
    matches!(tokio::time::timeout(Duration::from_millis(500), connecting).await, Ok(Ok(_)))
}

#[tokio::test]
async fn a_private_postgres_can_be_stopped_killed_and_brought_back() {
    let mut servers = Servers::start_one(Server::Postgres).await;
    let url = servers.database_url().to_owned();
    assert!(connects(&url).await);

    servers.stop(Server::Postgres);
    assert!(!connects(&url).await);
    servers.cont(Server::Postgres);
    wait_until("Postgres answers again", Duration::from_secs(5), async || connects(&url).await).await;

    servers.kill(Server::Postgres).await;
    assert!(!connects(&url).await);
    servers.restart(Server::Postgres).await;
    assert_eq!(servers.database_url(), url);
    assert!(connects(&url).await);

    // One that stands still is wiped all the same.
    servers.stop(Server::Postgres);
    drop(servers);
    assert!(!connects(&url).await);
}

#[tokio::test]
async fn a_private_broker_answers_to_rabbitmqctl() {
    let mut servers = Servers::start_one(Server::RabbitMq).await;
    let told = servers.rabbitmqctl(&["list_vhosts", "--quiet"]).await;
    assert!(told.contains('/'), "{told}");
    servers.kill(Server::RabbitMq).await;
    servers.restart(Server::RabbitMq).await;
    servers.broker().channel().await;
}
