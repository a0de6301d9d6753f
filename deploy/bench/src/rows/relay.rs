use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use pitchey_bus::{Bus, Consumes, Listeners};
use pitchey_events::Service;
use pitchey_testkit::{Servers, wait_until};

use crate::Scale;
use crate::confirms::Confirms;
use crate::data::connect;
use crate::report::{Goal, Line, Report, rate};
use crate::stats::abba;

const FILL: &str = include_str!("../../sql/outbox.sql");
const EVENT: &str = "nda.withdrawn.v1";
const LIMIT: Duration = Duration::from_secs(120);

pub async fn measure(servers: &Servers, scale: Scale, report: &mut Report) {
    report.section("Relay");
    let (database, broker) = (servers.database().await, servers.broker());
    let admin = connect(&database.admin_url()).await;
    let settings = pitchey_bus::Broker::new(broker.url.clone(), broker.prefix.clone());
    let databases = database.databases(Service::Pitches).await;
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let bus =
        Bus::start(Service::Pitches, &settings, Some(&databases), Consumes::nothing(), Listeners::new())
            .unwrap();
    wait_until("the relay to lead", LIMIT, async || bus.health().connected && bus.health().leader).await;
    let queue = format!("{}pitchey.notifications", broker.prefix);
    let exchange = format!("{}pitchey.events", broker.prefix);

    // The floor publishes what the relay did: the same bytes, to the same queue.
    admin.execute(FILL, &[&1_i32, &1_i32]).await.unwrap();
    wait_until("the first event", LIMIT, async || broker.depth(&queue).await == 1).await;
    let message = broker.take(&queue).await.unwrap();
    let confirms = Confirms::open(&broker).await;
    let count = i32::try_from(scale.outbox).unwrap();

    let samples = abba(scale.pairs, 2, async |which| {
        let took = if which == 0 {
            let goal = published(&metrics) + u64::from(scale.outbox);
            admin.execute(FILL, &[&count, &1_i32]).await.unwrap();
            let begun = Instant::now();
            admin.batch_execute("notify \"pitchey.outbox.pitches\"").await.unwrap();
            while published(&metrics) < goal {
                assert!(begun.elapsed() < LIMIT, "the relay stands still");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            // Confirmed is not deleted.
            while admin.query_one("select exists (select from outbox)", &[]).await.unwrap().get(0) {}
            let took = begun.elapsed();
            admin.batch_execute("vacuum outbox_pitches").await.unwrap();
            took
        } else {
            let begun = Instant::now();
            let to = (exchange.as_str(), EVENT);
            confirms
                .publish(to, &message.properties, &message.body, scale.outbox, settings.window.into())
                .await;
            begun.elapsed()
        };
        assert_eq!(broker.depth(&queue).await, scale.outbox);
        broker.purge(&queue).await;
        f64::from(scale.outbox) / took.as_secs_f64()
    })
    .await;
    let floor = format!("lapin alone, the same {} messages, window {}", scale.outbox, settings.window);
    report.line(Line::paired(
        format!("events a second, draining {} rows", scale.outbox),
        rate,
        &samples[0],
        (&floor, &samples[1]),
        Some(Goal::AtLeast(0.85)),
    ));
    bus.shutdown().await;
}

fn published(metrics: &PrometheusHandle) -> u64 {
    let text = metrics.render();
    let line = text.lines().find(|line| line.starts_with("bus_published_total{"));
    line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok()).unwrap_or(0)
}
