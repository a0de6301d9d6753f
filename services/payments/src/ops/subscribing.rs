//! Taking a plan, changing it, cancelling it. These ops open their own transactions, because the provider is asked between them.

use pitchey_events::{Tier, UserId};

use crate::error::Error;
use crate::local;
use crate::ops::subscriptions::{self, Snapshot};
use crate::ops::{buying, plans};
use crate::state::AppState;
use crate::store::plans::UserPlan;
use crate::store::subscriptions::{self as store, Subscription};
use crate::words::{Interval, SubscriptionStatus};

/// What came of it.
pub struct Subscribed {
    pub plan: UserPlan,
    /// What the payer's browser needs to pay; `None` where nothing is to be paid.
    pub client_secret: Option<String>,
    /// A subscription that was not there before.
    pub new: bool,
    pub message: &'static str,
}

/// Puts `user` on a plan: begins a subscription, or changes the one there is. Done twice it is done once.
pub async fn subscribe(
    state: &AppState,
    user: UserId,
    tier: Tier,
    interval: Interval,
) -> Result<Subscribed, Error> {
    let rows = all(state, user).await?;
    let live = rows.iter().rev().find(|row| row.status.is_live());
    let Some(live) = live else { return begin(state, user, tier, interval, rows.len()).await };
    let same = live.tier() == Some(tier) && live.billing_interval == Some(interval);
    match live.status {
        SubscriptionStatus::Incomplete if same => go_on_paying(state, live).await,
        SubscriptionStatus::Incomplete => {
            // It was never paid: it gives way to what is wanted now.
            end(state, live).await?;
            begin(state, user, tier, interval, rows.len()).await
        }
        _ if same && !live.cancel_at_period_end => Ok(Subscribed {
            plan: plan(state, user).await?,
            client_secret: None,
            new: false,
            message: "You are on this plan already.",
        }),
        _ if same => {
            let plan = set_cancel(state, live, false).await?;
            Ok(Subscribed { plan, client_secret: None, new: false, message: "Your plan goes on." })
        }
        _ => change(state, live, tier, interval).await,
    }
}

/// Lets the plan of `user` end with the period that is paid.
pub async fn cancel(state: &AppState, user: UserId) -> Result<UserPlan, Error> {
    let rows = all(state, user).await?;
    let live = rows.iter().rev().find(|row| row.status.is_live()).ok_or(Error::NoSubscription)?;
    if live.status == SubscriptionStatus::Incomplete {
        end(state, live).await?;
        return plan(state, user).await;
    }
    if live.cancel_at_period_end {
        return plan(state, user).await;
    }
    set_cancel(state, live, true).await
}

/// Ends a subscription now, whatever was paid.
pub async fn end(state: &AppState, live: &Subscription) -> Result<(), Error> {
    state.provider.end(&live.provider_id).await?;
    let ended = Snapshot {
        status: SubscriptionStatus::Canceled,
        ended_at: Some(state.clock.now()),
        ..snapshot(state, live)
    };
    take_over(state, live.user(), &ended).await?;
    Ok(())
}

async fn all(state: &AppState, user: UserId) -> Result<Vec<Subscription>, Error> {
    let mut tx = state.databases.user.begin(Some(user)).await?;
    Ok(store::of_user(&mut tx, user).await?)
}

async fn plan(state: &AppState, user: UserId) -> Result<UserPlan, Error> {
    let mut tx = state.databases.system.begin().await?;
    let plan = plans::work_out(&mut tx, user, state.clock.now()).await?;
    tx.commit().await?;
    Ok(plan)
}

async fn begin(
    state: &AppState,
    user: UserId,
    tier: Tier,
    interval: Interval,
    before: usize,
) -> Result<Subscribed, Error> {
    let customer = buying::customer(state, user).await?;
    // Two requests at once see as many before, so they begin one subscription between them.
    let key = format!("subscribe-{user}-{before}-{tier}-{}", interval.as_str());
    let begun = state.provider.begin_subscription(&customer, state.offer.plan(tier), interval, &key).await?;
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let client_secret = match begun {
        Some(begun) => {
            subscriptions::learn(&mut tx, &state.offer, user, &begun.snapshot, None, now).await?;
            begun.client_secret
        }
        None => {
            local::subscribe(&mut tx, &state.offer, user, (tier, interval), &key, now).await?;
            None
        }
    };
    let plan = plans::work_out(&mut tx, user, now).await?;
    tx.commit().await?;
    let message = if client_secret.is_some() {
        "Your plan begins with its first payment."
    } else {
        "You are on the plan."
    };
    Ok(Subscribed { plan, client_secret, new: true, message })
}

async fn go_on_paying(state: &AppState, live: &Subscription) -> Result<Subscribed, Error> {
    let found = state.provider.subscription(&live.provider_id).await?;
    let plan = plan(state, live.user()).await?;
    let client_secret = found.and_then(|found| found.client_secret);
    Ok(Subscribed { plan, client_secret, new: false, message: "Your plan begins with its first payment." })
}

async fn change(
    state: &AppState,
    live: &Subscription,
    tier: Tier,
    interval: Interval,
) -> Result<Subscribed, Error> {
    let changed = state.provider.change(&live.provider_id, state.offer.plan(tier), interval).await?;
    let changed = changed.unwrap_or_else(|| Snapshot {
        plan: Some((tier, interval)),
        cancel_at_period_end: false,
        ..local::snapshot(live)
    });
    let plan = take_over(state, live.user(), &changed).await?;
    Ok(Subscribed { plan, client_secret: None, new: false, message: "Your plan was changed." })
}

async fn set_cancel(state: &AppState, live: &Subscription, cancel: bool) -> Result<UserPlan, Error> {
    let changed = state.provider.cancel_at_period_end(&live.provider_id, cancel).await?;
    let changed =
        changed.unwrap_or_else(|| Snapshot { cancel_at_period_end: cancel, ..local::snapshot(live) });
    take_over(state, live.user(), &changed).await
}

fn snapshot(state: &AppState, live: &Subscription) -> Snapshot {
    Snapshot { provider: state.provider.name(), ..local::snapshot(live) }
}

async fn take_over(state: &AppState, user: UserId, snapshot: &Snapshot) -> Result<UserPlan, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    subscriptions::learn(&mut tx, &state.offer, user, snapshot, None, now).await?;
    let plan = plans::work_out(&mut tx, user, now).await?;
    tx.commit().await?;
    Ok(plan)
}
