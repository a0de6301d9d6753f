//! Files that belong to nothing: of deleted rows, and of uploads whose process died.

use chrono::TimeDelta;
use futures_util::TryStreamExt;

use crate::error::Error;
use crate::state::AppState;
use crate::store::media;

/// Younger ones may belong to an upload whose row is being written.
const AGE: TimeDelta = TimeDelta::days(1);
/// Keys that are asked for at once.
const BATCH: usize = 500;

/// Removes them. Returns how many.
pub async fn sweep(state: &AppState) -> Result<i64, Error> {
    let mut old = state.files.older_than(state.clock.now() - AGE);
    let mut removed = 0;
    loop {
        let mut keys = Vec::with_capacity(BATCH);
        while keys.len() < BATCH
            && let Some(key) = old.try_next().await?
        {
            keys.push(key);
        }
        if keys.is_empty() {
            return Ok(removed);
        }
        let mut tx = state.databases.system.begin().await?;
        let known = media::known_keys(&mut tx, &keys).await?;
        drop(tx);
        for key in keys.iter().filter(|key| !known.contains(key)) {
            state.files.remove(key).await?;
            removed += 1;
        }
    }
}
