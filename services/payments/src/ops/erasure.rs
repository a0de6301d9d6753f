//! When an account is gone: what is left here is evidence, under a pseudonym; what the provider keeps of the user is deleted there.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::UserId;

use crate::error::Error;
use crate::ops::subscribing;
use crate::state::AppState;
use crate::store::plans::UserPlan;
use crate::store::{plans, subscriptions};

const BATCH: i64 = 20;

/// Notes that `user` is gone.
pub async fn close(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    let mut plan = plans::lock(tx, user, now).await?;
    plan.closed_at = plan.closed_at.or(Some(now));
    Ok(plans::save(tx, &plan, now).await?)
}

/// Ends the subscriptions of who is gone, and has the provider forget them. Opens its own transactions; each step may be repeated, and what keeps one from
/// it keeps no other. Returns how many.
pub async fn clean_up(state: &AppState) -> Result<i64, Error> {
    let mut tx = state.databases.system.begin().await?;
    let gone = plans::closed(&mut tx, BATCH).await?;
    drop(tx);
    let mut last = Ok(());
    for plan in &gone {
        if let Err(error) = forget(state, plan).await {
            tracing::error!(user = plan.user_id, %error, "the provider still knows somebody who is gone");
            last = Err(error);
        }
    }
    last.map(|()| i64::try_from(gone.len()).unwrap_or(i64::MAX))
}

async fn forget(state: &AppState, plan: &UserPlan) -> Result<(), Error> {
    let user = UserId(plan.user_id);
    let mut tx = state.databases.system.begin().await?;
    let rows = subscriptions::of_user(&mut tx, user).await?;
    drop(tx);
    for live in rows.iter().filter(|row| row.status.is_live()) {
        subscribing::end(state, live).await?;
    }
    if let Some(customer) = &plan.customer_id {
        state.provider.forget_customer(customer).await?;
    }
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let mut plan = plans::lock(&mut tx, user, now).await?;
    plan.customer_id = None;
    plans::save(&mut tx, &plan, now).await?;
    Ok(tx.commit().await?)
}
