//! Reports while the broker misbehaves: each that was taken is applied once, and nobody waits long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use pitchey_bus::Batches;
use pitchey_testkit::{SOON, Server, Servers, wait_until};
use tokio::task::JoinHandle;

use super::alone;
use crate::events::Reported;
use crate::world::World;

/// Reports ten numbers at a time until told to stop.
struct Reporting {
    taken: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
    task: JoinHandle<Duration>,
}

impl Reporting {
    fn start(batches: &Batches<i64>) -> Self {
        let (taken, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let (batches, count, stopped) = (batches.clone(), Arc::clone(&taken), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !stopped.load(Ordering::SeqCst) {
                let from = count.load(Ordering::SeqCst);
                let begun = Instant::now();
                batches.publish((from..from + 10).collect()).await.unwrap();
                longest = longest.max(begun.elapsed());
                count.fetch_add(10, Ordering::SeqCst);
            }
            longest
        });
        Self { taken, stop, task }
    }

    async fn go_on(&self, more: i64) {
        let goal = self.taken.load(Ordering::SeqCst) + more;
        wait_until("reports to be taken", SOON, async || self.taken.load(Ordering::SeqCst) >= goal).await;
    }

    /// How many were taken, and how long the slowest report took.
    async fn stop(self) -> (i64, Duration) {
        self.stop.store(true, Ordering::SeqCst);
        let longest = self.task.await.unwrap();
        (self.taken.load(Ordering::SeqCst), longest)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_survive_a_broker_that_is_killed_stands_still_and_runs_out_of_memory() {
    let _alone = alone().await;
    let mut servers = Servers::start_one(Server::RabbitMq).await;
    let world = World { broker: servers.broker(), ..World::new().await };
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    wait_until("the publisher", SOON, async || producer.health().connected).await;
    let batches = Batches::start(&producer, &databases, |items| Reported { items });
    let reporting = Reporting::start(&batches);
    reporting.go_on(500).await;

    servers.kill(Server::RabbitMq).await;
    reporting.go_on(500).await;
    servers.restart(Server::RabbitMq).await;
    wait_until("the publisher", SOON, async || producer.health().connected).await;
    reporting.go_on(500).await;

    // What was sent is on its way when the outbox gets it too; both arrive.
    servers.stop(Server::RabbitMq);
    reporting.go_on(500).await;
    servers.cont(Server::RabbitMq);
    reporting.go_on(500).await;

    wait_until("the publisher", SOON, async || producer.health().connected).await;
    servers.rabbitmqctl(&["set_vm_memory_high_watermark", "absolute", "1MB"]).await;
    wait_until("health to tell", SOON, async || producer.health().blocked.is_some()).await;
    reporting.go_on(500).await;
    servers.rabbitmqctl(&["set_vm_memory_high_watermark", "absolute", "1GB"]).await;
    reporting.go_on(500).await;

    let (taken, longest) = reporting.stop().await;
    println!("{taken} reports, the slowest took {longest:?}");
    assert!(longest < Duration::from_secs(5), "the broker had half a second, then the database: {longest:?}");
    let once = "(SELECT n FROM effects GROUP BY n HAVING count(*) = 1) AS e";
    wait_until("all reports to be applied", Duration::from_secs(60), async || {
        world.count(once).await >= taken
    })
    .await;
    producer.shutdown().await;
    consumer.shutdown().await;
    assert_eq!(world.count("effects").await, taken, "some were applied twice");
}
