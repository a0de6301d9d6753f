//! Processes and the broker are killed in the middle of load: nothing is lost, nothing happens twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use pitchey_events::Service::{Notifications, Pitches};
use pitchey_system_tests::{Person, Platform, SOON, wait_until};
use pitchey_testkit::{Server, Servers};
use serde_json::{Value, json};

use crate::world::{Cast, Given, World};

const INVESTORS: usize = 5;
const PITCHES: usize = 8;

/// Asks for the NDA until it is there, as clients do: any error is a reason to try again.
async fn request(platform: &Platform, investor: &Person, pitch: i64) -> i64 {
    let client = pitchey_testkit::http().timeout(Duration::from_secs(5)).build().unwrap();
    let url = format!("http://{}/api/ndas/request", platform.gateway_address());
    let id = std::sync::Mutex::new(0);
    wait_until("the request to be answered", 6 * SOON, async || {
        let sending =
            client.post(&url).bearer_auth(&investor.token).json(&json!({ "pitchId": pitch })).send();
        let Ok(answer) = sending.await else { return false };
        if !answer.status().is_success() {
            return false;
        }
        let Ok(body) = answer.json::<Value>().await else { return false };
        *id.lock().unwrap() = body["nda"]["id"].as_i64().unwrap();
        true
    })
    .await;
    id.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_happens_twice_when_processes_and_broker_are_killed() {
    let mut servers = Servers::start().await;
    // The mails of a killed worker are another's after the lease.
    let builder = Platform::builder().set("NOTIFICATIONS_MAIL__LEASE_SECONDS", "8");
    let platform = builder.set("NOTIFICATIONS_MAIL__ATTEMPT_SECONDS", "4").start_with(&servers).await;
    let cast = Cast::assemble(&platform).await;
    let mut investors = Vec::new();
    for _ in 0..INVESTORS {
        investors.push(platform.person("investor").await);
    }
    let mut pitches = Vec::new();
    for _ in 0..PITCHES {
        pitches.push(World::build(&platform, &cast, Given::Published).await.pitch);
    }

    let done = AtomicUsize::new(0);
    let total = INVESTORS * PITCHES;
    let load = join_all(investors.iter().map(|investor| async {
        let mut ids = Vec::new();
        for pitch in &pitches {
            ids.push(request(&platform, investor, *pitch).await);
            done.fetch_add(1, Ordering::Relaxed);
        }
        ids
    }));
    let reached = async |sixths: usize| {
        wait_until("load", 6 * SOON, async || done.load(Ordering::Relaxed) >= sixths * total / 6).await;
    };
    let faults = async {
        for (sixths, service) in [(1, Pitches), (2, Notifications), (3, Pitches)] {
            reached(sixths).await;
            platform.replica(service, 0).kill().await;
            platform.replica(service, 0).start();
        }
        reached(4).await;
        servers.kill(Server::RabbitMq).await;
        reached(5).await;
        servers.restart(Server::RabbitMq).await;
        platform.replica(Notifications, 0).kill().await;
        platform.replica(Notifications, 0).start();
    };
    let (asked, ()) = tokio::join!(load, faults);
    platform.settled().await;

    let mut ids = asked.concat();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), total, "each request has its own NDA");
    let total = i64::try_from(total).unwrap();
    for (what, sql) in [
        ("NDAs", "SELECT count(*) AS count FROM ndas WHERE status = 'pending'"),
        (
            "events",
            "SELECT count(*) AS count FROM system_tests.appended WHERE event_type = 'nda.requested.v1'",
        ),
        ("audited requests", "SELECT count(*) AS count FROM audit_log WHERE action = 'nda.requested'"),
        ("bells", "SELECT count(*) AS count FROM notifications WHERE type = 'nda_requested'"),
    ] {
        assert_eq!(platform.number(sql).await, total, "{what}");
    }
    // A worker addresses and sends them, after the events.
    let mails = "SELECT count(*) AS count FROM email_queue WHERE template = 'nda-requested'";
    wait_until("every mail to be sent", 4 * SOON, async || {
        let sent = format!("{mails} AND status = 'sent'");
        platform.number(&sent).await >= total
            && platform.number("SELECT count(*) AS count FROM email_requests").await == 0
    })
    .await;
    assert_eq!(platform.number(mails).await, total, "mails");
}
