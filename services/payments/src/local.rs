//! The local provider: development without a key. It is paid at once, renews by the sweep, and tells what Stripe would tell, through the same ops.

use chrono::{DateTime, Datelike, Months, Utc};
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId};

use crate::error::Error;
use crate::offer::Offer;
use crate::ops::billing::{self, Billed};
use crate::ops::purchases::{self, Fact};
use crate::ops::subscriptions::{self, Snapshot};
use crate::store::subscriptions::Subscription;
use crate::store::{subscriptions as store, transactions};
use crate::words::{Interval, ProviderName, SubscriptionStatus};

/// What its names of payments begin with.
pub const PAYMENT: &str = "local_payment_";

/// Says that a payment was paid.
pub async fn pay(tx: &mut Tx, payment: &str, now: DateTime<Utc>) -> Result<(), Error> {
    if let Some(row) = transactions::lock(tx, payment).await? {
        purchases::learn(tx, row, Fact::Paid { at: now }, now).await?;
    }
    Ok(())
}

/// A new subscription of `user`, paid for its first period. `key` names it.
pub async fn subscribe(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    plan: (Tier, Interval),
    key: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let snapshot = Snapshot {
        provider: ProviderName::Local,
        provider_id: format!("local_subscription_{key}"),
        plan: Some(plan),
        status: SubscriptionStatus::Active,
        started_at: Some(now),
        current_period_start: Some(now),
        current_period_end: Some(end_of(now, now, plan.1)?),
        cancel_at_period_end: false,
        ended_at: None,
    };
    tell(tx, offer, user, &snapshot, now).await?;
    bill(tx, offer, user, &snapshot, now).await
}

/// What a subscription looks like to a provider, to be changed and told.
pub fn snapshot(row: &Subscription) -> Snapshot {
    Snapshot {
        provider: ProviderName::Local,
        provider_id: row.provider_id.clone(),
        plan: row.tier().zip(row.billing_interval),
        status: row.status,
        started_at: row.started_at,
        current_period_start: row.current_period_start,
        current_period_end: row.current_period_end,
        cancel_at_period_end: row.cancel_at_period_end,
        ended_at: row.ended_at,
    }
}

/// Tells how a subscription stands now.
pub async fn tell(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    snapshot: &Snapshot,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    subscriptions::learn(tx, offer, user, snapshot, None, now).await
}

/// Renews a subscription whose period is over, or ends it.
pub async fn renew(tx: &mut Tx, offer: &Offer, id: i64, now: DateTime<Utc>) -> Result<(), Error> {
    let Some(row) = store::lock(tx, id).await? else { return Ok(()) };
    let (mut next, user) = (snapshot(&row), row.user());
    let (Some(end), Some((_, interval))) = (next.current_period_end, next.plan) else { return Ok(()) };
    if end > now || next.status != SubscriptionStatus::Active {
        return Ok(());
    }
    if next.cancel_at_period_end {
        next.status = SubscriptionStatus::Canceled;
        next.ended_at = Some(end);
        return tell(tx, offer, user, &next, now).await;
    }
    next.current_period_start = Some(end);
    next.current_period_end = Some(end_of(next.started_at.unwrap_or(end), end, interval)?);
    tell(tx, offer, user, &next, now).await?;
    bill(tx, offer, user, &next, now).await
}

async fn bill(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    snapshot: &Snapshot,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (Some((tier, interval)), Some(until)) = (snapshot.plan, snapshot.current_period_end) else {
        return Ok(());
    };
    let plan = offer.plan(tier);
    let id = format!("local_invoice_{}_{}", snapshot.provider_id, until.timestamp());
    let billed = Billed {
        provider: ProviderName::Local,
        subscription: snapshot.provider_id.clone(),
        intent: Some(id.clone()),
        id,
        cents: plan.price(interval),
        currency: plan.currency.clone(),
        period: Some((tier, interval, until)),
        made_at: now,
        attempts: 1,
    };
    billing::paid(tx, offer, user, &billed, now, now).await
}

/// The end of the period that begins at `start`, for a subscription that began at `anchor`: it ends at the day of the month that it began at, or at
/// the last of a shorter month, as Stripe's billing cycle anchor has it.
fn end_of(anchor: DateTime<Utc>, start: DateTime<Utc>, interval: Interval) -> Result<DateTime<Utc>, Error> {
    let length = match interval {
        Interval::Month => 1,
        Interval::Year => 12,
    };
    let month = |at: DateTime<Utc>| at.year() * 12 + at.month0().cast_signed();
    u32::try_from(month(start) - month(anchor) + length)
        .ok()
        .and_then(|months| anchor.checked_add_months(Months::new(months)))
        .ok_or_else(|| Error::Internal("a period without an end".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(began: &str, intervals: &[Interval]) -> Vec<String> {
        let anchor: DateTime<Utc> = format!("{began}T10:00:00Z").parse().unwrap();
        let mut start = anchor;
        intervals
            .iter()
            .map(|interval| {
                start = end_of(anchor, start, *interval).unwrap();
                start.date_naive().to_string()
            })
            .collect()
    }

    #[test]
    fn periods_end_at_the_day_they_began_at_or_the_last_of_a_month() {
        use Interval::{Month, Year};
        assert_eq!(ends("2027-01-31", &[Month; 4]), ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]);
        assert_eq!(ends("2027-11-15", &[Month, Month, Year]), ["2027-12-15", "2028-01-15", "2029-01-15"]);
        assert_eq!(ends("2028-02-29", &[Year; 4])[3], "2032-02-29");
    }
}
