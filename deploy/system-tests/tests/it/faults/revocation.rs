//! A revocation is seen by every replica within a second, whatever else is broken: never a stale yes.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use pitchey_events::Service::{Accounts, Pitches};
use pitchey_system_tests::{Person, Platform, SOON, wait_for, wait_until};
use pitchey_testkit::{Server, Servers};
use serde_json::json;

use crate::world::{Cast, Given, World, draft};

const SECOND: Duration = Duration::from_secs(1);
/// How long after the second it is looked whether a yes comes back.
const LOOK: Duration = Duration::from_secs(2);

async fn two_replicas_each(servers: &Servers) -> Platform {
    // A replica that stands still is given up soon, so that the test is; and who asks without a pause is not held back.
    let builder = Platform::builder().replicas(Accounts, 2).replicas(Pitches, 2);
    let builder = builder.set("GATEWAY_TIMEOUTS__ANSWER_MS", "1500").set("GATEWAY_LIMITS__GENERAL", "100000");
    builder.start_with(servers).await
}

/// Asks `path` with `person`'s token, many at once so that every replica is asked. Statuses and bodies; 0 where the answer took too long.
async fn ask(platform: &Platform, person: &Person, path: &str) -> Vec<(u16, String)> {
    let client = pitchey_testkit::http().timeout(4 * SECOND).build().expect("a client");
    let url = format!("http://{}{path}", platform.gateway_address());
    join_all((0..8).map(|_| async {
        match client.get(&url).bearer_auth(&person.token).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap_or_default()),
            Err(_) => (0, String::new()),
        }
    }))
    .await
}

fn secret() -> String {
    draft()["longSynopsis"].as_str().unwrap().to_owned()
}

