//! Processes of ours are killed, and stopped.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use nix::sys::signal::Signal;
use pitchey_testkit::{SOON, wait_until};

use super::alone;
use super::child::{Child, Role};
use crate::world::{World, count};

const LATER: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_commit_and_publish() {
    let world = World::new().await;
    let mut child = Child::start(&world, &world.no_broker(), Role::Writes { from: 0, many: 50 });
    child.says("written").await;
    child.kill().await;
    assert_eq!(world.count("outbox").await, 50);
    let (producer, _) = world.producer().await;
    let consumer = world.consumer().await;
    world.applied(50, SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_confirm_and_delete() {
    let world = World::new().await;
    let (alone, databases) = world.producer_with(&world.no_broker()).await;
    world.commands(&databases, 0..50).await;
    alone.shutdown().await;
    // Rows can be read, but not be deleted.
    let mut admin = world.database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE outbox_pitches IN SHARE MODE").await.unwrap();
    let child = Child::start(&world, &world.settings(), Role::Relays);
    let mut observer = world.database.admin().await;
    wait_until("the child to delete what the broker has confirmed", SOON, async || {
        let deleting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE 'DELETE%outbox%' AND datname = current_database()";
        count(&mut observer, deleting).await == 1
    })
    .await;
    assert_eq!(world.depth("notifications").await, 50);
    child.kill().await;
    // Postgres finds out only when it next writes to the dead; it would still delete what it was told to.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    observer.batch_execute(end).await.unwrap();
    admin.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(world.count("outbox").await, 50);
    let (producer, _) = world.producer().await;
    wait_until("all to be published once more", SOON, async || world.depth("notifications").await == 100)
        .await;
    let consumer = world.consumer().await;
    world.applied(50, SOON).await;
    wait_until("the duplicates to be taken", SOON, async || world.depth("notifications").await == 0).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_time_under_load() {
    let _alone = alone().await;
    let world = World::new().await;
    // Fewer kills than a message survives (its delivery limit), as it may be in flight at each of them.
    for round in 0..4_i64 {
        let mut writer =
            Child::start(&world, &world.settings(), Role::Writes { from: round * 1_000_000, many: 100_000 });
        let mut consumer = Child::start(&world, &world.settings(), Role::Consumes);
        writer.says("started").await;
        consumer.says("started").await;
        let goal = world.count("effects").await + 100;
        wait_until("some events to be applied", LATER, async || world.count("effects").await > goal).await;
        tokio::time::sleep(Duration::from_millis(u64::try_from(round * 37).unwrap())).await;
        tokio::join!(writer.kill(), consumer.kill());
    }
    let commands = usize::try_from(world.count("commands").await).unwrap();
    let (producer, _) = world.producer().await;
    let consumer = world.consumer().await;
    world.applied(commands, LATER).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_leader_is_replaced_and_does_no_harm_when_it_goes_on() {
    let _alone = alone().await;
    let world = World::new().await;
    let mut leader = Child::start(&world, &world.settings(), Role::Relays);
    leader.says("leads").await;
    let (follower, databases) = world.producer().await;
    let consumer = world.consumer().await;
    world.commands(&databases, 0..100).await;
    world.applied(100, SOON).await;
    leader.signal(Signal::SIGSTOP);
    let stopped = std::time::Instant::now();
    world.commands(&databases, 100..200).await;
    wait_until("the follower to lead", Duration::from_secs(20), async || follower.health().leader).await;
    println!("replaced after {:?}", stopped.elapsed());
    assert!(stopped.elapsed() < Duration::from_secs(12), "{:?}", stopped.elapsed());
    world.applied(200, SOON).await;
    leader.signal(Signal::SIGCONT);
    leader.says("follows").await;
    world.commands(&databases, 200..300).await;
    world.applied(300, SOON).await;
    assert!(follower.health().leader);
    leader.kill().await;
    follower.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}
