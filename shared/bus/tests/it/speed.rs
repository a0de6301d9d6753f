//! How fast, beside what can't be beaten: run by hand, in a release build.

use std::process::Stdio;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use pitchey_testkit::wait_until;
use tokio::io::AsyncWriteExt;

use crate::events::Counted;
use crate::world::World;

const EVENTS: i64 = 20_000;
const WINDOW: usize = 512;
const LATER: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: needs an idle machine and a release build"]
async fn the_relay_beside_raw_confirms() {
    // From a database of its own: the relay that makes it empties the outbox it finds.
    let wire = World::new().await.message_of(&Counted::new(1)).await;
    for round in 1..=5 {
        let world = World::new().await;
        let (alone, databases) = world.producer_with(&world.no_broker()).await;
        world.commands(&databases, 0..EVENTS).await;
        alone.shutdown().await;
        world.database.admin().await.batch_execute("VACUUM ANALYZE outbox").await.unwrap();

        let (producer, _) = world.producer().await;
        let mut admin = world.database.admin().await;
        // The clock runs from the first deletion seen, for what is left then.
        let mut left = EVENTS;
        wait_until("the relay to begin", LATER, async || {
            left = crate::world::count(&mut admin, "outbox").await;
            left < EVENTS
        })
        .await;
        let begun = Instant::now();
        wait_until("the outbox to be empty", LATER, async || {
            crate::world::count(&mut admin, "outbox").await == 0
        })
        .await;
        let relay = rate(left, begun.elapsed());
        assert!(left > EVENTS / 2, "too late to measure: {left}");
        assert_eq!(
            world.depth("notifications").await,
            u32::try_from(EVENTS).unwrap(),
            "all of them were published"
        );
        producer.shutdown().await;

        let (_connection, channel) = world.broker.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let begun = Instant::now();
        for _ in 0..usize::try_from(EVENTS).unwrap() / WINDOW {
            let window = join_all((0..WINDOW).map(|_| async {
                let options = BasicPublishOptions { mandatory: true, immediate: false };
                let (exchange, key) = (world.queue("events"), wire.event_type.clone());
                let properties = wire.properties.clone();
                let sent =
                    channel.basic_publish(exchange.into(), key.into(), options, &wire.body, properties);
                sent.await.unwrap().await.unwrap()
            }))
            .await;
            assert!(window.iter().all(lapin::Confirmation::is_ack));
        }
        let raw = rate(EVENTS / 512 * 512, begun.elapsed());
        println!(
            "round {round}: relay {relay:.0} events/s, raw confirms {raw:.0}/s, ratio {:.2}",
            relay / raw
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: needs an idle machine, a release build, and pgbench in PATH"]
async fn the_consumer_beside_pgbench() {
    for round in 1..=5 {
        let world = World::new().await;
        let (producer, databases) = world.producer().await;
        world.commands(&databases, 0..EVENTS).await;
        wait_until("the outbox to be empty", LATER, async || world.count("outbox").await == 0).await;
        producer.shutdown().await;
        let begun = Instant::now();
        let consumer = world.consumer().await;
        world.applied(1, LATER).await;
        let before =
            i64::try_from(world.effects(pitchey_events::Service::Notifications).await.len()).unwrap();
        let started = begun.elapsed();
        world.applied(usize::try_from(EVENTS).unwrap(), LATER).await;
        let ours = rate(EVENTS - before, begun.elapsed() - started);
        consumer.shutdown().await;
        world.assert_exactly_once().await;
        let pgbench = pgbench(&world).await;
        println!(
            "round {round}: consumer {ours:.0} events/s, pgbench {pgbench:.0} transactions/s, ratio {:.2}",
            ours / pgbench
        );
    }
}

/// The consumer's transaction, by as many clients as it has handlers.
async fn pgbench(world: &World) -> f64 {
    let script = "
        BEGIN;
        INSERT INTO inbox (consumer, event_id) VALUES ('pgbench', gen_random_uuid()) ON CONFLICT DO NOTHING RETURNING event_id;
        INSERT INTO effects (consumer, event, n) VALUES ('pgbench', 'thing.counted.v1', 1);
        COMMIT;
    ";
    let mut pgbench = tokio::process::Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-c", "4", "-j", "2", "-T", "5", "-f", "/dev/stdin"])
        .arg(world.database.admin_url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    pgbench.stdin.take().unwrap().write_all(script.as_bytes()).await.unwrap();
    let output = pgbench.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap_or_else(|| panic!("{said}"));
    tps.split(' ').next().unwrap().parse().unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "a measurement")]
fn rate(events: i64, time: Duration) -> f64 {
    events as f64 / time.as_secs_f64()
}
