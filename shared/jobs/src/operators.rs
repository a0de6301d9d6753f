//! What operators see of runs, and ask for.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::runs::{FAILED, REQUESTED, RUNNING, SUCCEEDED, maintenance_runs as runs};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Asked for by an operator; nobody has begun.
    Requested,
    /// Under way, unless its process died.
    Running,
    /// Done.
    Succeeded,
    /// Tried.
    Failed,
}

impl Outcome {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => REQUESTED,
            Self::Running => RUNNING,
            Self::Succeeded => SUCCEEDED,
            Self::Failed => FAILED,
        }
    }
}

impl From<String> for Outcome {
    fn from(stored: String) -> Self {
        match stored.as_str() {
            REQUESTED => Self::Requested,
            RUNNING => Self::Running,
            SUCCEEDED => Self::Succeeded,
            // The table has no fifth.
            _ => Self::Failed,
        }
    }
}

/// One run of a job.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = runs, check_for_backend(Pg))]
pub struct Run {
    /// Whose job it is.
    pub service: String,
    /// Its name.
    pub job: String,
    /// For which period; of a run by hand, when it was asked for.
    pub period: Option<String>,
    /// When it began, the last time.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it stands.
    #[diesel(deserialize_as = String)]
    pub outcome: Outcome,
    /// How much it did.
    pub rows_affected: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether an operator asked for it.
    pub by_hand: bool,
}

/// The latest run of each job of `service`, or of everybody.
///
/// # Errors
/// The database's.
pub async fn latest(tx: &mut Tx, service: Option<&str>) -> QueryResult<Vec<Run>> {
    let mut all = runs::table
        .distinct_on((runs::service, runs::job))
        .order((runs::service, runs::job, runs::started_at.desc()))
        .select(Run::as_select())
        .into_boxed();
    if let Some(service) = service {
        all = all.filter(runs::service.eq(service));
    }
    all.load(tx).await
}

/// Asks for a run of `job` of `service`; whoever runs that service does it. Returns what [`answer`] is asked with.
///
/// # Errors
/// The database's.
pub async fn ask(tx: &mut Tx, service: &str, job: &str, now: DateTime<Utc>) -> QueryResult<i64> {
    diesel::insert_into(runs::table)
        .values((
            runs::service.eq(service),
            runs::job.eq(job),
            runs::period.eq(format!("by hand {}", now.to_rfc3339_opts(SecondsFormat::Micros, true))),
            runs::started_at.eq(now),
            runs::outcome.eq(REQUESTED),
            runs::by_hand.eq(true),
        ))
        .returning(runs::id)
        .get_result(tx)
        .await
}

/// How the run stands that was asked for.
///
/// # Errors
/// The database's.
pub async fn answer(tx: &mut Tx, asked: i64) -> QueryResult<Run> {
    runs::table.find(asked).select(Run::as_select()).first(tx).await
}

/// Asks no longer. False if somebody has begun.
///
/// # Errors
/// The database's.
pub async fn withdraw(tx: &mut Tx, asked: i64) -> QueryResult<bool> {
    let unanswered = runs::table.find(asked).filter(runs::outcome.eq(REQUESTED));
    Ok(diesel::delete(unanswered).execute(tx).await? == 1)
}
