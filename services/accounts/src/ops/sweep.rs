//! Tidying up: nothing depends on it but the size of tables.

use std::time::Duration;

use crate::error::Error;
use crate::ops::throttle::WINDOW;
use crate::state::AppState;
use crate::store::login_attempts;

const INTERVAL: Duration = Duration::from_secs(600);

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

async fn tidy(state: &AppState) -> Result<(), Error> {
    let mut connection = state.databases.system.connection().await?;
    login_attempts::sweep(&mut connection, state.clock.now() - WINDOW).await?;
    Ok(())
}
