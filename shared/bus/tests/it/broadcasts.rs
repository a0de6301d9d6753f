//! What every running replica hears.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_events::{Envelope, Service};
use pitchey_testkit::{SOON, wait_until};

use crate::events::Announced;
use crate::world::World;

/// A replica of the gateway: no database, listeners only.
struct Replica {
    bus: Bus,
    heard: Arc<Mutex<Vec<i64>>>,
    gaps: Arc<AtomicUsize>,
}

impl Replica {
    fn start(world: &World) -> Self {
        let (heard, gaps) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (hears, counts) = (Arc::clone(&heard), Arc::clone(&gaps));
        let listeners = Listeners::new()
            .on::<Announced>(move |envelope: Envelope<Announced>| {
                let heard = Arc::clone(&hears);
                async move {
                    assert!(envelope.event.n >= 0, "a negative number makes the listener of this test panic");
                    heard.lock().unwrap().push(envelope.event.n);
                }
            })
            .on_gap(move || {
                counts.fetch_add(1, Ordering::SeqCst);
                async {}
            });
        let bus = Bus::start_by(
            world.plan.clone(),
            Service::Gateway,
            &world.settings(),
            None,
            Consumes::nothing(),
            listeners,
        )
        .unwrap();
        Self { bus, heard, gaps }
    }

    async fn listens(&self, times: usize) {
        wait_until("the replica to listen", SOON, async || self.gaps.load(Ordering::SeqCst) == times).await;
    }

    async fn hears(&self, numbers: &[i64]) {
        wait_until("the replica to hear", SOON, async || *self.heard.lock().unwrap() == numbers).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_replica_hears_of_it_in_order() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    let replicas = [Replica::start(&world), Replica::start(&world)];
    for replica in &replicas {
        replica.listens(1).await;
        assert!(replica.bus.health().outbox.is_none());
    }
    for n in 0..5 {
        world.command(&databases, n, &Announced::new(n)).await;
    }
    for replica in &replicas {
        replica.hears(&[0, 1, 2, 3, 4]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_that_nobody_hears_is_gone() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    world.command(&databases, 1, &Announced::new(1)).await;
    wait_until("the outbox to be empty", SOON, async || world.count("outbox").await == 0).await;
    assert_eq!(world.depth("unrouted").await, 0, "it is no failure");
    let late = Replica::start(&world);
    late.listens(1).await;
    world.command(&databases, 2, &Announced::new(2)).await;
    late.hears(&[2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panicking_listener_goes_on_listening() {
    let world = World::new().await;
    let (_producer, databases) = world.producer().await;
    let replica = Replica::start(&world);
    replica.listens(1).await;
    world.command(&databases, 1, &Announced::new(-1)).await;
    world.command(&databases, 2, &Announced::new(2)).await;
    replica.hears(&[2]).await;
}
