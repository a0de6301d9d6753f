//! What time does: holds that nobody confirmed lapse, months are granted, graces end, accounts that are gone are forgotten by the provider.
//! Two replicas may sweep at once, as while one is taken for dead: each row is worked on by one, and done once.

use crate::error::Error;
use crate::local;
use crate::ops::{erasure, holds, plans, subscriptions};
use crate::provider::Provider;
use crate::state::AppState;
use crate::store::{holds as held, plans as on, subscriptions as subscribed, transactions};

const BATCH: i64 = 100;

/// Does all of it. Each kind by itself: what keeps one from its end keeps no other. Returns how many rows were touched.
pub async fn sweep(state: &AppState) -> Result<i64, Error> {
    let mut outcome = Ok(0);
    for (kind, result) in [
        ("holds", lapse(state).await),
        ("grants", grant(state).await),
        ("graces", end_graces(state).await),
        ("the local provider", be_the_provider(state).await),
        ("closed accounts", erasure::clean_up(state).await),
    ] {
        if let Err(error) = &result {
            tracing::error!(kind, %error, "the sweep could not be done");
        }
        outcome = outcome.and_then(|touched| Ok::<_, Error>(touched + result?));
    }
    outcome
}

/// Does the work for each row, in a transaction of its own: what keeps one from it keeps no other. Gives how many. (No function: a closure that is lent the transaction
/// would not be `Send` for every lifetime.)
macro_rules! each {
    ($state:ident, $kind:literal, $rows:expr, |$tx:ident, $row:ident| $work:expr) => {{
        let mut last = Ok(());
        for $row in $rows {
            let done = async {
                let mut open = $state.databases.system.begin().await?;
                let $tx = &mut open;
                $work.await?;
                Ok::<_, Error>(open.commit().await?)
            };
            if let Err(error) = done.await {
                tracing::error!(kind = $kind, row = ?$row, %error, "this one could not be swept");
                last = Err(error);
            }
        }
        last.map(|()| i64::try_from($rows.len()).unwrap_or(i64::MAX))
    }};
}

async fn lapse(state: &AppState) -> Result<i64, Error> {
    let mut total = 0;
    loop {
        let now = state.clock.now();
        let mut tx = state.databases.system.begin().await?;
        let overdue = held::overdue(&mut tx, now, BATCH).await?;
        drop(tx);
        total += each!(state, "hold", &overdue, |tx, key| holds::lapse(tx, *key, now))?;
        if overdue.is_empty() {
            return Ok(total);
        }
    }
}

async fn grant(state: &AppState) -> Result<i64, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let due = subscribed::grants_due(&mut tx, now, BATCH).await?;
    drop(tx);
    each!(state, "grant", &due, |tx, id| subscriptions::grant_due(tx, &state.offer, *id, now))
}

async fn end_graces(state: &AppState) -> Result<i64, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let over = on::grace_over(&mut tx, now, BATCH).await?;
    drop(tx);
    each!(state, "grace", &over, |tx, user| plans::work_out(tx, *user, now))
}

/// What a real provider would tell by itself.
async fn be_the_provider(state: &AppState) -> Result<i64, Error> {
    if !matches!(state.provider, Provider::Local) {
        return Ok(0);
    }
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let unpaid = transactions::pending(&mut tx, local::PAYMENT, BATCH).await?;
    let over = subscribed::local_periods_over(&mut tx, now, BATCH).await?;
    drop(tx);
    let paid = each!(state, "payment", &unpaid, |tx, payment| local::pay(tx, payment, now))?;
    let renewed = each!(state, "renewal", &over, |tx, id| local::renew(tx, &state.offer, *id, now))?;
    Ok(paid + renewed)
}
