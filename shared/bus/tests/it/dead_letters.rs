//! What an operator does with dead events.

use pitchey_bus::dead_letters::{self, Place, Which};
use pitchey_events::Service;
use pitchey_testkit::{SOON, wait_until};

use crate::events::{Counted, Mood};
use crate::world::World;

const DEAD: Place = Place::Dead(Service::Notifications);

async fn world_with_three_dead() -> World {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    for n in 1..=3 {
        world.command(&databases, n, &Counted::new(n).mood(Mood::Hopeless)).await;
    }
    wait_until("them to be dead", SOON, async || world.depth("notifications.dead").await == 3).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_the_dead_leaves_them_where_they_are() {
    let world = world_with_three_dead().await;
    let dead = dead_letters::list(&world.settings(), DEAD, 2).await.unwrap();
    assert_eq!(dead.len(), 2);
    let one = dead_letters::show(&world.settings(), DEAD, dead[1].id.unwrap()).await.unwrap().unwrap();
    assert_eq!(one, dead[1]);
    assert_eq!(one.reason, "no such thing");
    assert!(one.occurred_at.is_some());
    assert!(one.body.contains("\"mood\":\"Hopeless\"") || one.body.contains("\"mood\": \"Hopeless\""));
    wait_until("all to be back", SOON, async || world.depth("notifications.dead").await == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dead_survive_any_number_of_looks() {
    let world = world_with_three_dead().await;
    let (_connection, channel) = world.broker.channel().await;
    let again = lapin::options::BasicNackOptions { multiple: true, requeue: true };
    let get = lapin::options::BasicGetOptions::default();
    // More than the 20 that RabbitMQ 4 allows unless told otherwise.
    for look in 0..25 {
        for _ in 0..3 {
            let found = channel.basic_get(world.queue("notifications.dead").into(), get).await.unwrap();
            assert_eq!(found.unwrap().delivery.redelivered, look > 0);
        }
        channel.basic_nack(0, again).await.unwrap();
        wait_until("all to be back", SOON, async || world.depth("notifications.dead").await == 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_dropped_and_the_others_stay() {
    let world = world_with_three_dead().await;
    let dead = dead_letters::list(&world.settings(), DEAD, 10).await.unwrap();
    let id = dead[1].id.unwrap();
    wait_until("all to be back", SOON, async || world.depth("notifications.dead").await == 3).await;
    assert_eq!(dead_letters::drop(&world.settings(), DEAD, Which::One(id)).await.unwrap(), 1);
    wait_until("the others to be back", SOON, async || world.depth("notifications.dead").await == 2).await;
    assert_eq!(dead_letters::show(&world.settings(), DEAD, id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replayed_events_keep_their_id_and_begin_anew() {
    let world = world_with_three_dead().await;
    let before = dead_letters::list(&world.settings(), DEAD, 10).await.unwrap();
    wait_until("all to be back", SOON, async || world.depth("notifications.dead").await == 3).await;
    assert_eq!(dead_letters::replay(&world.settings(), DEAD, Which::All).await.unwrap(), 3);
    assert_eq!(world.depth("notifications").await, 3);
    let again = world.broker.peek(&world.queue("notifications")).await.unwrap();
    let headers = again.properties.headers().clone().unwrap_or_default();
    assert!(!headers.contains_key("pitchey-attempts") && !headers.contains_key("pitchey-reason"));
    // Still hopeless: they come back.
    let consumer = world.consumer().await;
    wait_until("them to be dead again", SOON, async || world.depth("notifications.dead").await == 3).await;
    consumer.shutdown().await;
    let after = dead_letters::list(&world.settings(), DEAD, 10).await.unwrap();
    let ids = |letters: &[dead_letters::DeadLetter]| {
        let mut ids: Vec<_> = letters.iter().map(|letter| letter.id).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&before), ids(&after));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replaying_what_was_applied_after_all_changes_nothing() {
    let world = World::new().await;
    let consumer = world.consumer().await;
    let message = world.message_of(&Counted::new(1)).await;
    world.publish(&message).await;
    world.applied(1, SOON).await;
    // The same event, put among the dead by hand.
    world.broker.publish("", &world.queue("notifications.dead"), message.properties, &message.body).await;
    assert_eq!(dead_letters::replay(&world.settings(), DEAD, Which::All).await.unwrap(), 1);
    wait_until("it to be taken", SOON, async || world.depth("notifications").await == 0).await;
    consumer.shutdown().await;
    assert_eq!(world.effects(Service::Notifications).await[&1], 1);
    assert_eq!(world.depth("notifications").await, 0);
    assert_eq!(world.depth("notifications.dead").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_with_which_consumers_crash_is_dead_after_the_fifth_time() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    world.command(&databases, 1, &Counted::new(1)).await;
    wait_until("it to be published", SOON, async || world.depth("notifications").await == 1).await;
    let mut crashes = 0;
    while world.depth("notifications.dead").await == 0 {
        let (connection, channel) = world.broker.channel().await;
        let options = lapin::options::BasicGetOptions::default();
        crashes += u32::from(
            channel.basic_get(world.queue("notifications").into(), options).await.unwrap().is_some(),
        );
        connection.close(200, "it crashes".into()).await.unwrap();
    }
    assert_eq!(crashes, 6, "the first delivery and five more");
    let dead = dead_letters::list(&world.settings(), DEAD, 10).await.unwrap();
    assert_eq!(dead[0].reason, "consumers crashed with it, again and again");
}
