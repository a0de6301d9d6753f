//! `maintenance_runs`: which job ran when, and who may run it now.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use maintenance_runs as runs;

diesel::table! {
    maintenance_runs (id) {
        id -> Int8,
        service -> Text,
        job -> Text,
        period -> Nullable<Text>,
        started_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        outcome -> VarChar,
        rows_affected -> Nullable<Int8>,
        error -> Nullable<Text>,
        alive_at -> Nullable<Timestamptz>,
        by_hand -> Bool,
    }
}

/// A run that did not say for so long that it lives has died.
pub(crate) const SILENCE: TimeDelta = TimeDelta::minutes(1);
/// After which time a run that failed is done again.
const RETRY: TimeDelta = TimeDelta::minutes(10);

pub(crate) const REQUESTED: &str = "requested";
pub(crate) const RUNNING: &str = "running";
pub(crate) const SUCCEEDED: &str = "succeeded";
pub(crate) const FAILED: &str = "failed";

/// Whose job it is, and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
}

/// The right to do a run. Lost when somebody else has taken it over: the row then began at another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct Claim {
    id: i64,
    started_at: DateTime<Utc>,
}

/// Whether a run may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is this process's to do.
    Ours(Claim),
    /// This process does what one that died has begun.
    TakenOver(Claim),
    /// Nothing is left to do in this period.
    Done,
    /// A run of the job is under way, of this or another period.
    Running,
    /// It failed a moment ago; it is done again later.
    FailedLately,
}

type Living =
    diesel::dsl::And<diesel::dsl::Eq<runs::outcome, &'static str>, diesel::dsl::GtEq<Heard, DateTime<Utc>>>;
diesel::define_sql_function! {
    /// The first that is not NULL.
    fn coalesce(x: diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>, y: diesel::sql_types::Timestamptz) -> diesel::sql_types::Timestamptz;
}
type Heard = coalesce<runs::alive_at, runs::started_at>;

/// Runs whose process has been heard of lately. (Programs of before `alive_at` do not write it.)
fn living(now: DateTime<Utc>) -> Living {
    runs::outcome.eq(RUNNING).and(coalesce(runs::alive_at, runs::started_at).ge(now - SILENCE))
}

/// Begins the run of `job` for `period`, if it is not done and nobody does it. Forgets runs from before `forget`.
pub(crate) async fn begin(
    tx: &mut Tx,
    job: Job<'_>,
    period: &str,
    now: DateTime<Utc>,
    forget: DateTime<Utc>,
) -> QueryResult<Begun> {
    lock(tx, job);
    // Locked: who ends a run does not ask for the job's lock, and a run that ended after this look and before the next would seem to have died.
    let found: Option<(String, Option<DateTime<Utc>>)> = of(job)
        .filter(runs::period.eq(period))
        .select((runs::outcome, runs::finished_at))
        .for_update()
        .first(tx)
        .await
        .optional()?;
    let taken_over = match &found {
        Some((outcome, _)) if outcome == SUCCEEDED => return Ok(Begun::Done),
        Some((outcome, finished_at)) if outcome == FAILED => {
            if finished_at.is_some_and(|at| at > now - RETRY) {
                return Ok(Begun::FailedLately);
            }
            false
        }
        Some(_) => true,
        None => false,
    };
    if is_running(tx, job, now).await? {
        return Ok(Begun::Running);
    }
    diesel::delete(of(job).filter(runs::started_at.lt(forget))).execute(tx).await?;
    bury(tx, job, period, now).await?;
    let claim = diesel::insert_into(runs::table)
        .values((
            runs::service.eq(job.service),
            runs::job.eq(job.name),
            runs::period.eq(period),
            runs::started_at.eq(now),
            runs::alive_at.eq(now),
        ))
        .on_conflict((runs::service, runs::job, runs::period))
        .do_update()
        .set((
            runs::started_at.eq(now),
            runs::alive_at.eq(now),
            runs::finished_at.eq(None::<DateTime<Utc>>),
            runs::outcome.eq(RUNNING),
            runs::error.eq(None::<String>),
        ))
        .returning((runs::id, runs::started_at))
        .get_result(tx)
        .await?;
    Ok(if taken_over { Begun::TakenOver(claim) } else { Begun::Ours(claim) })
}

