use std::time::{Duration, Instant};

use pitchey_events::Service;
use pitchey_testkit::wait_until;

use crate::Scale;
use crate::data::Data;
use crate::pgbench::{self, Script};
use crate::platform::Platform;
use crate::report::{Goal, Line, Report, rate};
use crate::stats::abba;

const FILL: &str = include_str!("../../sql/outbox.sql");
/// The transaction of the consumer, with as many events as share one when more wait.
const GROUP: &str = include_str!("../../sql/consume_16.sql");
const ONE: &str = include_str!("../../sql/consume_1.sql");
/// Of the bus: `GROUP` in its consumer, `handlers` in its settings.
const GROUPED: f64 = 16.0;
const HANDLERS: usize = 4;
/// Of notifications.
pub const QUEUE: &str = "pitchey.notifications";
const LIMIT: Duration = Duration::from_secs(120);
const FLOOR_SAMPLE: Duration = Duration::from_secs(2);
/// While somebody else leads, the relay of notifications rests.
const LEAD: &str = "select pg_advisory_lock(hashtextextended('pitchey.relay.notifications', 0))";
/// What it was to publish would be the load of the next sample.
const FOLLOW: &str = "delete from outbox where producer = 'notifications';
                      select pg_advisory_unlock(hashtextextended('pitchey.relay.notifications', 0))";
const TOLD: &str = "select case when is_called then last_value else 0 end from notifications_id_seq";

pub async fn measure(platform: &mut Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("Consumer");
    let broker = platform.servers.broker();
    let url = platform.setting("NOTIFICATIONS_DATABASE__SYSTEM_URL").to_owned();
    let owner = data.creators[0].actor.id.0;
    // What it does with the events that notifications emits is its own affair.
    platform.stop(Service::Messaging).await;
    let samples =
        abba(scale.pairs, 3, async |which| {
            let floor = |sql| {
                let millisecond = pitchey_clock::Clock::system().now().timestamp_millis();
                let variables = [("prefix", format!("{millisecond:012x}7000")), ("owner", owner.to_string())];
                let url = &url;
                async move {
                    pgbench::run(url, &Script { sql, variables: &variables }, HANDLERS, FLOOR_SAMPLE).await
                }
            };
            match which {
                1 => return floor(GROUP).await * GROUPED,
                2 => return floor(ONE).await,
                _ => {}
            }
            platform.stop(Service::Notifications).await;
            let before = data.number("select count(*) from notifications").await;
            data.admin.execute(FILL, &[&i32::try_from(scale.inbox).unwrap(), &owner]).await.unwrap();
            data.admin.batch_execute("notify \"pitchey.outbox.pitches\"").await.unwrap();
            wait_until("the events to wait in the queue", LIMIT, async || {
                broker.depth(QUEUE).await == scale.inbox
            })
            .await;
            data.admin.batch_execute(LEAD).await.unwrap();
            let first = data.number(TOLD).await;
            platform.start(Service::Notifications).await;
            let (mut begun, begun_at) = (None, Instant::now());
            // The rate of a consumer that runs: from when it has done a twentieth.
            let rate = loop {
                let (done, now) = (data.number(TOLD).await - first, Instant::now());
                if begun.is_none() && done >= i64::from(scale.inbox / 20) {
                    begun = Some((done, now));
                }
                if let Some((at, since)) = begun
                    && done >= i64::from(scale.inbox)
                {
                    break (done - at) as f64 / (now - since).as_secs_f64();
                }
                assert!(begun_at.elapsed() < LIMIT, "the consumer stands still at {done}");
                tokio::time::sleep(Duration::from_millis(2)).await;
            };
            wait_until("the last commit", LIMIT, async || {
                data.number("select count(*) from notifications").await == before + i64::from(scale.inbox)
            })
            .await;
            data.admin.batch_execute(FOLLOW).await.unwrap();
            rate
        })
        .await;
    platform.start(Service::Messaging).await;
    data.admin.batch_execute("delete from outbox where producer = 'analytics'").await.unwrap();
    report.line(Line::paired(
        "events a second: notifications, NDA withdrawn to a row in the app",
        rate,
        &samples[0],
        ("pgbench, the same transaction (16 events, 4 clients)", &samples[1]),
        Some(Goal::AtLeast(0.7)),
    ));
    report.line(Line::paired(
        "the same",
        rate,
        &samples[0],
        ("pgbench, an event a transaction (4 clients)", &samples[2]),
        None,
    ));
}
