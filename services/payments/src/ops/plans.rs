//! The plan a user is on: what the user's subscriptions come to.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{SubscriptionChanged, Tier, UserId};
use serde_json::json;

use crate::error::Error;
use crate::ops::record;
use crate::store::plans::{self, UserPlan};
use crate::store::subscriptions::{self, Subscription};
use crate::words::SubscriptionStatus;

/// How long an overdue payment leaves the plan as it is, from the beginning of the period that is not paid.
pub const GRACE: TimeDelta = TimeDelta::days(7);

/// What a subscription gives its user at a time: the plan, and until when, if a payment is overdue.
fn gives(row: &Subscription, now: DateTime<Utc>) -> Option<(Tier, Option<DateTime<Utc>>)> {
    let tier = row.tier()?;
    match row.status {
        SubscriptionStatus::Active | SubscriptionStatus::Trialing => Some((tier, None)),
        SubscriptionStatus::PastDue | SubscriptionStatus::Unpaid => {
            let until = row.current_period_start? + GRACE;
            (now < until).then_some((tier, Some(until)))
        }
        _ => None,
    }
}

/// Which subscription speaks for the user: the youngest that gives something, else the youngest that lives, else the youngest.
fn deciding(rows: &[Subscription], now: DateTime<Utc>) -> Option<&Subscription> {
    rows.iter().max_by_key(|row| (gives(row, now).is_some(), row.status.is_live(), row.started_at, row.id))
}

/// Works out the user's plan anew, and tells others if it changed.
pub async fn work_out(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<UserPlan, Error> {
    let mut plan = plans::lock(tx, user, now).await?;
    let rows = subscriptions::of_user(tx, user).await?;
    let row = deciding(&rows, now);
    let given = row.and_then(|row| gives(row, now));
    let before = plan.clone();
    plan.tier_word = given.map_or(Tier::Free, |(tier, _)| tier).as_str().to_owned();
    plan.grace_until = given.and_then(|(_, until)| until);
    plan.status = row.map_or("none", |row| row.status.as_str()).to_owned();
    plan.billing_interval = row.and_then(|row| row.billing_interval);
    plan.subscription_id = row.map(|row| row.id);
    plan.current_period_end = row.and_then(|row| row.current_period_end);
    plan.cancel_at_period_end = row.is_some_and(|row| row.cancel_at_period_end && row.status.is_live());
    if plan == before {
        return Ok(plan);
    }
    plan.version += 1;
    plans::save(tx, &plan, now).await?;
    let tier = plan.tier_word.parse().unwrap_or(Tier::Free);
    let previous_tier = before.tier_word.parse().unwrap_or(Tier::Free);
    let new = json!({ "tier": tier, "status": plan.status, "cancelAtPeriodEnd": plan.cancel_at_period_end });
    record(tx, None, "plan.changed", "user", user.0.into(), new);
    let event = SubscriptionChanged {
        user_id: user,
        version: plan.version,
        tier,
        previous_tier,
        status: plan.status.clone(),
        billing_interval: plan.billing_interval.map(|interval| interval.as_str().to_owned()),
        started_at: row.and_then(|row| row.started_at),
        current_period_end: plan.current_period_end,
        cancel_at_period_end: plan.cancel_at_period_end,
        grace_until: plan.grace_until,
        customer_id: plan.customer_id.clone(),
        subscription_id: row.map(|row| row.provider_id.clone()),
    };
    outbox::append(tx, &event)?;
    Ok(plan)
}
