//! `maintenance_runs`: which job ran when.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::schema::maintenance_runs as runs;

const SERVICE: &str = "analytics";
/// How long runs are kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Takes `period` of `job` for this replica. `None` if another has it.
pub(crate) async fn begin(
    tx: &mut Tx,
    job: &str,
    period: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    diesel::delete(runs::table.filter(runs::service.eq(SERVICE)).filter(runs::job.eq(job)))
        .filter(runs::started_at.lt(now - KEPT))
        .execute(tx)
        .await?;
    diesel::insert_into(runs::table)
        .values((
            runs::service.eq(SERVICE),
            runs::job.eq(job),
            runs::period.eq(period),
            runs::started_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(runs::id)
        .get_result(tx)
        .await
        .optional()
}

/// Notes how the run ended.
pub(crate) async fn finish(
    tx: &mut Tx,
    run: i64,
    outcome: Result<i64, String>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let (word, rows, error) = match outcome {
        Ok(rows) => ("succeeded", Some(rows), None),
        Err(error) => ("failed", None, Some(error)),
    };
    diesel::update(runs::table.find(run))
        .set((
            runs::finished_at.eq(now),
            runs::outcome.eq(word),
            runs::rows_affected.eq(rows),
            runs::error.eq(error),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// A job's latest run.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct Run {
    pub(crate) job: String,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) outcome: String,
    pub(crate) rows_affected: Option<i64>,
}

/// The latest run of each job of this service.
pub(crate) async fn latest(tx: &mut Tx) -> QueryResult<Vec<Run>> {
    runs::table
        .filter(runs::service.eq(SERVICE))
        .distinct_on(runs::job)
        .order((runs::job, runs::started_at.desc()))
        .select((runs::job, runs::started_at, runs::finished_at, runs::outcome, runs::rows_affected))
        .load(tx)
        .await
}
