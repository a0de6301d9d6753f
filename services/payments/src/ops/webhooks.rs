//! What Stripe tells: each event once, in the transaction of its effect, in whatever order.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::UserId;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::ops::billing;
use crate::ops::buying;
use crate::ops::purchases::{self, Fact};
use crate::ops::subscriptions::{self, AsOf};
use crate::provider::Begun;
use crate::state::AppState;
use crate::store::{events, plans, transactions};
use crate::stripe::{Charge, Dispute, Event, Intent, Invoice, Subscription};
use crate::words;

/// Types that something follows from.
const KNOWN: [&str; 12] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

/// Applies `event` in a transaction of its own, unless it was applied. Whether it was new.
pub async fn receive(state: &AppState, event: &Event) -> Result<bool, Error> {
    let mut tx = state.databases.system.begin().await?;
    let new = apply(&mut tx, state, event).await?;
    tx.commit().await?;
    Ok(new)
}

/// Applies `event`, unless it was. Whether it was new.
async fn apply(tx: &mut Tx, state: &AppState, event: &Event) -> Result<bool, Error> {
    let now = state.clock.now();
    let at = event.created_at();
    let known = KNOWN.contains(&event.kind.as_str());
    if !events::remember(tx, &event.id, &event.kind, event.object_id(), at, known, now).await? {
        return Ok(false);
    }
    match event.kind.as_str() {
        "payment_intent.succeeded" => intent(tx, state, event, Fact::Paid { at }, now).await?,
        "payment_intent.payment_failed" => intent(tx, state, event, Fact::Failed { at }, now).await?,
        // Both are sent for the same invoice.
        "invoice.paid" | "invoice.payment_succeeded" => invoice(tx, state, event, true, now).await?,
        "invoice.payment_failed" => invoice(tx, state, event, false, now).await?,
        "customer.subscription.created" => subscription(tx, state, event, 0, now).await?,
        "customer.subscription.updated" => subscription(tx, state, event, 1, now).await?,
        "customer.subscription.deleted" => subscription(tx, state, event, 2, now).await?,
        "charge.refunded" => refund(tx, event, now).await?,
        "charge.dispute.created" | "charge.dispute.updated" | "charge.dispute.closed" => {
            dispute(tx, event, now).await?;
        }
        other => tracing::debug!(kind = other, "a webhook that nothing follows from"),
    }
    Ok(true)
}

fn object<T: DeserializeOwned>(event: &Event) -> Result<T, Error> {
    serde_json::from_value(event.data.object.clone())
        .map_err(|error| Error::WebhookUnreadable(format!("{}: {error}", event.kind)))
}

async fn intent(
    tx: &mut Tx,
    state: &AppState,
    event: &Event,
    fact: Fact<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let intent: Intent = object(event)?;
    let row = match transactions::lock(tx, &intent.id).await? {
        Some(row) => Some(row),
        None => make(tx, state, &intent, now).await?,
    };
    // One that is not of a package: its invoice tells.
    let Some(row) = row else { return Ok(()) };
    if intent.amount != row.cents || !intent.currency.eq_ignore_ascii_case(&row.currency) {
        return Err(Error::Internal(
            format!("payment {} is over another amount than was agreed", row.id).into(),
        ));
    }
    purchases::learn(tx, row, fact, now).await?;
    Ok(())
}

/// The row of a purchase of ours that ended between the provider's answer and our commit: the provider knows what it was.
async fn make(
    tx: &mut Tx,
    state: &AppState,
    intent: &Intent,
    now: DateTime<Utc>,
) -> Result<Option<transactions::Transaction>, Error> {
    let said = |name: &str| intent.metadata.get(name).map(String::as_str);
    if said("kind") != Some("credits") {
        return Ok(None);
    }
    let credits = said("credits").and_then(|text| text.parse().ok());
    let package = credits.and_then(|credits| state.offer.package(credits));
    let user = said("user_id").and_then(|text| text.parse().ok());
    let owner = match intent.customer.as_ref().and_then(|customer| customer.name()) {
        Some(customer) => plans::of_customer(tx, customer).await?,
        None => None,
    };
    let (Some(package), Some(user)) = (package, user.filter(|user| Some(*user) == owner)) else {
        return Err(Error::Internal(format!("payment {} is for nothing that is sold", intent.id).into()));
    };
    let begun = Begun { id: intent.id.clone(), client_secret: None };
    buying::note(tx, user, package, &begun, now).await?;
    Ok(transactions::lock(tx, &intent.id).await?)
}

