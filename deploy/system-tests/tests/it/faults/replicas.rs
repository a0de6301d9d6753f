use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use pitchey_events::Service::{Accounts, Pitches};
use pitchey_system_tests::{Platform, SOON, wait_until};

use crate::world::{Cast, Given, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_replica_costs_no_idempotent_request() {
    const WORKERS: usize = 8;
    const EACH: usize = 150;
    let platform = Platform::builder().replicas(Accounts, 2).replicas(Pitches, 2).start().await;
    let cast = Cast::assemble(&platform).await;
    let world = World::build(&platform, &cast, Given::Signed).await;

    let done = AtomicUsize::new(0);
    let gateway = platform.gateway();
    let load = join_all((0..WORKERS).map(|worker| {
        let (gateway, cast, done) = (&gateway, &cast, &done);
        async move {
            for _ in 0..EACH {
                let path = match worker % 3 {
                    0 => format!("/api/pitches/{}", world.pitch),
                    1 => "/api/ndas".to_owned(),
                    _ => "/api/pitches/public".to_owned(),
                };
                gateway.get(&path).bearer(&cast.requester.token).send().await.expect(200);
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    }));
    let reached = async |share: usize| {
        let wanted = WORKERS * EACH * share / 4;
        wait_until("load", 4 * SOON, async || done.load(Ordering::Relaxed) >= wanted).await;
    };
    let faults = async {
        reached(1).await;
        platform.replica(Pitches, 0).kill().await;
        reached(2).await;
        platform.replica(Pitches, 0).start();
        platform.replica(Accounts, 1).kill().await;
        reached(3).await;
    };
    tokio::join!(load, faults);
    assert_eq!(done.load(Ordering::Relaxed), WORKERS * EACH);
}
