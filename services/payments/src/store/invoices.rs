//! `invoices` and their numbers: by year, without gaps.

use chrono::{DateTime, Datelike, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use super::cents;
use super::transactions::Transaction;
use crate::schema::{invoice_numbers as numbers, invoices};
use crate::words::InvoiceKind;

/// A number, as people write it.
pub fn written(year: i32, sequence: i32) -> String {
    format!("{year}-{sequence:06}")
}

/// Writes the invoice of `of`, and returns its number. All invoices of a year wait for each other here until the end of their transactions, so this comes
/// last in one.
pub async fn write(
    tx: &mut Tx,
    of: &Transaction,
    kind: InvoiceKind,
    now: DateTime<Utc>,
) -> QueryResult<String> {
    let year = now.year();
    let sequence: i32 = diesel::insert_into(numbers::table)
        .values((numbers::year.eq(year), numbers::last.eq(1)))
        .on_conflict(numbers::year)
        .do_update()
        .set(numbers::last.eq(numbers::last + 1))
        .returning(numbers::last)
        .get_result(tx)
        .await?;
    diesel::insert_into(invoices::table)
        .values((
            invoices::user_id.eq(of.user_id),
            invoices::transaction_id.eq(of.id),
            invoices::year.eq(year),
            invoices::sequence.eq(sequence),
            invoices::kind.eq(kind),
            invoices::amount.eq(cents::numeric(of.cents)),
            invoices::currency.eq(&of.currency),
            invoices::description.eq(of.description.as_deref().unwrap_or_default()),
            invoices::issued_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(written(year, sequence))
}
