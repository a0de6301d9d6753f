//! The caller's plan.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use garde::Validate;
use pitchey_events::Tier;
use pitchey_web::{Actor, Answer, Command, Timestamp};
use serde::{Deserialize, Serialize};

use super::unknown;
use crate::error::Error;
use crate::ops::{buying, subscribing};
use crate::state::AppState;
use crate::store::plans::{self as store, UserPlan};
use crate::words::Interval;

/// Which plan.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Subscribe {
    /// creator, pro or investor.
    tier: String,
    /// month or year; month without.
    billing_interval: Option<String>,
}

/// Nothing is asked.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Cancel {}

/// How the caller's plan stands.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// What the caller may use.
    #[schema(value_type = String)]
    tier: Tier,
    /// none, incomplete, incomplete_expired, trialing, active, past_due, unpaid, paused or canceled.
    status: String,
    billing_interval: Option<Interval>,
    #[schema(value_type = Option<String>)]
    current_period_end: Option<Timestamp>,
    /// It ends then.
    cancel_at_period_end: bool,
    /// A payment is overdue: the plan stays until then.
    #[schema(value_type = Option<String>)]
    grace_until: Option<Timestamp>,
}

impl Subscription {
    fn at(plan: Option<UserPlan>, now: DateTime<Utc>) -> Self {
        let tier = plan.as_ref().map_or(Tier::Free, |plan| plan.tier_at(now));
        let status = plan.as_ref().map_or_else(|| "none".to_owned(), |plan| plan.status.clone());
        Self {
            tier,
            status,
            billing_interval: plan.as_ref().and_then(|plan| plan.billing_interval),
            current_period_end: plan.as_ref().and_then(|plan| plan.current_period_end).map(Timestamp::from),
            cancel_at_period_end: plan.as_ref().is_some_and(|plan| plan.cancel_at_period_end),
            grace_until: plan
                .and_then(|plan| plan.grace_until)
                .filter(|until| *until > now)
                .map(Timestamp::from),
        }
    }
}

/// What a write of a plan answers.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "described here, written by Answer")]
pub struct Subscribed {
    message: String,
    subscription: Subscription,
    /// For Stripe's own form in the payer's browser; null where nothing is to be paid.
    client_secret: Option<String>,
}

/// Puts the caller on a plan, or on another.
#[utoipa::path(tag = "payments", request_body = Subscribe, responses((status = 201, body = Subscribed), (status = 200, body = Subscribed, description = "A change, or a repetition.")))]
#[post("/api/payments/subscribe")]
pub async fn subscribe(
    state: Data<AppState>,
    actor: Actor,
    command: Command<Subscribe>,
) -> Result<HttpResponse, Error> {
    buying::may_subscribe(&actor)?;
    if let Some(kept) = command.kept(&state.databases.user).await? {
        return Ok(kept);
    }
    let tier: Option<Tier> = command.input.tier.parse().ok();
    let tier = tier.filter(|tier| *tier != Tier::Free);
    let tier = tier.ok_or_else(|| unknown("tier", "This must be creator, pro or investor."))?;
    let interval = match command.input.billing_interval.as_deref() {
        None | Some("month" | "monthly") => Interval::Month,
        Some("year" | "yearly") => Interval::Year,
        Some(_) => return Err(unknown("billingInterval", "This must be month or year.").into()),
    };
    let done = subscribing::subscribe(&state, actor.id, tier, interval).await?;
    let answer = Answer::created_if(done.new, done.message)
        .with("subscription", &Subscription::at(Some(done.plan), state.clock.now()))
        .with("clientSecret", &done.client_secret)
        .secret();
    command.run(&state.databases.user, async |_, _| Ok::<_, Error>(answer)).await
}

/// Lets the caller's plan end with the period that is paid.
#[utoipa::path(tag = "payments", request_body = Cancel, responses((status = 200, body = Subscribed)))]
#[post("/api/payments/cancel-subscription")]
pub async fn cancel(
    state: Data<AppState>,
    actor: Actor,
    command: Command<Cancel>,
) -> Result<HttpResponse, Error> {
    buying::may_subscribe(&actor)?;
    if let Some(kept) = command.kept(&state.databases.user).await? {
        return Ok(kept);
    }
    let plan = subscribing::cancel(&state, actor.id).await?;
    let answer = Answer::ok("Your plan ends with the period that is paid.")
        .with("subscription", &Subscription::at(Some(plan), state.clock.now()));
    command.run(&state.databases.user, async |_, _| Ok::<_, Error>(answer)).await
}

/// How the caller's plan stands.
#[utoipa::path(tag = "payments", responses((status = 200, body = Subscription)))]
#[get("/api/payments/subscription-status")]
pub async fn standing(state: Data<AppState>, actor: Actor) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let plan = store::find(&mut tx, actor.id).await?;
    Ok(HttpResponse::Ok().json(Subscription::at(plan, state.clock.now())))
}
