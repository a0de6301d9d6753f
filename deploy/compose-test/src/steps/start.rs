//! Images, first starts, and one NDA from registration to revocation.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::{PATIENCE, told};
use crate::http::{Http, Request};
use crate::load::Load;
use crate::stack::{SERVICES, Stack};
use crate::{Result, until};

/// People of the load.
const PEOPLE: &str = "40";

pub async fn build(stack: &Stack) -> Result<()> {
    let begun = Instant::now();
    stack.compose(&["build", "--quiet"]).await?;
    told("built", &format!("{} s", begun.elapsed().as_secs()));
    Ok(())
}

/// What each image adds to its base.
pub async fn images(stack: &Stack, allowed: u64) -> Result<()> {
    let mut told_sizes = Vec::new();
    for program in SERVICES.iter().chain(&["gateway", "ctl"]) {
        let image = stack.image(program);
        let layers = stack
            .docker(&["history", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", &image])
            .await?;
        let own: u64 = layers
            .lines()
            .filter_map(|line| line.split_once('\t'))
            // The layers of deploy/Dockerfile; those below are the base's.
            .take_while(|(_, by)| !by.contains("CMD") && !by.is_empty())
            .filter_map(|(size, _)| size.parse::<u64>().ok())
            .sum();
        let megabytes = own.div_ceil(1_000_000);
        told_sizes.push(format!("{program} {megabytes}"));
        if megabytes > allowed {
            return Err(format!("{image} adds {megabytes} MB to its base; {allowed} are allowed").into());
        }
    }
    told("MB above the base image", &told_sizes.join(", "));
    Ok(())
}

/// From nothing: servers without data, every migration.
pub async fn for_the_first_time(stack: &Stack, http: &Http, limit: Duration) -> Result<()> {
    up(stack, http, "up, everything new", &[], limit).await
}

pub async fn without_a_broker(stack: &Stack, http: &Http, limit: Duration) -> Result<()> {
    stack.compose(&["down"]).await?;
    up(stack, http, "up, without RabbitMQ", &["--scale", "rabbitmq=0"], limit).await?;
    match http.health().await {
        Some(health) if health["broker"] == "disconnected" => Ok(()),
        health => Err(format!("there is no broker, but /health says {health:?}").into()),
    }
}

pub async fn the_broker_comes_later(stack: &Stack, http: &Http) -> Result<()> {
    stack.compose(&["up", "--detach"]).await?;
    let took = until("every service to have the broker", PATIENCE, async || has_broker(http).await).await?;
    told("RabbitMQ comes later", &format!("connected {} ms after its container started", took.as_millis()));
    Ok(())
}

/// Whether the gateway and all services are connected to it.
pub async fn has_broker(http: &Http) -> bool {
    http.health().await.is_some_and(|health| health["broker"] == "connected")
}

/// `up`, and how long it takes until the published port answers that everything can be served.
async fn up(stack: &Stack, http: &Http, what: &str, more: &[&str], limit: Duration) -> Result<()> {
    let arguments = [&["up", "--detach"], more].concat();
    let begun = Instant::now();
    let answers =
        until("the gateway to answer that all is well", PATIENCE, async || http.health().await.is_some());
    let (started, answered) = tokio::join!(stack.compose(&arguments), answers);
    let (_, took) = (started?, answered?);
    told(
        what,
        &format!(
            "answers after {:.1} s; compose returned after {:.1} s",
            took.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        ),
    );
    if took > limit {
        return Err(format!("{what}: {took:?} instead of {limit:?}").into());
    }
    Ok(())
}

/// `ctl demo`, through the published port.
pub async fn the_flow(stack: &Stack) -> Result<()> {
    let begun = Instant::now();
    let story = stack.ctl_outside(&["demo", "--gateway", &stack.gateway]).await?;
    let requests =
        story.lines().filter(|line| line.contains(" /api/") && line.trim_end().ends_with("ms")).count();
    let events = story.lines().filter(|line| line.trim_start().starts_with("event ")).count();
    if !story.contains("Everything happened as it should") {
        return Err(format!("ctl demo did not end well:\n{story}").into());
    }
    told(
        "the story of one NDA",
        &format!("{requests} requests, {events} events, {:.1} s", begun.elapsed().as_secs_f64()),
    );
    Ok(())
}

/// What people can look at.
pub async fn demo_data(stack: &Stack) -> Result<()> {
    stack.ctl(&["seed"]).await.map(drop)
}

/// People with sessions, and a pitch to comment on.
pub async fn load(stack: &Stack, http: &Http) -> Result<Load> {
    let tokens = stack.ctl(&["load-sessions", "--count", PEOPLE]).await?;
    let tokens: Vec<String> = tokens
        .lines()
        .filter(|line| line.starts_with("pitchey_at_"))
        .map(|line| line.trim().to_owned())
        .collect();
    let Some(token) = tokens.first() else { return Err("ctl load-sessions made nobody".into()) };
    let path = "/api/pitches/public?limit=1";
    let listed = http.send(&Request { method: Method::GET, path, token: Some(token), write: None }).await?;
    let listed: Value = listed.json().await?;
    let pitch = listed["data"][0]["id"].as_i64().ok_or_else(|| format!("there is no pitch: {listed}"))?;
    Ok(Load::start(http.clone(), tokens, pitch))
}
