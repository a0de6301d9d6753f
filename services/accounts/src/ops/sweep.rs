//! Tidying up: nothing depends on it but the size of tables, and how long addresses are kept.

use std::time::Duration;

use chrono::TimeDelta;

use crate::error::Error;
use crate::ops::throttle::WINDOW;
use crate::state::AppState;
use crate::store::{login_attempts, mail_tokens, sessions};

const INTERVAL: Duration = Duration::from_secs(600);
/// How long what has ended is kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Goes on until it is dropped.
pub async fn keep_tidy(state: AppState) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = tidy(&state).await {
            tracing::warn!(%error, "could not tidy up; later");
        }
    }
}

/// Every replica does it; what one has done the next does not find.
async fn tidy(state: &AppState) -> Result<(), Error> {
    let now = state.clock.now();
    let mut connection = state.databases.system.connection().await?;
    login_attempts::sweep(&mut connection, now - WINDOW).await?;
    sessions::sweep(&mut connection, now, now - KEPT).await?;
    mail_tokens::sweep(&mut connection, now - KEPT).await?;
    Ok(())
}
