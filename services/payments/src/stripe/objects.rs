//! What Stripe sends, as far as it is read. Both shapes that are in use are understood: periods and prices stood at the subscription and at the invoice's payment
//! until 2025, and stand at its items since.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use pitchey_events::Tier;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::ops::billing::Billed;
use crate::ops::subscriptions::Snapshot;
use crate::words::{Interval, ProviderName, SubscriptionStatus};

/// A webhook's content.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    created: i64,
    pub data: Data,
}

/// What it is about.
#[derive(Clone, Debug, Deserialize)]
pub struct Data {
    pub object: Value,
}

impl Event {
    /// When it happened.
    pub fn created_at(&self) -> DateTime<Utc> {
        time(self.created).unwrap_or_default()
    }

    /// The name of what it is about.
    pub fn object_id(&self) -> &str {
        self.data.object["id"].as_str().unwrap_or_default()
    }
}

fn time(seconds: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_opt(seconds, 0).single()
}

/// Somebody who pays.
#[derive(Clone, Debug, Deserialize)]
pub struct Customer {
    pub id: String,
    #[serde(default)]
    invoice_settings: Option<InvoiceSettings>,
}

#[derive(Clone, Debug, Deserialize)]
struct InvoiceSettings {
    #[serde(default)]
    default_payment_method: Option<Reference>,
}

impl Customer {
    /// Whether there is a card, or the like, to charge without asking.
    pub fn can_be_charged(&self) -> bool {
        self.invoice_settings.as_ref().is_some_and(|settings| settings.default_payment_method.is_some())
    }
}

/// The name of an object, or the object itself where it was asked to be expanded.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    /// Its name.
    Name(String),
    /// All of it.
    Whole(Value),
}

impl Reference {
    /// Its name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Whole(object) => object["id"].as_str(),
        }
    }
}

/// A payment to be made once.
#[derive(Clone, Debug, Deserialize)]
pub struct Intent {
    pub id: String,
    #[serde(default)]
    pub client_secret: Option<String>,
    pub amount: i64,
    pub currency: String,
    #[serde(default)]
    pub customer: Option<Reference>,
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: BTreeMap<String, String>,
}

/// Money that was taken.
#[derive(Clone, Debug, Deserialize)]
pub struct Charge {
    pub id: String,
    #[serde(default)]
    pub payment_intent: Option<Reference>,
    #[serde(default)]
    pub customer: Option<Reference>,
    #[serde(default)]
    pub amount_refunded: i64,
}

/// A bank wants it back.
#[derive(Clone, Debug, Deserialize)]
pub struct Dispute {
    pub id: String,
    #[serde(default)]
    pub payment_intent: Option<Reference>,
    pub amount: i64,
    pub status: String,
}

/// A list.
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    #[serde(default = "Vec::new")]
    data: Vec<T>,
}

/// What is paid again and again.
#[derive(Clone, Debug, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub customer: Reference,
    status: String,
    #[serde(default)]
    start_date: Option<i64>,
    #[serde(default)]
    current_period_start: Option<i64>,
    #[serde(default)]
    current_period_end: Option<i64>,
    #[serde(default)]
    cancel_at_period_end: bool,
    #[serde(default)]
    ended_at: Option<i64>,
    items: List<Item>,
    #[serde(default)]
    latest_invoice: Option<Value>,
}

/// A line of a subscription.
#[derive(Clone, Debug, Deserialize)]
struct Item {
    id: String,
    #[serde(default)]
    current_period_start: Option<i64>,
    #[serde(default)]
    current_period_end: Option<i64>,
    #[serde(flatten)]
    price: Priced,
}

/// What costs what, wherever it is said.
#[derive(Clone, Debug, Deserialize)]
struct Priced {
    #[serde(default)]
    price: Option<Reference>,
    #[serde(default)]
    plan: Option<Reference>,
    #[serde(default)]
    pricing: Option<Value>,
}

impl Priced {
    fn plan(&self) -> Option<(Tier, Interval)> {
        let new = self.pricing.as_ref().and_then(|pricing| pricing["price_details"]["price"].as_str());
        let named = self.price.as_ref().or(self.plan.as_ref()).and_then(Reference::name);
        plan_of(named.or(new)?)
    }
}

