//! Emitting.

use diesel_async::SimpleAsyncConnection;
use pitchey_bus::{Bus, Consumes, Listeners, Plan, Subscriptions, outbox};
use pitchey_events::Service;
use std::sync::Arc;

use crate::events::{Announced, Changed, Counted, Reported, Shared};
use crate::world::{Ledger, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_in_no_catalogue_is_refused() {
    let world = World::new().await;
    let databases = world.databases(Service::Pitches).await;
    let mut tx = databases.user.begin(None).await.unwrap();
    let refused = outbox::append(&mut tx, &Counted::new(1)).unwrap_err();
    assert!(refused.to_string().contains("thing.counted.v1 is in no catalogue line"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_while_the_broker_is_away() {
    let world = World::new().await;
    let (bus, databases) = world.producer_with(&world.no_broker()).await;
    world.commands(&databases, 0..100).await;
    assert_eq!(world.count("outbox").await, 100);
    pitchey_testkit::wait_until("health to tell", pitchey_testkit::SOON, async || {
        let health = bus.health();
        !health.connected && !health.leader && health.outbox.is_some_and(|backlog| backlog.depth == 100)
    })
    .await;
    // And nothing is lost by having waited.
    bus.shutdown().await;
    let (producer, _) = world.producer().await;
    let consumer = world.consumer().await;
    world.applied(100, pitchey_testkit::SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_too_late_does_not_fail_a_service_without_database() {
    let world = World::new().await;
    let bus = Bus::start_by(
        world.plan.clone(),
        Service::Gateway,
        &world.no_broker(),
        None,
        Consumes::nothing(),
        Listeners::new(),
    )
    .unwrap();
    // It needs no connection, so it lacks none.
    assert!(bus.health().connected);
    bus.shutdown().await;
}

#[test]
fn lists_that_differ_from_the_catalogue_are_found() {
    let plan = crate::events::plan();
    let ledger = || Arc::new(Ledger::of(Service::Notifications));
    let whole =
        Subscriptions::of(ledger()).on::<Counted>().on::<Shared>().on::<Changed>().on_many::<Reported>();
    let whole = Consumes::from(whole);
    let nothing = Listeners::new();
    assert_eq!(whole.disagreements(Service::Notifications, &nothing, &plan), [""; 0]);
    let part =
        Consumes::from(Subscriptions::of(ledger()).on::<Counted>().on::<Changed>().on_many::<Reported>());
    assert_eq!(
        part.disagreements(Service::Notifications, &nothing, &plan),
        ["the catalogue says notifications shall consume thing.shared.v1, which it does not"]
    );
    let too_much = Listeners::new().on::<Announced>(|_| async {});
    assert_eq!(
        whole.disagreements(Service::Notifications, &too_much, &plan),
        ["notifications is ready to listen to thing.announced.v1, but the catalogue does not name it"]
    );
    let foreign = Consumes::from(Subscriptions::of(ledger()).on::<Counted>());
    assert!(
        foreign
            .disagreements(Service::Gateway, &Listeners::new(), &Plan { catalogue: &[], ..plan })
            .contains(&"gateway names thing.counted.v1, which no catalogue line does".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_is_locked_delays_events_but_loses_none() {
    let world = World::new().await;
    let (producer, databases) = world.producer().await;
    let consumer = world.consumer().await;
    world.commands(&databases, 0..10).await;
    world.applied(10, pitchey_testkit::SOON).await;
    // Longer than the relay's own limits would be too long for a test; that it waits at all is what is shown here.
    let mut admin = world.database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE outbox_pitches IN SHARE MODE").await.unwrap();
    let writing = tokio::spawn({
        let (plan, databases) = (world.plan.clone(), databases.clone());
        async move { crate::world::command(&plan, &databases, 10, &Counted::new(10)).await }
    });
    tokio::task::yield_now().await;
    admin.batch_execute("COMMIT").await.unwrap();
    writing.await.unwrap().unwrap();
    world.applied(11, pitchey_testkit::SOON).await;
    producer.shutdown().await;
    consumer.shutdown().await;
    world.assert_exactly_once().await;
}
