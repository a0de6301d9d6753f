use std::collections::BTreeMap;

use actix_web::get;
use actix_web::web::{Data, Json};
use pitchey_events::Service;
use pitchey_web::{Actor, Refusal, Timestamp, ValidatedQuery};
use serde::Serialize;

use super::Asked;
use crate::error::Error;
use crate::ops::dashboards::Span;
use crate::state::Door;
use crate::store::active_days::{self, Active};
use crate::store::activity::Subject;
use crate::words::Timeframe;

/// How the platform is doing.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Overview {
    timeframe: Timeframe,
    active_users: Active,
    /// What happened in the timeframe, as `nda.requested`: how often. Money is in minor units.
    events: BTreeMap<String, i64>,
    queue: Queue,
    /// The latest run of each job of this service.
    jobs: Vec<Run>,
}

/// How the service that counts stands with the broker.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Queue {
    connected: bool,
    /// The broker's reason for taking nothing now.
    blocked: Option<String>,
    /// Events of this service that wait to be published; null where that can't be told now.
    waiting: Option<u64>,
    /// Age of the oldest of them.
    oldest_seconds: Option<u64>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Run {
    job: String,
    started_at: Timestamp,
    finished_at: Option<Timestamp>,
    /// `requested`, `running`, `succeeded` or `failed`.
    outcome: &'static str,
    rows_affected: Option<i64>,
}

/// How the platform is doing: for admins.
#[utoipa::path(tag = "analytics", params(Asked), responses((status = 200, body = Overview), (status = 401), (status = 403)))]
#[get("/api/analytics/overview")]
pub(super) async fn overview(
    door: Data<Door>,
    actor: Actor,
    ValidatedQuery(asked): ValidatedQuery<Asked>,
) -> Result<Json<Overview>, Error> {
    if !actor.admin {
        return Err(Refusal::Forbidden.into());
    }
    let now = door.clock.now();
    let mut tx = door.databases.user.begin(Some(actor.id)).await?;
    let active_users = active_days::count(&mut tx, now.date_naive()).await?;
    let events = Span::ending(asked.timeframe, now).of(&mut tx, Subject::Platform).await?;
    let runs = pitchey_jobs::latest(&mut tx, Some(Service::Analytics.as_str())).await?;
    tx.commit().await?;
    let jobs = runs.into_iter().map(|run| Run {
        job: run.job,
        started_at: run.started_at.into(),
        finished_at: run.finished_at.map(Timestamp),
        outcome: run.outcome.as_str(),
        rows_affected: run.rows_affected,
    });
    let health = door.bus.health();
    Ok(Json(Overview {
        timeframe: asked.timeframe,
        active_users,
        events: events.all().map(|(action, amount)| (action.to_owned(), amount)).collect(),
        queue: Queue {
            connected: health.connected,
            blocked: health.blocked,
            waiting: health.outbox.map(|outbox| outbox.depth),
            oldest_seconds: health.outbox.map(|outbox| outbox.oldest.as_secs()),
        },
        jobs: jobs.collect(),
    }))
}
