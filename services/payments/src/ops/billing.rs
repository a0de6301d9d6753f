//! Invoices of plans, as the provider tells of them.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::{Tier, UserId};

use crate::error::Error;
use crate::offer::Offer;
use crate::ops::subscriptions::PaidPeriod;
use crate::ops::{purchases, subscriptions};
use crate::store::transactions::{self, New, Transaction};
use crate::words::{Interval, ProviderName, TransactionStatus, TransactionType};

/// An invoice of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billed {
    pub provider: ProviderName,
    /// The provider's name of it.
    pub id: String,
    /// Of the subscription.
    pub subscription: String,
    /// How it was, or is to be, paid.
    pub intent: Option<String>,
    pub cents: i64,
    pub currency: String,
    /// What the period that it is for gives, and when that ends; `None` if nothing on it is ours.
    pub period: Option<(Tier, Interval, DateTime<Utc>)>,
    pub made_at: DateTime<Utc>,
    /// How often it was tried to be paid.
    pub attempts: i64,
}

impl Billed {
    fn description(&self, offer: &Offer) -> String {
        match self.period {
            Some((tier, interval, _)) => format!("Plan {}, {}ly", offer.plan(tier).name, interval.as_str()),
            None => "Plan".to_owned(),
        }
    }
}

/// It was paid: the period is the user's, and the money is booked, once.
pub async fn paid(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    billed: &Billed,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if let Some((tier, _, until)) = billed.period {
        let period = PaidPeriod { tier, until, invoiced_at: billed.made_at };
        subscriptions::paid(tx, offer, user, (billed.provider, &billed.subscription), period, now).await?;
    }
    // Nothing to pay, nothing to book: credit of the user's at the provider.
    if billed.cents == 0 {
        return Ok(());
    }
    let description = billed.description(offer);
    if !transactions::insert(
        tx,
        &new(user, billed, &billed.id, TransactionStatus::Completed, &description, now),
    )
    .await?
    {
        return Ok(());
    }
    let row = locked(tx, &billed.id).await?;
    let row = Transaction { paid_at: Some(at), ..row };
    transactions::save(tx, &row, now).await?;
    purchases::settled(tx, &row, now).await
}

/// It was tried, and was not paid. What that means for the plan its subscription's state tells.
pub async fn failed(
    tx: &mut Tx,
    offer: &Offer,
    user: UserId,
    billed: &Billed,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let description = billed.description(offer);
    let name = format!("{}:attempt:{}", billed.id, billed.attempts);
    // Without the intent: a later attempt pays by the same.
    let attempt = Billed { intent: None, ..billed.clone() };
    if !transactions::insert(tx, &new(user, &attempt, &name, TransactionStatus::Failed, &description, now))
        .await?
    {
        return Ok(());
    }
    let row = Transaction { failed_at: Some(at), ..locked(tx, &name).await? };
    transactions::save(tx, &row, now).await?;
    // Who has paid in the meantime is not told any more.
    if transactions::find(tx, &billed.id).await?.is_none() {
        purchases::failed(tx, &row)?;
    }
    Ok(())
}

fn new<'a>(
    user: UserId,
    billed: &'a Billed,
    provider_id: &'a str,
    status: TransactionStatus,
    description: &'a str,
    now: DateTime<Utc>,
) -> New<'a> {
    New {
        user,
        kind: TransactionType::Subscription,
        cents: billed.cents,
        currency: &billed.currency,
        status,
        intent: billed.intent.as_deref(),
        provider_id,
        credits: None,
        description,
        now,
    }
}

async fn locked(tx: &mut Tx, provider_id: &str) -> Result<Transaction, Error> {
    let row = transactions::lock(tx, provider_id).await?;
    row.ok_or_else(|| Error::Internal("a payment that was written is not there".into()))
}