/// Repeats until it is done, as clients do.
async fn until_done(platform: &Platform, person: &Person, path: &str) {
    let client = pitchey_testkit::http().timeout(4 * SECOND).build().expect("a client");
    let url = format!("http://{}{path}", platform.gateway_address());
    wait_until(&format!("{path} to be done"), 3 * SOON, async || {
        let body = json!({ "reason": "Sold." });
        let answer = client.post(&url).bearer_auth(&person.token).json(&body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
}

/// A second after now, and for a while, nobody sees the protected part, and somebody sees the public one.
async fn nobody_sees_the_secret(platform: &Platform, person: &Person, world: World, since: Instant) {
    let path = format!("/api/pitches/{}", world.pitch);
    tokio::time::sleep_until((since + SECOND).into()).await;
    let mut answered = 0;
    while since.elapsed() < SECOND + LOOK || answered == 0 {
        for (status, body) in ask(platform, person, &path).await {
            assert!(!body.contains(&secret()), "a stale yes after {:?}: {status} {body}", since.elapsed());
            answered += usize::from(status == 200);
        }
        assert!(since.elapsed() < 6 * SOON, "no answer at all");
    }
}

/// A second after now, and for a while, the session is refused.
async fn nobody_is_logged_in(platform: &Platform, person: &Person, since: Instant) {
    tokio::time::sleep_until((since + SECOND).into()).await;
    let mut refused = 0;
    while since.elapsed() < SECOND + LOOK || refused == 0 {
        for (status, body) in ask(platform, person, "/api/user/profile").await {
            assert_ne!(status, 200, "a stale yes after {:?}: {body}", since.elapsed());
            refused += usize::from(status == 401);
        }
        assert!(since.elapsed() < 6 * SOON, "no answer at all");
    }
}

/// Both replicas of pitches have read this pitch.
async fn both_have_it(platform: &Platform, person: &Person, world: World) {
    let path = format!("/api/pitches/{}", world.pitch);
    wait_until("both replicas to serve it", SOON, async || {
        ask(platform, person, &path).await;
        let mut served = 0;
        for replica in platform.replicas_of(Pitches) {
            let metrics = pitchey_testkit::http()
                .build()
                .unwrap()
                .get(format!("http://{}/metrics", replica.address()))
                .send()
                .await
                .unwrap();
            let metrics = metrics.text().await.unwrap();
            let count = metrics.lines().find(|line| {
                line.starts_with("http_request_seconds_count")
                    && line.contains(r#"route="/api/pitches/{id}""#)
            });
            served += usize::from(count.is_some());
        }
        served == 2
    })
    .await;
}

/// The number of the replica that publishes this service's events.
async fn leader(platform: &Platform, service: pitchey_events::Service) -> usize {
    wait_for("a leader", SOON, async || {
        platform
            .replicas_of(service)
            .iter()
            .position(|replica| replica.log().contains("publishes this service's events"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_nda_is_refused_by_both_replicas_also_without_relay_and_broker() {
    let mut servers = Servers::start().await;
    let platform = two_replicas_each(&servers).await;
    let cast = Cast::assemble(&platform).await;

    // Everything works.
    let world = World::build(&platform, &cast, Given::Signed).await;
    both_have_it(&platform, &cast.requester, world).await;
    until_done(&platform, &cast.owner, &format!("/api/ndas/{}/revoke", world.nda)).await;
    nobody_sees_the_secret(&platform, &cast.requester, world, Instant::now()).await;

    // The leader of the relay stands still.
    let world = World::build(&platform, &cast, Given::Signed).await;
    both_have_it(&platform, &cast.requester, world).await;
    let number = leader(&platform, Pitches).await;
    platform.replica(Pitches, number).stop();
    until_done(&platform, &cast.owner, &format!("/api/ndas/{}/revoke", world.nda)).await;
    nobody_sees_the_secret(&platform, &cast.requester, world, Instant::now()).await;
    platform.replica(Pitches, number).cont();
    nobody_sees_the_secret(&platform, &cast.requester, world, Instant::now()).await;

    // The broker is dead.
    platform.wait_until_healthy().await;
    let world = World::build(&platform, &cast, Given::Signed).await;
    both_have_it(&platform, &cast.requester, world).await;
    servers.kill(Server::RabbitMq).await;
    until_done(&platform, &cast.owner, &format!("/api/ndas/{}/revoke", world.nda)).await;
    nobody_sees_the_secret(&platform, &cast.requester, world, Instant::now()).await;
    servers.restart(Server::RabbitMq).await;
    platform.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_is_refused_everywhere_also_without_relay_and_broker() {
    let mut servers = Servers::start().await;
    let platform = two_replicas_each(&servers).await;
    let person = platform.person("investor").await;
    let fresh = async |platform: &Platform| {
        let session = platform.log_in(&person.email).await;
        for (status, body) in ask(platform, &session, "/api/user/profile").await {
            assert_eq!(status, 200, "{body}");
        }
        session
    };

    // Everything works.
    let session = fresh(&platform).await;
    until_done(&platform, &session, "/api/auth/logout").await;
    nobody_is_logged_in(&platform, &session, Instant::now()).await;

    // The leader of the relay stands still. Revoked in the database, so that no event is ever told: the memory's age alone must do.
    let session = fresh(&platform).await;
    let number = leader(&platform, Accounts).await;
    platform.replica(Accounts, number).stop();
    let sql = format!(
        "UPDATE sessions SET ended_at = now(), end_reason = 'revoked' WHERE ended_at IS NULL AND user_id = {}",
        person.id
    );
    platform.db.admin().await.batch_execute(&sql).await.unwrap();
    nobody_is_logged_in(&platform, &session, Instant::now()).await;
    platform.replica(Accounts, number).cont();
    nobody_is_logged_in(&platform, &session, Instant::now()).await;

    // The broker is dead.
    platform.wait_until_healthy().await;
    let session = fresh(&platform).await;
    servers.kill(Server::RabbitMq).await;
    until_done(&platform, &session, "/api/auth/logout").await;
    nobody_is_logged_in(&platform, &session, Instant::now()).await;
    servers.restart(Server::RabbitMq).await;
    platform.settled().await;
}
