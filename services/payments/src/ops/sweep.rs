//! What time does: holds that nobody confirmed lapse, months are granted, graces end, accounts that are gone are forgotten by the provider.
//! Every replica may sweep at once: each row is worked on by one, and done once.

use pitchey_events::UserId;

use crate::error::Error;
use crate::local;
use crate::ops::{buying, erasure, holds, plans, subscriptions};
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

async fn lapse(state: &AppState) -> Result<i64, Error> {
    let mut total = 0;
    loop {
        let now = state.clock.now();
        let mut tx = state.databases.system.begin().await?;
        let mut overdue = held::overdue(&mut tx, now, BATCH).await?;
        // Balances are locked in the order of their users, as everywhere where there are several.
        overdue.sort_unstable_by_key(|hold| (hold.user_id, hold.key));
        for hold in &overdue {
            holds::lapse(&mut tx, hold, now).await?;
        }
        tx.commit().await?;
        total += i64::try_from(overdue.len()).unwrap_or(0);
        if overdue.is_empty() {
            return Ok(total);
        }
    }
}

async fn grant(state: &AppState) -> Result<i64, Error> {
    let mut tx = state.databases.system.begin().await?;
    let due = subscribed::grants_due(&mut tx, state.clock.now(), BATCH).await?;
    drop(tx);
    for id in &due {
        let mut tx = state.databases.system.begin().await?;
        subscriptions::grant_due(&mut tx, &state.offer, *id, state.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(i64::try_from(due.len()).unwrap_or(0))
}

async fn end_graces(state: &AppState) -> Result<i64, Error> {
    let mut tx = state.databases.system.begin().await?;
    let over = on::grace_over(&mut tx, state.clock.now(), BATCH).await?;
    drop(tx);
    for UserId(id) in &over {
        let mut tx = state.databases.system.begin().await?;
        plans::work_out(&mut tx, UserId(*id), state.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(i64::try_from(over.len()).unwrap_or(0))
}

/// What a real provider would tell by itself.
async fn be_the_provider(state: &AppState) -> Result<i64, Error> {
    if !matches!(state.provider, Provider::Local) {
        return Ok(0);
    }
    let mut tx = state.databases.system.begin().await?;
    let unpaid = transactions::pending(&mut tx, local::PAYMENT, BATCH).await?;
    drop(tx);
    for payment in &unpaid {
        buying::pay_locally(state, payment).await?;
    }
    Ok(renew(state).await? + i64::try_from(unpaid.len()).unwrap_or(0))
}

async fn renew(state: &AppState) -> Result<i64, Error> {
    let mut tx = state.databases.system.begin().await?;
    let over = subscribed::local_periods_over(&mut tx, state.clock.now(), BATCH).await?;
    drop(tx);
    for id in &over {
        let mut tx = state.databases.system.begin().await?;
        local::renew(&mut tx, &state.offer, *id, state.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(i64::try_from(over.len()).unwrap_or(0))
}
