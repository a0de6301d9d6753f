//! Subscriptions: what the provider tells of them, in whatever order.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId};

use crate::error::Error;
use crate::offer::Offer;
use crate::ops::{grants, plans};
use crate::store::subscriptions::{self as store, Subscription};
use crate::words::{Interval, ProviderName, SubscriptionStatus};

/// A subscription as the provider describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub provider: ProviderName,
    pub provider_id: String,
    /// `None`: a price that is not ours.
    pub plan: Option<(Tier, Interval)>,
    pub status: SubscriptionStatus,
    pub started_at: Option<DateTime<Utc>>,
    pub current_period_start: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
    pub cancel_at_period_end: bool,
    pub ended_at: Option<DateTime<Utc>>,
}

/// When a snapshot was made, as far as the provider tells: its clock has seconds. What is equal in all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsOf {
    pub at: DateTime<Utc>,
    /// Within a second: how far on in its life.
    pub rank: i32,
    pub event: String,
}

impl AsOf {
    /// Of the event `event` of `kind`, 0 for created, 1 for updated, 2 for deleted.
    pub fn of_event(at: DateTime<Utc>, kind: i32, snapshot: &Snapshot, event: &str) -> Self {
        let status = match snapshot.status {
            SubscriptionStatus::Incomplete => 0,
            SubscriptionStatus::Trialing => 1,
            SubscriptionStatus::Active => 2,
            SubscriptionStatus::PastDue => 3,
            SubscriptionStatus::Unpaid => 4,
            SubscriptionStatus::Paused => 5,
            SubscriptionStatus::IncompleteExpired => 6,
            SubscriptionStatus::Canceled => 7,
        };
        let rank = kind * 1_000 + status * 10 + i32::from(snapshot.cancel_at_period_end);
        Self { at, rank, event: event.to_owned() }
    }
}

/// Takes a snapshot over, unless a younger one was. Without `as_of` it is the answer to a call of ours, which anything that the provider tells later
/// than what is known may replace.
pub async fn learn(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    snapshot: &Snapshot,
    as_of: Option<AsOf>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut row = store::lock_or_make(tx, snapshot.provider, &snapshot.provider_id, user, now).await?;
    if let Some(as_of) = as_of {
        let known = AsOf { at: row.as_of, rank: row.as_of_rank, event: row.as_of_event.clone() };
        if as_of <= known {
            return Ok(());
        }
        (row.as_of, row.as_of_rank, row.as_of_event) = (as_of.at, as_of.rank, as_of.event);
    }
    take_over(&mut row, snapshot);
    keep(tx, offer, &mut row, now).await
}

fn take_over(row: &mut Subscription, snapshot: &Snapshot) {
    if let Some((tier, interval)) = snapshot.plan {
        row.tier_word = Some(tier.as_str().to_owned());
        row.billing_interval = Some(interval);
    }
    row.status = snapshot.status;
    row.started_at = snapshot.started_at.or(row.started_at);
    row.current_period_start = snapshot.current_period_start;
    row.current_period_end = snapshot.current_period_end;
    row.cancel_at_period_end = snapshot.cancel_at_period_end;
    row.ended_at = snapshot.ended_at;
}

/// A period of a subscription that was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidPeriod {
    pub tier: Tier,
    pub until: DateTime<Utc>,
    /// When its invoice was made.
    pub invoiced_at: DateTime<Utc>,
}

/// Notes a paid period. Periods come in any order; the last one counts.
pub async fn paid(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    (provider, provider_id): (ProviderName, &str),
    period: PaidPeriod,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut row = store::lock_or_make(tx, provider, provider_id, user, now).await?;
    if (Some(period.until), Some(period.invoiced_at)) <= (row.paid_until, row.paid_as_of) {
        return Ok(());
    }
    row.paid_until = Some(period.until);
    row.paid_as_of = Some(period.invoiced_at);
    row.paid_tier = Some(period.tier.as_str().to_owned());
    keep(tx, offer, &mut row, now).await
}

/// Makes the grant that is due, writes the row, and works out what it means for its user.
async fn keep(tx: &mut Tx, offer: &Offer, row: &mut Subscription, now: DateTime<Utc>) -> Result<(), Error> {
    grants::monthly(tx, offer, row, now).await?;
    store::save(tx, row, now).await?;
    plans::work_out(tx, row.user(), now).await?;
    Ok(())
}

/// Makes the monthly grant of a subscription if one is due.
pub async fn grant_due(tx: &mut Tx, offer: &Offer, id: i64, now: DateTime<Utc>) -> Result<(), Error> {
    let Some(mut row) = store::lock(tx, id).await? else { return Ok(()) };
    grants::monthly(tx, offer, &mut row, now).await?;
    Ok(store::save(tx, &row, now).await?)
}
