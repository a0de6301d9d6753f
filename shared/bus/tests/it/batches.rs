//! Reports that nothing else is written of.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pitchey_bus::{Batches, NotTaken};
use pitchey_testkit::{Emitted, SOON, wait_until};

use crate::events::Reported;
use crate::world::{POISONOUS, World};

fn pack(items: Vec<i64>) -> Reported {
    Reported { items }
}

/// Every number below `count` was applied once.
async fn assert_all_once(world: &World, count: i64) {
    let once = "(SELECT n FROM effects GROUP BY n HAVING count(*) = 1) AS e";
    wait_until("all reports to be applied", SOON, async || world.count(once).await >= count).await;
    assert_eq!(world.count("effects").await, count, "some were applied twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_made_together_share_events_and_are_applied_once() {
    let world = World::new().await;
    let emitted = Emitted::watch(&world.database).await;
    let (bus, databases) = world.producer().await;
    let consumer = world.consumer().await;
    wait_until("the publisher", SOON, async || bus.health().connected).await;
    let batches = Batches::start(&bus, &databases, pack);

    let published = join_all((0..2_000).map(|n| batches.publish(vec![n]))).await;
    assert!(published.iter().all(Result::is_ok));
    assert_all_once(&world, 2_000).await;
    let events = world.count("inbox").await;
    // On a busy machine the broker may take more than half a second now and then.
    let by_outbox = i64::try_from(emitted.take_all().await.len()).unwrap();
    assert!(by_outbox < events, "the broker took none of {events} itself");
    // The first goes alone; while it is on its way the others gather.
    assert!((4..100).contains(&events), "2,000 reports in {events} events");
    consumer.shutdown().await;
    bus.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_an_event_holds_are_split_and_what_was_offered_is_published_before_the_end() {
    let world = World::new().await;
    let (bus, databases) = world.producer().await;
    let consumer = world.consumer().await;
    let batches = Batches::start(&bus, &databases, pack);
    batches.publish((0..1_200).collect()).await.unwrap();
    assert!((1_200..1_300).all(|n| batches.offer(n)));
    bus.shutdown().await;
    assert_eq!(batches.publish(vec![0]).await, Err(NotTaken::Unavailable), "the bus is shut down");
    // What the broker did not take in time is in the outbox, for the next process.
    let (bus, _databases) = world.producer().await;
    assert_all_once(&world, 1_300).await;
    consumer.shutdown().await;
    bus.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_the_outbox_takes_them_at_once() {
    let world = World::new().await;
    let (bus, databases) = world.producer_with(&world.no_broker()).await;
    let batches = Batches::start(&bus, &databases, pack);
    let begun = Instant::now();
    for n in 0..20 {
        batches.publish(vec![n]).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for a broker that is known to be away");
    assert_eq!(world.count("outbox").await, 20);
    bus.shutdown().await;

    let (bus, _databases) = world.producer().await;
    let consumer = world.consumer().await;
    assert_all_once(&world, 20).await;
    consumer.shutdown().await;
    bus.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_too_many_wait_more_are_refused_and_nobody_is_kept_waiting() {
    let world = World::new().await;
    let (bus, databases) = world.producer_with(&world.no_broker()).await;
    // The outbox takes nothing while somebody else has the table.
    let mut admin = world.database.admin().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut admin, "BEGIN; LOCK outbox IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let batches = Batches::start(&bus, &databases, pack);
    let begun = Instant::now();
    let taken = (0..30_000).filter(|&n| batches.offer(n)).count();
    assert_eq!(taken, 20_000);
    assert_eq!(batches.publish(vec![0]).await, Err(NotTaken::Full));
    assert!(begun.elapsed() < Duration::from_secs(1), "offering never waits: {:?}", begun.elapsed());
    diesel_async::SimpleAsyncConnection::batch_execute(&mut admin, "COMMIT").await.unwrap();
    wait_until("room", SOON, async || batches.publish(vec![0]).await.is_ok()).await;
    bus.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_wait_are_handled_together_and_one_that_fails_harms_no_other() {
    let world = World::new().await;
    // Declares the queue.
    let consumer = world.consumer().await;
    let queue = world.queue("notifications");
    wait_until("the queue", SOON, async || world.broker.has_queue(&queue).await).await;
    consumer.shutdown().await;
    for n in 0..30 {
        let n = if n == 15 { POISONOUS } else { n };
        let message = world.message_of(&Reported { items: vec![n] }).await;
        world.publish(&message).await;
        if n % 10 == 0 {
            world.publish(&message).await;
        }
    }
    let consumer = world.consumer().await;
    let once = "(SELECT n FROM effects GROUP BY n HAVING count(*) = 1) AS e";
    wait_until("the others to be applied", SOON, async || world.count(once).await == 29).await;
    assert_eq!(world.count("effects").await, 29, "some were applied twice");
    assert!(world.count("effects WHERE event NOT LIKE '% with 0 others'").await > 0, "none went together");
    consumer.shutdown().await;
}