/// Begins a run that an operator has asked for, or one of those whose process died, of the jobs `names` of `service`.
pub(crate) async fn begin_asked(
    tx: &mut Tx,
    service: &str,
    names: &[&str],
    now: DateTime<Utc>,
) -> QueryResult<Option<(String, Claim)>> {
    let waiting: Vec<(i64, String)> = runs::table
        .filter(runs::service.eq(service))
        .filter(runs::by_hand)
        .filter(runs::outcome.eq(REQUESTED).or(runs::outcome.eq(RUNNING)))
        .filter(diesel::dsl::not(living(now)))
        .filter(runs::job.eq_any(names))
        .order(runs::id)
        .select((runs::id, runs::job))
        .load(tx)
        .await?;
    for (id, name) in waiting {
        let job = Job { service, name: &name };
        lock(tx, job);
        if is_running(tx, job, now).await? {
            continue;
        }
        let still = runs::table.find(id).filter(runs::outcome.eq(REQUESTED).or(runs::outcome.eq(RUNNING)));
        let claim = diesel::update(still)
            .set((runs::started_at.eq(now), runs::alive_at.eq(now), runs::outcome.eq(RUNNING)))
            .returning((runs::id, runs::started_at))
            .get_result(tx)
            .await
            .optional()?;
        if let Some(claim) = claim {
            return Ok(Some((name, claim)));
        }
    }
    Ok(None)
}

/// Says that the run lives. False if it is somebody else's now.
pub(crate) async fn renew(tx: &mut Tx, claim: Claim, now: DateTime<Utc>) -> QueryResult<bool> {
    let renewed = diesel::update(claimed(claim)).set(runs::alive_at.eq(now)).execute(tx).await?;
    Ok(renewed == 1)
}

/// Notes how the run ended. False if it is somebody else's now.
pub(crate) async fn finish(
    tx: &mut Tx,
    claim: Claim,
    outcome: Result<i64, &str>,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let word = if outcome.is_ok() { SUCCEEDED } else { FAILED };
    let noted = diesel::update(claimed(claim))
        .set((
            runs::finished_at.eq(now),
            runs::outcome.eq(word),
            runs::rows_affected.eq(outcome.ok()),
            runs::error.eq(outcome.err()),
        ))
        .execute(tx)
        .await?;
    Ok(noted == 1)
}

/// Of each job of `service`: when it last succeeded, and whether its last run failed.
pub(crate) async fn standing(
    tx: &mut Tx,
    service: &str,
) -> QueryResult<Vec<(String, Option<DateTime<Utc>>, bool)>> {
    let ended = runs::table.filter(runs::service.eq(service)).filter(runs::finished_at.is_not_null());
    let last: Vec<(String, String)> = ended
        .distinct_on(runs::job)
        .order((runs::job, runs::finished_at.desc()))
        .select((runs::job, runs::outcome))
        .load(tx)
        .await?;
    let succeeded: Vec<(String, Option<DateTime<Utc>>)> = ended
        .filter(runs::outcome.eq(SUCCEEDED))
        .group_by(runs::job)
        .select((runs::job, diesel::dsl::max(runs::finished_at)))
        .load(tx)
        .await?;
    let when = |job: &str| succeeded.iter().find(|(name, _)| name == job).and_then(|(_, at)| *at);
    Ok(last
        .into_iter()
        .map(|(job, outcome)| {
            let succeeded_at = when(&job);
            (job, succeeded_at, outcome == FAILED)
        })
        .collect())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of<'a>(job: Job<'a>) -> _ {
    let service: &'a str = job.service;
    let name: &'a str = job.name;
    runs::table.filter(runs::service.eq(service)).filter(runs::job.eq(name))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn claimed(claim: Claim) -> _ {
    let id: i64 = claim.id;
    let started_at: DateTime<Utc> = claim.started_at;
    let running: &'static str = RUNNING;
    runs::table.find(id).filter(runs::outcome.eq(running)).filter(runs::started_at.eq(started_at))
}

/// Until the end of the transaction nobody else begins a run of the job.
fn lock(tx: &mut Tx, job: Job<'_>) {
    tx.lock(&format!("pitchey/jobs/{}/{}", job.service, job.name));
}

async fn is_running(tx: &mut Tx, job: Job<'_>, now: DateTime<Utc>) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(of(job).filter(living(now)))).get_result(tx).await
}

/// Notes of runs of other periods that they died: nobody takes them over any more.
async fn bury(tx: &mut Tx, job: Job<'_>, period: &str, now: DateTime<Utc>) -> QueryResult<()> {
    let dead = of(job)
        .filter(runs::outcome.eq(RUNNING))
        .filter(runs::by_hand.eq(false))
        .filter(runs::period.ne(period));
    diesel::update(dead)
        .set((
            runs::outcome.eq(FAILED),
            runs::finished_at.eq(now),
            runs::error.eq("its process died, and its period was over before anybody took it over"),
        ))
        .execute(tx)
        .await?;
    Ok(())
}
