//! Tidying up: retention, and the accounts whose grace is over.

use std::time::Duration;

use chrono::TimeDelta;

use super::closing;
use crate::error::Error;
use crate::ops::throttle::WINDOW;
use crate::state::AppState;
use crate::store::{audit_log, data_requests, login_attempts, mail_tokens, sessions};

const INTERVAL: Duration = Duration::from_secs(600);
/// How long what has ended is kept.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Rows of the audit log in one statement: its locks are short.
const BATCH: i32 = 1_000;

/// Goes on until it is dropped.
pub async fn keep_tidy(state: AppState) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        for (what, result) in [
            ("accounts", closing::anonymise_overdue(&state).await.map(|_| ())),
            ("sessions and tokens", tidy(&state).await),
            ("audit log", purge_audit_log(&state).await),
        ] {
            if let Err(error) = result {
                tracing::warn!(%error, what, "could not tidy up; later");
            }
        }
    }
}

/// Every replica does it; what one has done the next does not find.
async fn tidy(state: &AppState) -> Result<(), Error> {
    let now = state.clock.now();
    let mut connection = state.databases.system.connection().await?;
    login_attempts::sweep(&mut connection, now - WINDOW).await?;
    sessions::sweep(&mut connection, now, now - KEPT).await?;
    mail_tokens::sweep(&mut connection, now - KEPT, now - TimeDelta::days(1)).await?;
    data_requests::sweep(&mut connection, now).await?;
    Ok(())
}

async fn purge_audit_log(state: &AppState) -> Result<(), Error> {
    loop {
        let mut connection = state.databases.system.connection().await?;
        if !audit_log::purge(&mut connection, state.clock.now(), BATCH).await? {
            return Ok(());
        }
    }
}
