//! Tidies NDAs whose time is over. Access does not depend on it: reads compare times themselves.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_db::audit::Origin;

use super::ndas::{end, remind};
use crate::error::Error;
use crate::state::AppState;
use crate::store::ndas;
use crate::words::NdaStatus;

const BATCH: i64 = 100;
/// How long an owner may think before being reminded.
const REMIND_AFTER: TimeDelta = TimeDelta::days(7);
/// How long before its end a requester is told of it.
const WARN_BEFORE: TimeDelta = TimeDelta::days(7);

/// Each kind by itself: what keeps one from ending keeps no other. The run has failed if one has. Returns how many NDAs it touched.
pub async fn sweep(state: &AppState, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut outcome = Ok(0);
    for (kind, result) in [
        ("pending", expire(state, NdaStatus::Pending, now).await),
        ("approved", expire(state, NdaStatus::Approved, now).await),
        ("signed", expire(state, NdaStatus::Signed, now).await),
        ("unanswered", remind_owners(state, now).await),
        ("unsigned", warn_requesters(state, NdaStatus::Approved, now).await),
        ("ending", warn_requesters(state, NdaStatus::Signed, now).await),
    ] {
        if let Err(error) = &result {
            tracing::error!(kind, %error, "NDAs of this kind could not be swept");
        }
        outcome = outcome.and_then(|touched| Ok::<_, Error>(touched + result?));
    }
    outcome
}

/// In batches, each a transaction.
async fn expire(state: &AppState, status: NdaStatus, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut total = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let ids = ndas::overdue(&mut tx, status, now, BATCH).await?;
        let expired = end::expire(&mut tx, &Origin::default(), &ids, status, now).await?;
        tx.commit().await?;
        total += i64::try_from(expired).unwrap_or(0);
        if expired == 0 {
            return Ok(total);
        }
    }
}

async fn remind_owners(state: &AppState, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut total = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let ids = ndas::unanswered(&mut tx, REMIND_AFTER, now, BATCH).await?;
        let reminded = remind::remind_all(&mut tx, &Origin::default(), &ids, now).await?;
        tx.commit().await?;
        total += i64::try_from(reminded).unwrap_or(0);
        if reminded == 0 {
            return Ok(total);
        }
    }
}

async fn warn_requesters(state: &AppState, status: NdaStatus, now: DateTime<Utc>) -> Result<i64, Error> {
    let mut total = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let ids = ndas::ending(&mut tx, status, WARN_BEFORE, now, BATCH).await?;
        let warned = remind::warn_all(&mut tx, &Origin::default(), &ids, status, WARN_BEFORE, now).await?;
        tx.commit().await?;
        total += i64::try_from(warned).unwrap_or(0);
        if warned == 0 {
            return Ok(total);
        }
    }
}
