//! Postgres misbehaves.

use std::time::Duration;

use pitchey_testkit::{Server, Servers, wait_until};

use super::{Load, alone};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_killed_and_restarted_under_load_loses_and_doubles_nothing() {
    let _alone = alone().await;
    let mut servers = Servers::start().await;
    let world = World::on(&servers).await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    let load = Load::start(&world.plan, &databases, true);
    load.go_on(200).await;
    servers.kill(Server::Postgres).await;
    wait_until("health to tell", pitchey_testkit::SOON, async || producer.health().outbox.is_none()).await;
    servers.restart(Server::Postgres).await;
    load.go_on(200).await;
    let committed = load.stop().await;
    world.applied(committed, Duration::from_secs(60)).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    // No event died because the database was away: it was none's fault.
    world.assert_exactly_once().await;
}
