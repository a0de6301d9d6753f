//! What is measured, in this order.

mod commands;
mod consumer;
mod end_to_end;
mod gateway;
mod processes;
mod reads;
mod recovery;
mod relay;

use std::time::Duration;

use clap::ValueEnum;
use pitchey_testkit::wait_until;

use crate::Scale;
use crate::data::Data;
use crate::platform::Platform;
use crate::report::Report;

/// A row, or a few that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// Start-up time and idle memory; with the others, memory after load.
    Processes,
    /// What a request costs on its way through the gateway.
    Gateway,
    /// Reading pitches through the gateway.
    Reads,
    /// Creating pitches, asking for NDAs.
    Commands,
    /// From the outbox to the broker.
    Relay,
    /// From the broker to an effect.
    Consumer,
    /// From a command's answer to its effect.
    EndToEnd,
    /// The broker killed under load.
    Recovery,
}

/// Of messaging, which takes what notifications tells.
const MESSAGING: &str = "pitchey.messaging";

/// What a row leaves behind is not to be the next one's load: events are waited for, mails are not.
async fn settle(platform: &Platform, data: &Data) {
    let broker = platform.servers.broker();
    wait_until("the events of a row to be handled", Duration::from_secs(180), async || {
        broker.depth(consumer::QUEUE).await == 0
            && broker.depth(MESSAGING).await == 0
            && data.number("select count(*) from outbox").await == 0
    })
    .await;
    data.admin.batch_execute("truncate email_requests, email_queue cascade").await.unwrap();
}

/// Waits until every event has reached the broker.
async fn published(data: &Data) {
    wait_until("the outbox to be empty", Duration::from_secs(60), async || {
        data.number("select count(*) from outbox").await == 0
    })
    .await;
}

/// Measures `wanted`.
pub async fn measure(wanted: &[Row], scale: Scale, report: &mut Report, keep: bool) {
    let mut platform = Platform::prepare().await;
    if wanted.contains(&Row::Relay) {
        relay::measure(&platform.servers, scale, report).await;
    }
    if wanted.iter().any(|row| *row != Row::Relay) {
        let mut memory =
            processes::start(&mut platform, scale, report, wanted.contains(&Row::Processes)).await;
        let data = Data::make(&platform).await;
        for row in wanted {
            match row {
                Row::Processes | Row::Relay => {}
                Row::Gateway => gateway::measure(&platform, &data, scale, report).await,
                Row::Reads => reads::measure(&platform, &data, scale, report).await,
                Row::Commands => commands::measure(&mut platform, &data, scale, report).await,
                Row::Consumer => consumer::measure(&mut platform, &data, scale, report).await,
                Row::EndToEnd => end_to_end::measure(&platform, &data, scale, report).await,
                Row::Recovery => recovery::measure(&mut platform, &data, scale, report).await,
            }
            memory.look(&platform);
            settle(&platform, &data).await;
        }
        if wanted.contains(&Row::Processes) {
            memory.tell(report);
        }
    }
    if keep {
        println!("{}\n{}\npress Enter", platform.servers.database_url(), platform.servers.amqp_url());
        let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await;
    }
}
