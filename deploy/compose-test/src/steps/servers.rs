//! RabbitMQ and Postgres die and come back.

use std::time::{Duration, Instant};

use super::start::has_broker;
use super::{PATIENCE, told, under};
use crate::http::Http;
use crate::load::Load;
use crate::stack::Stack;
use crate::tally::{Allowed, ms};
use crate::{Result, until};

const OUTBOX: &str = "select count(*) from outbox";
/// How long people may wait for Postgres after it was killed.
const POSTGRES_AWAY: Duration = Duration::from_secs(30);

/// Nobody notices: events wait in the outbox.
pub async fn crash_rabbitmq(stack: &Stack, http: &Http, load: &Load) -> Result<()> {
    under(load, "kill -9 of RabbitMQ", Allowed::Nothing, async {
        stack.crash(&stack.only("rabbitmq").await?).await?;
        until("somebody to notice", PATIENCE, async || {
            http.health().await.is_some_and(|health| health["broker"] == "disconnected")
        })
        .await?;
        let away = Instant::now();
        let mut waiting = 0;
        while !has_broker(http).await {
            waiting = waiting.max(stack.count(OUTBOX).await?);
            if away.elapsed() > PATIENCE {
                return Err("RabbitMQ did not come back".into());
            }
        }
        if waiting == 0 {
            return Err("no event waited in the outbox: what was tested?".into());
        }
        Ok(format!("away for {:.1} s, {waiting} events waited", away.elapsed().as_secs_f64()))
    })
    .await?;
    let drained = until("the outbox to be empty once", PATIENCE, async || {
        stack.count(OUTBOX).await.is_ok_and(|n| n == 0)
    });
    told("", &format!("outbox empty {} later", ms(drained.await?)));
    Ok(())
}

/// Requests are refused until it is back, and repeated with success.
pub async fn crash_postgres(stack: &Stack, http: &Http, load: &Load) -> Result<()> {
    let tally = under(load, "kill -9 of Postgres", Allowed::Repeats, async {
        stack.crash(&stack.only("postgres").await?).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let took = until("everything to be healthy again", PATIENCE, async || http.health().await.is_some());
        Ok(format!("healthy again after {}", ms(took.await?)))
    });
    let gap = tally.await?.gap();
    told("", &format!("refused for {}", ms(gap)));
    if gap > POSTGRES_AWAY { Err(format!("kill -9 of Postgres: refused for {gap:?}").into()) } else { Ok(()) }
}