/// The name of a plan's price at Stripe: it changes with the price, so nobody is charged another price than was agreed.
pub fn price_name(tier: Tier, interval: Interval, cents: i64, currency: &str) -> String {
    format!("pitchey_{tier}_{}_{cents}_{}", interval.as_str(), currency.to_lowercase())
}

fn plan_of(price: &str) -> Option<(Tier, Interval)> {
    let mut parts = price.strip_prefix("pitchey_")?.split('_');
    Some((parts.next()?.parse().ok()?, Interval::parse(parts.next()?)?))
}

impl Subscription {
    /// The name of its only line.
    pub fn item(&self) -> Option<&str> {
        self.items.data.first().map(|item| item.id.as_str())
    }

    /// What the payer's browser needs to pay the first invoice, where it was expanded and is not paid.
    pub fn client_secret(&self) -> Option<String> {
        let invoice = self.latest_invoice.as_ref()?;
        let old = invoice["payment_intent"]["client_secret"].as_str();
        let secret = old.or_else(|| invoice["confirmation_secret"]["client_secret"].as_str())?;
        (invoice["status"] != "paid").then(|| secret.to_owned())
    }

    /// In the words of the house; `None` if it has a status that nobody here knows.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let item = self.items.data.first();
        let start = self.current_period_start.or_else(|| item?.current_period_start);
        let end = self.current_period_end.or_else(|| item?.current_period_end);
        Some(Snapshot {
            provider: ProviderName::Stripe,
            provider_id: self.id.clone(),
            plan: item.and_then(|item| item.price.plan()),
            status: SubscriptionStatus::parse(&self.status)?,
            started_at: self.start_date.and_then(time),
            current_period_start: start.and_then(time),
            current_period_end: end.and_then(time),
            cancel_at_period_end: self.cancel_at_period_end,
            ended_at: self.ended_at.and_then(time),
        })
    }
}

/// A bill.
#[derive(Clone, Debug, Deserialize)]
pub struct Invoice {
    pub id: String,
    pub customer: Reference,
    #[serde(default)]
    subscription: Option<Reference>,
    #[serde(default)]
    parent: Option<Value>,
    #[serde(default)]
    payment_intent: Option<Reference>,
    #[serde(default)]
    amount_due: i64,
    #[serde(default)]
    amount_paid: i64,
    currency: String,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    attempt_count: i64,
    lines: List<Line>,
    #[serde(default)]
    payments: Option<List<Value>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Line {
    period: Period,
    #[serde(default)]
    amount: i64,
    #[serde(flatten)]
    price: Priced,
}

#[derive(Clone, Debug, Deserialize)]
struct Period {
    end: i64,
}

impl Invoice {
    /// In the words of the house; `None` if it is not of a subscription.
    pub fn billed(&self, paid: bool) -> Option<Billed> {
        let old = self.subscription.as_ref().and_then(Reference::name);
        let new =
            self.parent.as_ref().and_then(|parent| parent["subscription_details"]["subscription"].as_str());
        // Credit for what was not used of the plan before is a line, too: below zero.
        let period =
            self.lines.data.iter().filter(|line| line.amount >= 0).max_by_key(|line| line.period.end);
        let period = period.and_then(|line| {
            let (tier, interval) = line.price.plan()?;
            Some((tier, interval, time(line.period.end)?))
        });
        let paid_by = self.payments.as_ref().and_then(|payments| payments.data.first());
        let paid_by = paid_by.and_then(|payment| payment["payment"]["payment_intent"].as_str());
        Some(Billed {
            provider: ProviderName::Stripe,
            id: self.id.clone(),
            subscription: old.or(new)?.to_owned(),
            intent: self.payment_intent.as_ref().and_then(Reference::name).or(paid_by).map(str::to_owned),
            cents: if paid { self.amount_paid } else { self.amount_due },
            currency: self.currency.to_uppercase(),
            period,
            made_at: time(self.created)?,
            attempts: self.attempt_count,
        })
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
