//! `transactions`: money in and out, each row with what the provider told of it.

use chrono::{DateTime, Utc};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::UserId;

use super::cents;
use super::ledger::Place;
use crate::schema::{invoices, transactions};
use crate::words::{Dispute, TransactionStatus, TransactionType};

/// A row.
#[derive(Clone, Debug, Queryable)]
pub struct Transaction {
    pub id: i64,
    pub user_id: i32,
    pub kind: TransactionType,
    pub cents: i64,
    pub currency: String,
    pub status: TransactionStatus,
    pub intent: Option<String>,
    pub description: Option<String>,
    pub created_at: DateTime<Utc>,
    pub provider_id: Option<String>,
    pub credits: Option<i32>,
    pub given_credits: i32,
    pub changes: i32,
    pub paid_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub refunded_cents: i64,
    pub dispute: Option<Dispute>,
}

impl Transaction {
    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn columns() -> _ {
    let amount: SqlLiteral<BigInt> = cents::read("transactions.amount");
    (
        transactions::id,
        transactions::user_id,
        transactions::kind,
        amount,
        transactions::currency,
        transactions::status,
        transactions::stripe_payment_intent_id,
        transactions::description,
        transactions::created_at,
        transactions::provider_id,
        transactions::credits,
        transactions::given_credits,
        transactions::changes,
        transactions::paid_at,
        transactions::failed_at,
        transactions::refunded_cents,
        transactions::dispute,
    )
}

/// A new row.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub user: UserId,
    pub kind: TransactionType,
    pub cents: i64,
    pub currency: &'a str,
    pub status: TransactionStatus,
    pub intent: Option<&'a str>,
    /// What it books, at the provider.
    pub provider_id: &'a str,
    pub credits: Option<i32>,
    pub description: &'a str,
    pub now: DateTime<Utc>,
}

/// Writes it unless what it books is booked. Whether it is new.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<bool> {
    let written = diesel::insert_into(transactions::table)
        .values((
            transactions::user_id.eq(new.user.0),
            transactions::kind.eq(new.kind),
            transactions::amount.eq(cents::numeric(new.cents)),
            transactions::currency.eq(new.currency),
            transactions::status.eq(new.status),
            transactions::stripe_payment_intent_id.eq(new.intent),
            transactions::provider_id.eq(new.provider_id),
            transactions::credits.eq(new.credits),
            transactions::description.eq(new.description),
            transactions::created_at.eq(new.now),
            transactions::updated_at.eq(new.now),
        ))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    Ok(written == 1)
}

/// The row that books what the provider calls `provider_id`.
pub async fn find(tx: &mut Tx, provider_id: &str) -> QueryResult<Option<Transaction>> {
    let query = transactions::table.filter(transactions::provider_id.eq(provider_id));
    query.select(columns()).first(tx).await.optional()
}

/// The same, locked.
pub async fn lock(tx: &mut Tx, provider_id: &str) -> QueryResult<Option<Transaction>> {
    let query = transactions::table.filter(transactions::provider_id.eq(provider_id));
    query.select(columns()).for_no_key_update().first(tx).await.optional()
}

/// The payment that was made by `intent`, locked.
pub async fn lock_by_intent(tx: &mut Tx, intent: &str) -> QueryResult<Option<Transaction>> {
    transactions::table
        .filter(transactions::stripe_payment_intent_id.eq(intent))
        .filter(transactions::kind.eq_any([TransactionType::Credits, TransactionType::Subscription]))
        .select(columns())
        .for_no_key_update()
        .first(tx)
        .await
        .optional()
}

/// The row with this id.
pub async fn by_id(tx: &mut Tx, id: i64) -> QueryResult<Option<Transaction>> {
    transactions::table.find(id).select(columns()).first(tx).await.optional()
}

/// Writes what is known of a locked row, and what follows from it.
pub async fn save(tx: &mut Tx, row: &Transaction, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(transactions::table.find(row.id))
        .set((
            transactions::status.eq(row.status),
            transactions::stripe_payment_intent_id.eq(&row.intent),
            transactions::given_credits.eq(row.given_credits),
            transactions::changes.eq(row.changes),
            transactions::paid_at.eq(row.paid_at),
            transactions::failed_at.eq(row.failed_at),
            transactions::refunded_cents.eq(row.refunded_cents),
            transactions::dispute.eq(row.dispute),
            transactions::updated_at.eq(now),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// A row with the number of its invoice, if one was written.
pub type Numbered = (Transaction, Option<i32>, Option<i32>);

/// `user`'s rows, newest first: one page and one more, and how many there are.
pub async fn list(
    tx: &mut Tx,
    user: UserId,
    after: After,
    place: Place,
) -> QueryResult<(Vec<Numbered>, i64)> {
    let all = transactions::table.filter(transactions::user_id.eq(user.0)).select(transactions::id);
    let counted: i64 = Counted(all.limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    Ok((page(tx, user, after, place).await?, counted))
}

/// The sort key of the row before the page.
pub type After = Option<(DateTime<Utc>, i64)>;

/// One page and one more row.
pub async fn page(tx: &mut Tx, user: UserId, after: After, place: Place) -> QueryResult<Vec<Numbered>> {
    // A page without a cursor begins after nothing: later than all rows.
    let (at, id) = after.unwrap_or((DateTime::<Utc>::MAX_UTC, i64::MAX));
    transactions::table
        .left_join(invoices::table)
        .filter(transactions::user_id.eq(user.0))
        .filter(transactions::created_at.le(at))
        .filter(transactions::created_at.lt(at).or(transactions::id.lt(id)))
        .order((transactions::created_at.desc(), transactions::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
        .select((columns(), invoices::year.nullable(), invoices::sequence.nullable()))
        .load(tx)
        .await
}

/// Names of up to `limit` payments that are still open and whose names begin with `prefix`. For the local provider's few.
pub async fn pending(tx: &mut Tx, prefix: &str, limit: i64) -> QueryResult<Vec<String>> {
    let names: Vec<Option<String>> = transactions::table
        .filter(transactions::status.eq(TransactionStatus::Pending))
        .filter(transactions::provider_id.like(format!("{prefix}%")))
        .select(transactions::provider_id)
        .limit(limit)
        .load(tx)
        .await?;
    Ok(names.into_iter().flatten().collect())
}
