//! One leader a service.

use diesel_async::SimpleAsyncConnection;
use pitchey_testkit::{SOON, wait_until};

use crate::events::Counted;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_leads_and_the_other_takes_over() {
    let world = World::new().await;
    let (one, databases) = world.producer().await;
    wait_until("a leader", SOON, async || one.health().leader).await;
    let (other, _) = world.producer().await;
    wait_until("the other to follow", SOON, async || other.health().outbox.is_some()).await;
    assert!(!other.health().leader);
    one.shutdown().await;
    wait_until("the other to lead", SOON, async || other.health().leader).await;
    world.commands(&databases, 0..10).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    assert_eq!(world.depth("notifications").await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_tells_the_leader_of_its_commits() {
    let world = World::new().await;
    let (leader, _) = world.producer().await;
    wait_until("a leader", SOON, async || leader.health().leader && leader.health().connected).await;
    let (_follower, databases) = world.producer().await;
    let _consumer = world.consumer().await;
    world.command(&databases, 0, &Counted::new(0)).await;
    world.applied(1, SOON).await;
    let mut times = Vec::new();
    for n in 1..20_usize {
        let begun = std::time::Instant::now();
        let number = i64::try_from(n).unwrap();
        world.command(&databases, number, &Counted::new(number)).await;
        world.applied(n + 1, SOON).await;
        times.push(begun.elapsed());
    }
    times.sort();
    // The leader's poll alone would take a quarter of a second on average.
    assert!(times[times.len() / 2].as_millis() < 200, "{times:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_session_is_killed_leads_no_more_and_comes_back() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    wait_until("a leader", SOON, async || producer.health().leader).await;
    let mut admin = world.database.admin().await;
    for round in 0..5 {
        world.commands(&databases, round * 100..round * 100 + 100).await;
        admin
            .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pitchey pitches relay' AND datname = current_database()")
            .await
            .unwrap();
    }
    world.applied(500, SOON).await;
    // All may have been applied before the last session was killed, which then deleted nothing: the next one does.
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subjects_events_are_published_in_the_order_of_their_rows() {
    let world = World::new().await;
    let (_alone, databases) = world.producer_with(&world.no_broker()).await;
    world.commands(&databases, 0..1_200).await;
    let small = pitchey_bus::Broker { window: 100, ..world.settings() };
    // Its window is smaller than what waits; and who has no broker does not stand in the way of who has.
    let (_producer, _) = world.producer_with(&small).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    let (_connection, channel) = world.broker.channel().await;
    let mut last = [-1; 7];
    let mut seen = 0;
    let options = lapin::options::BasicGetOptions { no_ack: true };
    while let Some(message) = channel.basic_get(world.queue("notifications").into(), options).await.unwrap() {
        let event: Counted = serde_json::from_slice(&message.delivery.data).unwrap();
        let subject = usize::try_from(event.n % 7).unwrap();
        assert!(event.n > last[subject], "{} after {}", event.n, last[subject]);
        last[subject] = event.n;
        seen += 1;
    }
    assert_eq!(seen, 1_200, "each once: nothing went wrong on the way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_can_not_measure_its_outbox_still_empties_it() {
    let world = World::new().await;
    // Asked for by the measurement alone.
    world.database.execute("REVOKE EXECUTE ON FUNCTION clock_timestamp() FROM PUBLIC").await;
    let (producer, databases) = world.producer().await;
    world.commands(&databases, 0..100).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    assert!(producer.health().leader);
    assert_eq!(producer.health().outbox, None);
    assert_eq!(world.depth("notifications").await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_is_counted_up_to_a_limit() {
    let world = World::new().await;
    let rows = "INSERT INTO outbox (producer, event_id, event_type, subject, payload, occurred_at)
        SELECT 'pitches', gen_random_uuid(), 'thing.counted.v1', 'thing/1', '{}', now() - interval '1 hour' FROM generate_series(1, 100500)";
    world.database.execute(rows).await;
    let (producer, _) = world.producer_with(&world.no_broker()).await;
    wait_until("health to tell", SOON, async || producer.health().outbox.is_some()).await;
    let backlog = producer.health().outbox.unwrap();
    assert_eq!(backlog.depth, 100_000);
    assert!(backlog.oldest.as_secs() >= 3_600, "{:?}", backlog.oldest);
}
