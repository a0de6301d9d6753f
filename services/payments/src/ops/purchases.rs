//! What the provider tells of a payment, and what follows: the credits it gives, its invoice, who is told. The facts come in any order; each is noted, and
//! what the payment should have given by now is worked out from all of them.

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{CreditsPurchased, PaymentFailed, PaymentRefunded, PaymentSucceeded};
use serde_json::json;

use crate::error::Error;
use crate::ops::record;
use crate::store::ledger::{self, Change};
use crate::store::transactions::{self as store, New, Transaction};
use crate::store::{credits, invoices};
use crate::words::{Dispute, InvoiceKind, LedgerKind, TransactionStatus, TransactionType};

/// Something the provider tells of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// It was paid.
    Paid { at: DateTime<Utc> },
    /// It did not go through, so far.
    Failed { at: DateTime<Utc> },
    /// So much of it went back in all, in minor units; `name` is the provider's for this state.
    Refunded { cents: i64, name: &'a str },
    /// A bank disputes it; `name` is the provider's.
    Disputed { cents: i64, name: &'a str, dispute: Dispute },
}

/// Notes a fact about a locked payment, and does what follows.
pub async fn learn(
    tx: &mut Tx,
    mut row: Transaction,
    fact: Fact<'_>,
    now: DateTime<Utc>,
) -> Result<Transaction, Error> {
    let before = row.clone();
    note(&mut row, fact);
    row.status = status(&row);
    let newly_paid = before.paid_at.is_none() && row.paid_at.is_some();
    let newly_failed = row.status == TransactionStatus::Failed && before.failed_at != row.failed_at;
    if newly_paid {
        purchase(tx, &mut row, now).await?;
    }
    adjust(tx, &mut row, now).await?;
    store::save(tx, &row, now).await?;
    if newly_failed {
        failed(tx, &row)?;
    }
    if row.dispute != before.dispute
        && let Fact::Disputed { cents, name, dispute } = fact
    {
        disputed(tx, &row, cents, name, dispute, now).await?;
    }
    if newly_paid {
        settled(tx, &row, now).await?;
    }
    if row.refunded_cents > before.refunded_cents
        && let Fact::Refunded { name, .. } = fact
    {
        refunded(tx, &row, row.refunded_cents - before.refunded_cents, name, now).await?;
    }
    Ok(row)
}

fn note(row: &mut Transaction, fact: Fact<'_>) {
    match fact {
        Fact::Paid { at } => row.paid_at = row.paid_at.or(Some(at)),
        Fact::Failed { at } => row.failed_at = row.failed_at.max(Some(at)),
        Fact::Refunded { cents, .. } => row.refunded_cents = row.refunded_cents.max(cents.min(row.cents)),
        // What was decided is not open again.
        Fact::Disputed { dispute: Dispute::Open, .. } => row.dispute = row.dispute.or(Some(Dispute::Open)),
        Fact::Disputed { dispute, .. } => row.dispute = Some(dispute),
    }
}

/// How a payment stands, by all that is known of it.
fn status(row: &Transaction) -> TransactionStatus {
    match row {
        Transaction { dispute: Some(Dispute::Open | Dispute::Lost), .. } => TransactionStatus::Disputed,
        Transaction { refunded_cents, cents, .. } if refunded_cents > &0 && refunded_cents >= cents => {
            TransactionStatus::Refunded
        }
        Transaction { refunded_cents, .. } if *refunded_cents > 0 => TransactionStatus::PartiallyRefunded,
        Transaction { paid_at: Some(_), .. } => TransactionStatus::Completed,
        Transaction { failed_at: Some(_), .. } => TransactionStatus::Failed,
        _ => TransactionStatus::Pending,
    }
}

/// How many credits it should have given by now.
fn due(row: &Transaction) -> i32 {
    let Some(credits) = row.credits.filter(|_| row.paid_at.is_some()) else { return 0 };
    match row.dispute {
        Some(Dispute::Open | Dispute::Lost) => 0,
        Some(Dispute::Won) | None => {
            let kept = row.cents - row.refunded_cents;
            i32::try_from(i64::from(credits) * kept / row.cents.max(1)).unwrap_or(0)
        }
    }
}

async fn purchase(tx: &mut Tx, row: &mut Transaction, now: DateTime<Utc>) -> Result<(), Error> {
    let Some(credits) = row.credits else { return Ok(()) };
    credits::open(tx, row.user()).await?;
    let balance = book(tx, row, LedgerKind::Purchase, credits, now).await?;
    let event = CreditsPurchased { user_id: row.user(), credits, balance, transaction_id: row.id };
    outbox::append(tx, &event)?;
    Ok(())
}

/// Takes back what the payment should not have given, as far as it is not spent, or gives it again.
async fn adjust(tx: &mut Tx, row: &mut Transaction, now: DateTime<Utc>) -> Result<(), Error> {
    let change = due(row) - row.given_credits;
    if change == 0 || row.paid_at.is_none() {
        return Ok(());
    }
    let change =
        if change > 0 { change } else { -(-change).min(credits::lock(tx, row.user()).await?.purchased) };
    if change != 0 {
        book(tx, row, LedgerKind::Adjust, change, now).await?;
    }
    if due(row) != row.given_credits {
        let spent = row.given_credits - due(row);
        tracing::warn!(
            transaction = row.id,
            user = row.user_id,
            spent,
            "credits whose money went back were spent"
        );
    }
    Ok(())
}

async fn book(
    tx: &mut Tx,
    row: &mut Transaction,
    kind: LedgerKind,
    amount: i32,
    now: DateTime<Utc>,
) -> Result<i32, Error> {
    let booked_as = format!("payment:{}:{}", row.id, row.changes);
    let change = Change {
        user: row.user(),
        kind,
        amount,
        granted: 0,
        monthly: 0,
        used: 0,
        bought: if kind == LedgerKind::Purchase { amount } else { 0 },
        reason: "package",
        hold: None,
        transaction: Some(row.id),
        booked_as: &booked_as,
        now,
    };
    let balance = ledger::book(tx, &change).await?;
    row.given_credits += amount;
    row.changes += 1;
    Ok(balance)
}

/// Writes the invoice of a payment that is paid since just now, and tells.
pub async fn settled(tx: &mut Tx, row: &Transaction, now: DateTime<Utc>) -> Result<(), Error> {
    let new = json!({ "amountCents": row.cents, "currency": row.currency, "credits": row.credits });
    record(tx, Some(row.user()), "payment.succeeded", "transaction", row.id, new);
    let invoice_number = invoices::write(tx, row, InvoiceKind::Invoice, now).await?;
    let event = PaymentSucceeded {
        user_id: row.user(),
        transaction_id: row.id,
        amount_cents: row.cents,
        currency: row.currency.clone(),
        description: row.description.clone().unwrap_or_default(),
        invoice_number,
        paid_at: row.paid_at.unwrap_or(now),
    };
    outbox::append(tx, &event)?;
    Ok(())
}

/// Tells of a payment that did not go through.
pub fn failed(tx: &mut Tx, row: &Transaction) -> Result<(), Error> {
    let event = PaymentFailed {
        user_id: row.user(),
        transaction_id: row.id,
        amount_cents: row.cents,
        currency: row.currency.clone(),
        description: row.description.clone().unwrap_or_default(),
        for_plan: row.kind == TransactionType::Subscription,
    };
    outbox::append(tx, &event)?;
    Ok(())
}

async fn refunded(
    tx: &mut Tx,
    row: &Transaction,
    cents: i64,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let description = format!("Refund: {}", row.description.as_deref().unwrap_or_default());
    let provider_id = format!("{name}:{}", row.refunded_cents);
    let new = New {
        user: row.user(),
        kind: TransactionType::Refund,
        cents: -cents,
        currency: &row.currency,
        status: TransactionStatus::Completed,
        intent: row.intent.as_deref(),
        provider_id: &provider_id,
        credits: None,
        description: &description,
        now,
    };
    store::insert(tx, &new).await?;
    let refund = store::find(tx, &provider_id).await?;
    let refund = refund.ok_or_else(|| Error::Internal("a refund that was written is not there".into()))?;
    let what = json!({ "amountCents": cents, "currency": row.currency, "creditsLeft": row.given_credits });
    record(tx, None, "payment.refunded", "transaction", row.id, what);
    let invoice_number = invoices::write(tx, &refund, InvoiceKind::CreditNote, now).await?;
    let event = PaymentRefunded {
        user_id: row.user(),
        transaction_id: row.id,
        amount_cents: cents,
        currency: row.currency.clone(),
        invoice_number,
    };
    outbox::append(tx, &event)?;
    Ok(())
}

async fn disputed(
    tx: &mut Tx,
    row: &Transaction,
    cents: i64,
    name: &str,
    dispute: Dispute,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let description = format!("Dispute: {}", row.description.as_deref().unwrap_or_default());
    let status = match dispute {
        Dispute::Open => TransactionStatus::Disputed,
        Dispute::Won => TransactionStatus::Cancelled,
        Dispute::Lost => TransactionStatus::Completed,
    };
    let new = New {
        user: row.user(),
        kind: TransactionType::Dispute,
        cents: -cents,
        currency: &row.currency,
        status,
        intent: row.intent.as_deref(),
        provider_id: name,
        credits: None,
        description: &description,
        now,
    };
    store::insert(tx, &new).await?;
    if let Some(known) = store::lock(tx, name).await?.filter(|known| known.status != status) {
        store::save(tx, &Transaction { status, ..known }, now).await?;
    }
    tracing::warn!(
        transaction = row.id,
        user = row.user_id,
        dispute = dispute.as_str(),
        "a payment is disputed"
    );
    let what = json!({ "dispute": dispute, "amountCents": cents, "creditsLeft": row.given_credits });
    record(tx, None, "payment.disputed", "transaction", row.id, what);
    Ok(())
}
