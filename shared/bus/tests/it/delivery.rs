//! Committed events arrive, once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use pitchey_events::Service;
use pitchey_testkit::{SOON, wait_for, wait_until};

use crate::events::{Changed, Counted, Mood, Shared};
use crate::world::{SLOW_BEGUN, SLOW_MAY_END, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_committed_event_is_applied_exactly_once() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    world.commands(&databases, 0..1_000).await;
    world.applied(1_000, SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolled_back_event_is_never_told() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    let mut tx = databases.user.begin(None).await.unwrap();
    pitchey_bus::outbox::append_by(&world.plan, &mut tx, &Counted::new(1)).unwrap();
    tx.rollback().await.unwrap();
    world.command(&databases, 2, &Counted::new(2)).await;
    world.applied(1, SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    assert_eq!(world.effects(Service::Notifications).await.into_iter().collect::<Vec<_>>(), [(2, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_consumer_gets_its_own_copy() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    let (_consumer, _second) = (world.consumer().await, world.second_consumer().await);
    for n in 0..20 {
        world.command(&databases, n, &Shared::new(n)).await;
    }
    for service in [Service::Notifications, Service::Accounts] {
        wait_until("all to be applied", SOON, async || world.effects(service).await.len() == 20).await;
        assert!(world.effects(service).await.values().all(|times| *times == 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_work() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let (one, other) = (world.consumer().await, world.consumer().await);
    world.commands(&databases, 0..500).await;
    world.applied(500, SOON).await;
    for bus in [producer, one, other] {
        bus.shutdown().await;
    }
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_delivered_many_times_has_one_effect() {
    let world = World::new().await;
    let consumer = world.consumer().await;
    let properties = world.message_of(&Counted::new(1)).await;
    // Close together, so that several transactions meet at the inbox.
    for _ in 0..10 {
        world.publish(&properties).await;
    }
    world.applied(1, SOON).await;
    wait_until("the queue to be empty", SOON, async || world.depth("notifications").await == 0).await;
    consumer.shutdown().await;
    assert_eq!(world.effects(Service::Notifications).await[&1], 1);
    assert_eq!(world.depth("notifications").await, 0, "duplicates are acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_state_is_dropped_and_a_late_fact_is_not() {
    let world = World::new().await;
    let consumer = world.consumer().await;
    let mut messages = Vec::new();
    for n in [1, 3, 2] {
        messages.push(world.message_of(&Changed::new(n).of("thing/1")).await);
    }
    messages.push(world.message_of(&Counted::new(9).of("thing/1")).await);
    messages.push(world.message_of(&Counted::new(8).of("thing/1")).await);
    for message in &messages {
        world.publish(message).await;
        wait_until("it to be taken", SOON, async || {
            world.count("inbox").await > 0 && world.depth("notifications").await == 0
        })
        .await;
        // One after the other: the order of deliveries is what is tested.
        let taken = messages.iter().position(|other| std::ptr::eq(other, message)).unwrap() + 1;
        wait_until("the inbox to know it", SOON, async || {
            world.count("inbox").await == i64::try_from(taken).unwrap()
        })
        .await;
    }
    consumer.shutdown().await;
    let effects: Vec<i64> = world.effects(Service::Notifications).await.into_keys().collect();
    assert_eq!(effects, [1, 3, 8, 9], "state 2 came after state 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_handler_holds_up_nobody() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    let _consumer = world.consumer().await;
    world.command(&databases, 0, &Counted::new(0).mood(Mood::Slow)).await;
    wait_until("the slow one to begin", SOON, async || SLOW_BEGUN.load(Ordering::SeqCst)).await;
    // More than the broker hands out without acknowledgements: they have to be given ahead of the slow one's.
    world.commands(&databases, 1..400).await;
    world.applied(399, SOON).await;
    assert!(!world.effects(Service::Notifications).await.contains_key(&0));
    SLOW_MAY_END.add_permits(1);
    world.applied(400, SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_applied_soon_after_its_commit() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    let _consumer = world.consumer().await;
    world.command(&databases, 0, &Counted::new(0)).await;
    world.applied(1, SOON).await;
    let mut times = Vec::new();
    for n in 1..20 {
        let begun = std::time::Instant::now();
        world.command(&databases, n, &Counted::new(n)).await;
        world.applied(usize::try_from(n).unwrap() + 1, SOON).await;
        times.push(begun.elapsed());
    }
    times.sort();
    // The relay's poll alone would take a quarter of a second on average: this shows that the poke works.
    assert!(times[times.len() / 2] < Duration::from_millis(200), "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_of_the_request_travels_with_the_event() {
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let world = World::new().await;
    let (alone, databases) = world.producer_with(&world.no_broker()).await;
    world.command(&databases, 1, &Changed::new(1).of("thing/1")).await;
    alone.shutdown().await;
    // As `append` does within a request's span.
    let trace = format!("UPDATE outbox SET traceparent = '{traceparent}', tracestate = 'a=b'");
    world.database.admin().await.batch_execute(&trace).await.unwrap();
    let (_producer, _) = world.producer().await;
    let queue = world.queue("notifications");
    let message = wait_for("the message", SOON, async || {
        if world.broker.has_queue(&queue).await { world.broker.take(&queue).await } else { None }
    })
    .await;
    let headers = message.properties.headers().clone().unwrap();
    let header = |name: &str| match headers.inner().get(name) {
        Some(lapin::types::AMQPValue::LongString(text)) => text.to_string(),
        other => format!("{other:?}"),
    };
    assert_eq!(header("traceparent"), traceparent);
    assert_eq!(header("tracestate"), "a=b");
    let expected = [
        ("specversion", "1.0"),
        ("type", "thing.changed.v1"),
        ("source", "/pitchey/pitches"),
        ("subject", "thing/1"),
        ("subjectversion", "Some(LongLongInt(1))"),
    ];
    for (attribute, value) in expected {
        assert_eq!(header(&format!("cloudEvents:{attribute}")), value, "{attribute}");
    }
    assert_eq!(header("cloudEvents:id"), message.properties.message_id().as_ref().unwrap().to_string());
    assert_eq!(message.properties.delivery_mode(), &Some(2));
}
