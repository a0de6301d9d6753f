//! Jobs of which one replica does each run.

use crate::error::Error;
use crate::state::AppState;
use crate::store::maintenance;

/// Does `work` as the run of `job` in the period of `seconds` that it is now, unless a replica did. Returns how much it touched.
pub async fn once(
    state: &AppState,
    job: &str,
    seconds: u64,
    work: impl AsyncFnOnce() -> Result<i64, Error>,
) -> Result<Option<i64>, Error> {
    let now = state.clock.now();
    let length = i64::try_from(seconds.max(1)).unwrap_or(i64::MAX);
    let period = (now.timestamp() / length * length).to_string();
    let mut tx = state.databases.system.begin().await?;
    let run = maintenance::begin(&mut tx, job, &period, now).await?;
    tx.commit().await?;
    let Some(run) = run else { return Ok(None) };
    let outcome = work().await;
    let mut tx = state.databases.system.begin().await?;
    let told = outcome.as_ref().copied().map_err(ToString::to_string);
    maintenance::finish(&mut tx, run, told, state.clock.now()).await?;
    tx.commit().await?;
    outcome.map(Some)
}
