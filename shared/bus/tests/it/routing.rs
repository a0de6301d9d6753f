//! Events find their queues, or are kept until they do.

use pitchey_bus::dead_letters::{self, Place, Which};
use pitchey_events::Service;
use pitchey_testkit::{SOON, wait_until};

use crate::events::{Counted, Ignored, Shared};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_for_a_service_that_has_never_run() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    world.commands(&databases, 0..50).await;
    world.command(&databases, 50, &Shared::new(50)).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    producer.shutdown().await;
    assert_eq!(world.depth("notifications").await, 51);
    assert_eq!(world.depth("accounts").await, 1);
    let consumer = world.consumer().await;
    world.applied(51, SOON).await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_nobody_wants_is_deleted_unpublished() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    world.command(&databases, 1, &Ignored::new(1)).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    assert_eq!(world.depth("unrouted").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_queue_is_gone_is_kept_and_can_be_given_back() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    world.commands(&databases, 0..1).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    world.broker.purge(&world.queue("notifications")).await;
    world.broker.delete(&world.queue("notifications")).await;
    world.command(&databases, 1, &Counted::new(1)).await;
    wait_until("it to be caught", SOON, async || world.depth("unrouted").await == 1).await;
    producer.shutdown().await;
    let caught = dead_letters::list(&world.settings(), Place::Unrouted, 10).await.unwrap();
    assert_eq!((caught.len(), caught[0].reason.as_str()), (1, "no queue took it"));
    // The next connection of anybody makes the queue anew.
    let consumer = world.consumer().await;
    wait_until("the queue", SOON, async || world.broker.has_queue(&world.queue("notifications")).await).await;
    wait_until("it to be back", SOON, async || world.depth("unrouted").await == 1).await;
    assert_eq!(dead_letters::replay(&world.settings(), Place::Unrouted, Which::All).await.unwrap(), 1);
    wait_until("it to be applied", SOON, async || {
        world.effects(Service::Notifications).await.contains_key(&1)
    })
    .await;
    consumer.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_the_broker_returns_stays_in_the_outbox_until_it_can_go() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    world.commands(&databases, 0..1).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    world.broker.purge(&world.queue("notifications")).await;
    // Neither its queue nor the net under it: the broker returns what is mandatory.
    world.broker.delete(&world.queue("notifications")).await;
    world.broker.delete(&world.queue("unrouted")).await;
    world.commands(&databases, 1..200).await;
    wait_until("the broker to return some", SOON, async || {
        world.count("outbox WHERE attempts > 0").await > 0
    })
    .await;
    // The relay takes a return as a sign that the topology is damaged, and repairs it.
    let consumer = world.consumer().await;
    wait_until("them to be applied", SOON, async || {
        let applied = world.effects(Service::Notifications).await;
        (1..200).all(|n| applied.contains_key(&n))
    })
    .await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    assert!(world.effects(Service::Notifications).await.values().all(|times| *times == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_deleted_under_its_consumer_is_made_again() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    world.commands(&databases, 0..10).await;
    world.applied(10, SOON).await;
    world.broker.delete(&world.queue("notifications")).await;
    world.commands(&databases, 10..20).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    wait_until("the queue", SOON, async || world.broker.has_queue(&world.queue("notifications")).await).await;
    // What was published in between has been caught.
    let all = async || world.effects(Service::Notifications).await.len() == 20;
    wait_until("all to be applied or caught", SOON, async || {
        dead_letters::replay(&world.settings(), Place::Unrouted, Which::All).await.unwrap();
        all().await
    })
    .await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}
