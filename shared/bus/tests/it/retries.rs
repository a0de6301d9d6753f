//! What becomes of events that can't be applied.

use pitchey_bus::dead_letters::{self, Place};
use pitchey_events::Service;
use pitchey_testkit::{SOON, wait_for, wait_until};

use crate::events::{Counted, Mood};
use crate::world::{Wire, World};

const DEAD: Place = Place::Dead(Service::Notifications);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_fails_twice_then_succeeds_has_one_effect() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    world.command(&databases, 1, &Counted::new(1).mood(Mood::FailsTwice)).await;
    world.applied(1, SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_handler_is_tried_again() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    world.command(&databases, 1, &Counted::new(1).mood(Mood::PanicsOnce)).await;
    world.applied(1, SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_event_does_not_fail_its_neighbours() {
    let world = World::new().await;
    let (alone, databases) = world.producer_with(&world.no_broker()).await;
    for n in 0..100 {
        let mood = match n % 10 {
            3 => Mood::FailsTwice,
            5 => Mood::PanicsOnce,
            7 => Mood::Hopeless,
            _ => Mood::Fine,
        };
        world.command(&databases, n, &Counted::new(n).mood(mood)).await;
    }
    // All of them wait for the consumer together, so that it groups them.
    alone.shutdown().await;
    let (relay, _) = world.producer().await;
    wait_until("all to be published", SOON, async || world.count("outbox").await == 0).await;
    let consumer = world.consumer().await;
    world.applied(90, SOON).await;
    wait_until("the hopeless to be dead", SOON, async || world.depth("notifications.dead").await == 10).await;
    relay.shutdown().await;
    consumer.shutdown().await;
    let effects = world.effects(Service::Notifications).await;
    assert!(effects.values().all(|times| *times == 1));
    assert!(effects.keys().all(|n| n % 10 != 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_message_dies_after_its_retries_and_others_go_on() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    let _consumer = world.consumer().await;
    world.command(&databases, 1, &Counted::new(1).mood(Mood::Poison)).await;
    world.commands(&databases, 2..50).await;
    world.applied(48, SOON).await;
    wait_until("it to be dead", SOON, async || world.depth("notifications.dead").await == 1).await;
    let dead = dead_letters::list(&world.settings(), DEAD, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].reason.as_str(), dead[0].attempts), ("failed 4 times: never", 3));
    assert_eq!((dead[0].event_type.as_str(), dead[0].subject.as_str()), ("thing.counted.v1", "thing/1"));
    assert!(!world.effects(Service::Notifications).await.contains_key(&1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_read_is_dead_at_once() {
    let world = World::new().await;
    let _consumer = world.consumer().await;
    let good = world.message_of(&Counted::new(1)).await;
    let garbled = Wire { body: b"{\"n\":".to_vec(), ..wire(&good) };
    let wrong = Wire { body: b"{\"n\":\"one\",\"of\":\"thing/1\"}".to_vec(), ..wire(&good) };
    let anonymous = Wire { properties: lapin::BasicProperties::default(), ..wire(&good) };
    for message in [&garbled, &wrong, &anonymous] {
        world.publish(message).await;
    }
    wait_until("them to be dead", SOON, async || world.depth("notifications.dead").await == 3).await;
    let dead = dead_letters::list(&world.settings(), DEAD, 10).await.unwrap();
    assert!(dead.iter().all(|letter| letter.reason.starts_with("unreadable: ")), "{dead:?}");
    assert!(dead.iter().all(|letter| !letter.reason.contains("one")), "the body is not quoted: {dead:?}");
    // And the id is free for the real one.
    world.publish(&good).await;
    world.applied(1, SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_without_a_handler_waits_for_a_newer_replica() {
    let world = World::new().await;
    let _consumer = world.consumer().await;
    let mut message = world.message_of(&Counted::new(1)).await;
    message.properties = message.properties.with_type("thing.invented.v9".into());
    world.publish(&message).await;
    let reason = wait_for("it to be dead in the end", SOON, async || {
        let dead = dead_letters::list(&world.settings(), DEAD, 10).await.ok()?;
        dead.into_iter().next().map(|letter| letter.reason)
    })
    .await;
    assert_eq!(reason, "failed 4 times: no handler for this type");
}

fn wire(message: &Wire) -> Wire {
    Wire {
        properties: message.properties.clone(),
        event_type: message.event_type.clone(),
        body: message.body.clone(),
    }
}
