//! What time does: retention.

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Error;
use crate::ops::throttle::WINDOW;
use crate::state::AppState;
use crate::store::{audit_log, data_requests, login_attempts, mail_tokens, sessions};

/// How long what has ended is kept.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Rows of the audit log in one statement: its locks are short.
const BATCH: i32 = 1_000;

/// Forgets sessions, tokens of mails, refused log-ins and exports that are over. Returns how many rows it touched.
pub async fn forget_ended(state: &AppState, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut connection = state.databases.system.connection().await?;
    let touched = login_attempts::sweep(&mut connection, now - WINDOW).await?
        + sessions::sweep(&mut connection, now, now - KEPT).await?
        + mail_tokens::sweep(&mut connection, now - KEPT, now - TimeDelta::days(1)).await?
        + data_requests::sweep(&mut connection, now).await?;
    Ok(i64::try_from(touched).unwrap_or(i64::MAX))
}

/// Forgets what the audit log need not hold any more. Returns how many rows it touched.
pub async fn purge_audit_log(state: &AppState, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut touched = 0;
    loop {
        let mut connection = state.databases.system.connection().await?;
        let purged = audit_log::purge(&mut connection, now, BATCH).await?;
        touched += purged.addresses_cleared + purged.rows_deleted;
        if purged.addresses_cleared.max(purged.rows_deleted) < i64::from(BATCH) {
            return Ok(touched);
        }
    }
}
