//! What is played, in order.

use std::time::{Duration, Instant};

use crate::http::Http;
use crate::load::Load;
use crate::stack::Stack;
use crate::tally::{Allowed, Tally};
use crate::{Arguments, Result};

mod books;
mod replicas;
mod servers;
mod start;

/// How long anything may take that has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the load is watched after something happened: names are resolved every two seconds.
const AFTERMATH: Duration = Duration::from_secs(4);

pub async fn all(stack: &Stack, arguments: &Arguments) -> Result<()> {
    let http = Http::new(&stack.gateway)?;
    stack.remove().await?;
    chapter("Images");
    if !arguments.no_build {
        start::build(stack).await?;
    }
    start::images(stack, arguments.image_megabytes).await?;

    chapter("Start");
    let limit = Duration::from_secs(arguments.answers_within);
    start::for_the_first_time(stack, &http, limit).await?;
    start::without_a_broker(stack, &http, limit).await?;
    start::the_broker_comes_later(stack, &http).await?;
    start::demo_data(stack).await?;
    start::the_flow(stack).await?;

    let load = start::load(stack, &http).await?;
    chapter("Replicas, under load");
    replicas::scale_up(stack, &load).await?;
    replicas::crash(stack, &load).await?;
    replicas::scale_down(stack, &http, &load).await?;
    replicas::roll(stack, &load).await?;
    replicas::replace_the_gateway(stack, &http, &load).await?;

    chapter("Servers, under load");
    servers::crash_rabbitmq(stack, &http, &load).await?;
    servers::crash_postgres(stack, &http, &load).await?;

    chapter("At the end");
    books::balance(stack, load).await?;
    start::the_flow(stack).await
}

fn chapter(title: &str) {
    println!("\n{title}");
}

fn told(what: &str, text: &str) {
    println!("  {what:<34} {text}");
}

/// Does something while people work, and prints what they had of it.
async fn under(
    load: &Load,
    what: &str,
    allowed: Allowed,
    act: impl Future<Output = Result<String>>,
) -> Result<Tally> {
    load.begin();
    let begun = Instant::now();
    let said = act.await.map_err(|failure| format!("{what}: {failure}"))?;
    told(what, &format!("{said} ({:.1} s)", begun.elapsed().as_secs_f64()));
    let tally = load.look(AFTERMATH).await;
    told("", &tally.judge(allowed).map_err(|failure| format!("{what}: {failure}"))?);
    Ok(tally)
}