async fn owner(tx: &mut Tx, customer: Option<&str>, what: &str) -> Result<Option<UserId>, Error> {
    let user = match customer {
        Some(customer) => plans::of_customer(tx, customer).await?,
        None => None,
    };
    if user.is_none() {
        tracing::warn!(what, "a webhook about a customer that is not ours");
    }
    Ok(user)
}

async fn invoice(
    tx: &mut Tx,
    state: &AppState,
    event: &Event,
    paid: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let invoice: Invoice = object(event)?;
    // One that no subscription made is not ours.
    let Some(billed) = invoice.billed(paid) else { return Ok(()) };
    let Some(user) = owner(tx, invoice.customer.name(), &invoice.id).await? else { return Ok(()) };
    let at = event.created_at();
    if paid {
        billing::paid(tx, &state.offer, user, &billed, at, now).await
    } else {
        billing::failed(tx, &state.offer, user, &billed, at, now).await
    }
}

async fn subscription(
    tx: &mut Tx,
    state: &AppState,
    event: &Event,
    kind: i32,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let subscription: Subscription = object(event)?;
    let unknown = || Error::WebhookUnreadable(format!("{}: a status that nobody here knows", event.kind));
    let snapshot = subscription.snapshot().ok_or_else(unknown)?;
    let Some(user) = owner(tx, subscription.customer.name(), &subscription.id).await? else { return Ok(()) };
    let as_of = AsOf::of_event(event.created_at(), kind, &snapshot, &event.id);
    subscriptions::learn(tx, &state.offer, user, &snapshot, Some(as_of), now).await
}

async fn refund(tx: &mut Tx, event: &Event, now: DateTime<Utc>) -> Result<(), Error> {
    let charge: Charge = object(event)?;
    let Some(intent) = charge.payment_intent.as_ref().and_then(|intent| intent.name()) else { return Ok(()) };
    let Some(row) = transactions::lock_by_intent(tx, intent).await? else {
        // Of a customer of ours: what was paid is still on its way here, and this is sent again.
        let ours =
            owner(tx, charge.customer.as_ref().and_then(|customer| customer.name()), &charge.id).await?;
        return if ours.is_some() { Err(early(&charge.id)) } else { Ok(()) };
    };
    purchases::learn(tx, row, Fact::Refunded { cents: charge.amount_refunded, name: &charge.id }, now)
        .await?;
    Ok(())
}

async fn dispute(tx: &mut Tx, event: &Event, now: DateTime<Utc>) -> Result<(), Error> {
    let dispute: Dispute = object(event)?;
    let stands = match dispute.status.as_str() {
        "won" => words::Dispute::Won,
        "lost" => words::Dispute::Lost,
        // An inquiry: the money is still here.
        other if other.starts_with("warning_") => return Ok(()),
        _ => words::Dispute::Open,
    };
    let Some(intent) = dispute.payment_intent.as_ref().and_then(|intent| intent.name()) else {
        return Ok(());
    };
    let row = transactions::lock_by_intent(tx, intent).await?.ok_or_else(|| early(&dispute.id))?;
    let fact = Fact::Disputed { cents: dispute.amount, name: &dispute.id, dispute: stands };
    purchases::learn(tx, row, fact, now).await?;
    Ok(())
}

/// It is about a payment that was not heard of yet: 503, so that it is sent again.
fn early(what: &str) -> Error {
    pitchey_db::Error::Unavailable(format!("{what} is about a payment that was not heard of yet")).into()
}
