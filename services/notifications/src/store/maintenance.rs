//! `maintenance_runs`: which job ran when.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::schema::maintenance_runs as runs;

const SERVICE: &str = "notifications";
/// How long the runs of jobs are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// After which time a run that failed, or of whose end nobody wrote as its process died, is begun again.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// Takes `period` of `job` for this replica. `None` if another has it, or it is done.
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
    let begun = diesel::insert_into(runs::table)
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
        .optional()?;
    if begun.is_some() {
        return Ok(begun);
    }
    let given_up = runs::table
        .filter(runs::service.eq(SERVICE))
        .filter(runs::job.eq(job))
        .filter(runs::period.eq(period))
        .filter(runs::outcome.ne("succeeded"))
        .filter(runs::started_at.lt(now - PATIENCE));
    diesel::update(given_up)
        .set((runs::started_at.eq(now), runs::outcome.eq("running")))
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
