//! Replicas come, die, are replaced and go, and nobody who reads notices.

use std::time::Duration;

use super::{AFTERMATH, PATIENCE, told, under};
use crate::http::Http;
use crate::load::Load;
use crate::stack::{SERVICES, Stack};
use crate::tally::{Allowed, ms};
use crate::{Result, until};

const MESSAGING: usize = 3;
const PITCHES: usize = 2;
/// How long a published port may be without a gateway.
const GATEWAY_AWAY: Duration = Duration::from_secs(15);
/// How long a replica that went may be counted.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(5);

pub async fn scale_up(stack: &Stack, load: &Load) -> Result<()> {
    under(load, "scale: messaging 3, pitches 2", Allowed::Nothing, async {
        let (messaging, pitches) = (format!("messaging={MESSAGING}"), format!("pitches={PITCHES}"));
        stack.compose(&["up", "--detach", "--scale", &messaging, "--scale", &pitches]).await?;
        healthy(stack, "messaging", MESSAGING).await?;
        healthy(stack, "pitches", PITCHES).await?;
        Ok("healthy".to_owned())
    })
    .await?;
    for service in ["messaging", "pitches"] {
        let before = served(stack, service).await?;
        tokio::time::sleep(AFTERMATH).await;
        let after = served(stack, service).await?;
        let shares: Vec<u64> =
            after.iter().zip(&before).map(|(after, before)| after.saturating_sub(*before)).collect();
        told("", &format!("requests by replica of {service} in {} s: {shares:?}", AFTERMATH.as_secs()));
        // The least busy is next, and equals take turns: nobody idles while others work.
        let (least, most) = (shares.iter().min(), shares.iter().max());
        if least.zip(most).is_none_or(|(least, most)| least * 4 < *most) {
            return Err(format!("{service}: {shares:?} is no balance").into());
        }
    }
    Ok(())
}

pub async fn crash(stack: &Stack, load: &Load) -> Result<()> {
    for service in ["pitches", "messaging"] {
        let count = stack.replicas(service).await?.len();
        let victim = stack.replicas(service).await?.remove(0);
        let before = stack.restarts(&victim).await?;
        under(load, &format!("kill -9 of a replica of {service}"), Allowed::RepeatedWrites, async {
            stack.crash(&victim).await?;
            let took = until("Docker to start it again", PATIENCE, async || {
                stack.restarts(&victim).await.is_ok_and(|restarts| restarts > before)
                    && stack.is_healthy(service, count).await
            });
            Ok(format!("started again by Docker, healthy after {}", ms(took.await?)))
        })
        .await?;
    }
    Ok(())
}

pub async fn scale_down(stack: &Stack, http: &Http, load: &Load) -> Result<()> {
    under(load, "scale: messaging 1, pitches 1", Allowed::RepeatedWrites, async {
        stack.compose(&["up", "--detach", "--scale", "messaging=1", "--scale", "pitches=1"]).await?;
        let forgotten = until("the gateway to forget who went", FORGOTTEN_WITHIN, async || {
            let Some(health) = http.health().await else { return false };
            ["messaging", "pitches"].iter().all(|service| health["services"][service] == "healthy")
        });
        Ok(format!("those that went are forgotten after {}", ms(forgotten.await?)))
    })
    .await?;
    Ok(())
}

/// Each service, as for a new image: deploy/compose/roll.
pub async fn roll(stack: &Stack, load: &Load) -> Result<()> {
    for service in SERVICES {
        let before = stack.replicas(service).await?;
        under(load, &format!("roll {service}"), Allowed::RepeatedWrites, async {
            stack.script("roll", &[service]).await?;
            let after = stack.replicas(service).await?;
            if after.len() != before.len() || after.iter().any(|replica| before.contains(replica)) {
                return Err(format!("{before:?} became {after:?}").into());
            }
            Ok("replaced".to_owned())
        })
        .await?;
    }
    Ok(())
}

/// The one with the published port: clients repeat what comes meanwhile.
pub async fn replace_the_gateway(stack: &Stack, http: &Http, load: &Load) -> Result<()> {
    let replaced = under(load, "roll gateway", Allowed::Repeats, async {
        stack.script("roll", &["gateway"]).await?;
        Ok("replaced".to_owned())
    });
    away("roll gateway", replaced.await?.gap())?;
    let crashed = under(load, "kill -9 of the gateway", Allowed::Repeats, async {
        stack.crash(&stack.only("gateway").await?).await?;
        // The one that died answers no more; the next answer is its successor's.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let took = until("it to answer again", PATIENCE, async || http.health().await.is_some());
        Ok(format!("answers again after {}", ms(took.await?)))
    });
    away("kill -9 of the gateway", crashed.await?.gap())
}

fn away(what: &str, gap: Duration) -> Result<()> {
    told("", &format!("without an answer for {}", ms(gap)));
    if gap > GATEWAY_AWAY { Err(format!("{what}: away for {gap:?}").into()) } else { Ok(()) }
}

async fn healthy(stack: &Stack, service: &str, count: usize) -> Result<Duration> {
    let what = format!("{count} healthy replicas of {service}");
    until(&what, PATIENCE, async || stack.is_healthy(service, count).await).await
}

/// Requests of users that each replica has served, by its own metrics.
async fn served(stack: &Stack, service: &str) -> Result<Vec<u64>> {
    let mut counts = Vec::new();
    for replica in stack.replicas(service).await? {
        let metrics = stack.docker(&["exec", &replica, "/usr/local/bin/pitchey", "ask", "/metrics"]).await?;
        let lines = metrics.lines().filter(|line| line.starts_with("http_request_seconds_count{"));
        let of_users = lines.filter(|line| line.contains("\"/api/"));
        counts.push(of_users.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum());
    }
    Ok(counts)
}
