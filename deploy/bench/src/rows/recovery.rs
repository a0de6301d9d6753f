use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Method;
use pitchey_events::Service;
use pitchey_testkit::{Server, wait_until};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::Scale;
use crate::data::Data;
use crate::load::{Client, open, request};
use crate::platform::Platform;
use crate::report::{Line, Report};
use crate::stats::quantile;

const PER_SECOND: u32 = 500;
const BEFORE: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(120);
const APPLIED: &str = "select count(*) from notifications where type = 'nda_rejected'";

pub async fn measure(platform: &mut Platform, data: &Data, scale: Scale, report: &mut Report) {
    report.section("The broker is killed under load");
    data.admin.batch_execute("drop trigger if exists bench_seen on notifications").await.unwrap();
    let rounds = if scale.pairs > 2 { 3 } else { 1 };
    let (mut seconds, mut latencies, mut statuses) = (Vec::new(), Vec::new(), BTreeMap::<u16, usize>::new());
    for _ in 0..rounds {
        let gateway = Client::new(platform.address(Service::Gateway));
        let commands = {
            let data = data.clone();
            tokio::spawn(async move {
                open(PER_SECOND, BEFORE * 4, move |_| {
                    let (owner, nda) = data.next_answer();
                    let path = format!("/api/ndas/{nda}/reject");
                    let request =
                        request(Method::POST, &path, Some(&owner.token), r#"{"reason":"Not now."}"#);
                    let gateway = gateway.clone();
                    Box::pin(async move {
                        let begun = Instant::now();
                        let answer = gateway.send(request).await;
                        (answer.status, begun.elapsed())
                    })
                })
                .await
            })
        };
        sleep(BEFORE).await;
        platform.servers.kill(Server::RabbitMq).await;
        // What had been delivered is committed, or is not.
        sleep(Duration::from_secs(1)).await;
        seconds.push(first_effect(platform, data).await);
        for (status, took) in commands.await.unwrap() {
            *statuses.entry(status).or_default() += 1;
            latencies.push(took.as_secs_f64() * 1000.0);
        }
    }
    wait_until("the outbox to be empty", LIMIT, async || {
        data.number("select count(*) from outbox").await == 0
    })
    .await;
    let changed = "select count(*) from ndas where status = 'rejected'";
    let _ = tokio::time::timeout(Duration::from_secs(30), async {
        while data.number(APPLIED).await < data.number(changed).await {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let lost = data.number(
        "select count(*) from ndas left join (select (data ->> 'ndaId')::integer as nda from notifications where type = 'nda_rejected') told on nda = id
         where status = 'rejected' and nda is null",
    );
    let doubled = data.number(
        "select count(*) from (select from notifications where type = 'nda_rejected' group by data ->> 'ndaId' having count(*) > 1) twice",
    );
    let (lost, doubled) = (lost.await, doubled.await);
    let worst = quantile(&seconds, 1.0);
    let all = seconds.iter().map(|seconds| format!("{seconds:.2}")).collect::<Vec<_>>().join(", ");
    report.line(
        Line::value(
            "from accepting TCP to the first effect, worst round",
            format!("{worst:.2} s (rounds: {all})"),
        )
        .at_most(2.0, worst),
    );
    report.line(
        Line::value("lost", format!("{lost} of {}", data.number(changed).await)).at_most(0.0, lost as f64),
    );
    report.line(Line::value("doubled", doubled.to_string()).at_most(0.0, doubled as f64));
    let sent: usize = statuses.values().sum();
    let answers: Vec<_> = statuses.iter().map(|(status, count)| format!("{count} with {status}")).collect();
    let (p50, p99) = (quantile(&latencies, 0.5), quantile(&latencies, 0.99));
    report.line(Line::value(
        format!("{sent} commands at {PER_SECOND} /s, broker away or not"),
        format!("answered {}; p50 {p50:.1} ms, p99 {p99:.1} ms", answers.join(", ")),
    ));
}

/// Starts the broker, and returns the seconds from when it accepts TCP until a command's effect is there that was not before.
async fn first_effect(platform: &mut Platform, data: &Data) -> f64 {
    let before = data.number(APPLIED).await;
    let address =
        platform.servers.amqp_url().rsplit_once('@').unwrap().1.split(['/', '?']).next().unwrap().to_owned();
    let watch = {
        let data = data.clone();
        tokio::spawn(async move {
            let limit = Instant::now() + LIMIT;
            while TcpStream::connect(&address).await.is_err() {
                assert!(Instant::now() < limit, "the broker does not come back");
                sleep(Duration::from_millis(10)).await;
            }
            let up = Instant::now();
            while data.number(APPLIED).await == before {
                assert!(Instant::now() < limit, "no event is applied");
                sleep(Duration::from_millis(10)).await;
            }
            up.elapsed().as_secs_f64()
        })
    };
    platform.servers.restart(Server::RabbitMq).await;
    watch.await.unwrap()
}
