//! `credit_ledger`, and with every row of it the balance that it changes: one statement for both.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid, VarChar};
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{HoldKey, UserId};

use crate::schema::credit_ledger as ledger;
use crate::words::{HoldStatus, LedgerKind, Reason};

/// A row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = ledger, check_for_backend(diesel::pg::Pg))]
pub struct Entry {
    pub id: i64,
    pub kind: LedgerKind,
    pub amount: i32,
    pub balance_after: i32,
    pub reason: Option<String>,
    pub transaction_id: Option<i64>,
    pub created_at: DateTime<Utc>,
}

/// What a spending or holding took, and what is left.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Taken {
    #[diesel(sql_type = Integer)]
    pub balance_after: i32,
    /// Of it, from granted credits.
    #[diesel(sql_type = Integer)]
    pub granted: i32,
    /// Of that, from the last monthly grant.
    #[diesel(sql_type = Integer)]
    pub monthly: i32,
}

/// Credits to be taken from a balance.
#[derive(Clone, Copy, Debug)]
pub struct Taking<'a> {
    pub user: UserId,
    pub amount: i32,
    pub reason: Reason,
    /// The hold's, or the charge's.
    pub key: HoldKey,
    /// What happens, by a name that is the same at every try.
    pub booked_as: &'a str,
    pub now: DateTime<Utc>,
}

/// Takes credits if there are enough: monthly ones first, then granted ones, then bought ones. `before` is locked before anything is decided, so the
/// parts that were taken are those of the row that was changed.
const TAKE: &str = "
    WITH before AS (SELECT granted, monthly FROM credits WHERE user_id = $1 FOR UPDATE),
    changed AS (
        UPDATE credits AS c SET
            balance       = c.balance - $2,
            monthly       = c.monthly - least(c.monthly, $2),
            granted       = c.granted - least(c.granted, $2),
            purchased     = c.purchased - greatest($2 - c.granted, 0),
            lifetime_used = c.lifetime_used + $3,
            version       = c.version + 1,
            updated_at    = $4
        FROM before
        WHERE c.user_id = $1 AND c.balance >= $2
        RETURNING c.balance, before.granted - c.granted AS granted, before.monthly - c.monthly AS monthly)";

/// What a hold or a charge is from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// Set aside until then.
    Hold { until: DateTime<Utc> },
    /// Spent.
    Charge,
}

/// Takes credits, with the row of `credit_holds` that says what for. `None`: there are not enough, and nothing has changed.
///
/// # Errors
/// `credit_ledger_idempotency_key_key` if the key is in use; `credit_holds_pkey` if it is by a hold of nothing.
pub async fn take(tx: &mut Tx, taking: Taking<'_>, what: As) -> QueryResult<Option<Taken>> {
    let sql = format!(
        "{TAKE},
        held AS (
            INSERT INTO credit_holds (key, user_id, reason, amount, granted, monthly, status, tentative_until, created_at, updated_at)
            SELECT $5, $1, $6, $2, granted, monthly, $9, $10, $4, $4 FROM changed)
        {BOOK_TAKEN}"
    );
    let (kind, used, status, until) = match what {
        As::Hold { until } => (LedgerKind::Hold, 0, HoldStatus::Tentative, until),
        As::Charge => (LedgerKind::Usage, taking.amount, HoldStatus::Captured, taking.now),
    };
    bound(sql, taking, kind, used)
        .bind::<VarChar, _>(status)
        .bind::<Timestamptz, _>(until)
        .get_result(tx)
        .await
        .optional()
}

/// Takes once more for a hold that had lapsed.
pub async fn take_again(tx: &mut Tx, taking: Taking<'_>) -> QueryResult<Option<Taken>> {
    bound(format!("{TAKE} {BOOK_TAKEN}"), taking, LedgerKind::Hold, 0).get_result(tx).await.optional()
}

const BOOK_TAKEN: &str = "
    INSERT INTO credit_ledger (user_id, kind, amount, granted, monthly, used, balance_after, reason, hold_key, idempotency_key, created_at)
    SELECT $1, $8, -$2, -granted, -monthly, $3, balance, $6, $5, $7, $4 FROM changed
    RETURNING balance_after, -granted AS granted, -monthly AS monthly";

type Bound = diesel::query_builder::BoxedSqlQuery<'static, diesel::pg::Pg, diesel::query_builder::SqlQuery>;

fn bound(sql: String, taking: Taking<'_>, kind: LedgerKind, used: i32) -> Bound {
    diesel::sql_query(sql)
        .into_boxed()
        .bind::<Integer, _>(taking.user.0)
        .bind::<Integer, _>(taking.amount)
        .bind::<Integer, _>(used)
        .bind::<Timestamptz, _>(taking.now)
        .bind::<SqlUuid, _>(taking.key.0)
        .bind::<VarChar, _>(taking.reason)
        .bind::<Text, _>(taking.booked_as.to_owned())
        .bind::<VarChar, _>(kind)
}

/// Any other change of a balance.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    pub user: UserId,
    pub kind: LedgerKind,
    /// Of the balance; the bought part changes by what is not `granted`.
    pub amount: i32,
    pub granted: i32,
    pub monthly: i32,
    /// Of lifetime_used.
    pub used: i32,
    /// Of lifetime_purchased.
    pub bought: i32,
    pub reason: &'a str,
    pub hold: Option<HoldKey>,
    pub transaction: Option<i64>,
    /// What happened, by a name that is the same at every try.
    pub booked_as: &'a str,
    pub now: DateTime<Utc>,
}

/// Books `change`; the user's row of `credits` must be there. Returns the balance.
///
/// # Errors
/// `credit_ledger_idempotency_key_key` if it was booked before; a check of `credits` if there is not so much to take.
pub async fn book(tx: &mut Tx, change: &Change<'_>) -> QueryResult<i32> {
    #[derive(QueryableByName)]
    struct Booked {
        #[diesel(sql_type = Integer)]
        balance_after: i32,
    }
    let sql = "
        WITH changed AS (
            UPDATE credits SET
                balance = balance + $2, granted = granted + $3, monthly = monthly + $4, purchased = purchased + $2 - $3,
                lifetime_used = lifetime_used + $5, lifetime_purchased = lifetime_purchased + $6, version = version + 1, updated_at = $7
            WHERE user_id = $1
            RETURNING balance)
        INSERT INTO credit_ledger
            (user_id, amount, granted, monthly, used, bought, created_at, kind, reason, hold_key, transaction_id, idempotency_key, balance_after)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, balance FROM changed
        RETURNING balance_after";
    let booked: Booked = diesel::sql_query(sql)
        .bind::<Integer, _>(change.user.0)
        .bind::<Integer, _>(change.amount)
        .bind::<Integer, _>(change.granted)
        .bind::<Integer, _>(change.monthly)
        .bind::<Integer, _>(change.used)
        .bind::<Integer, _>(change.bought)
        .bind::<Timestamptz, _>(change.now)
        .bind::<VarChar, _>(change.kind)
        .bind::<VarChar, _>(change.reason)
        .bind::<Nullable<SqlUuid>, _>(change.hold.map(|key| key.0))
        .bind::<Nullable<BigInt>, _>(change.transaction)
        .bind::<Text, _>(change.booked_as)
        .get_result(tx)
        .await?;
    Ok(booked.balance_after)
}

/// Whether something was booked under this name. Meant for who holds the lock of the user's row.
pub async fn is_booked(tx: &mut Tx, booked_as: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(ledger::table.filter(ledger::idempotency_key.eq(booked_as))))
        .get_result(tx)
        .await
}

/// Where a page begins.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The last row of the page before.
    pub after: Option<i64>,
    pub offset: i64,
    pub limit: i64,
}

/// `user`'s rows, newest first: one page and one more, and how many there are, counted up to a limit.
pub async fn list(tx: &mut Tx, user: UserId, place: Place) -> QueryResult<(Vec<Entry>, i64)> {
    let all =
        ledger::table.filter(ledger::user_id.eq(user.0)).select(ledger::id).limit(pitchey_web::COUNTED + 1);
    let counted = Counted(all).get_result(tx).await?;
    Ok((rows(tx, user, place).await?, counted))
}

/// `user`'s rows, newest first: one page and one more.
pub async fn rows(tx: &mut Tx, user: UserId, place: Place) -> QueryResult<Vec<Entry>> {
    page(user, place).select(Entry::as_select()).load(tx).await
}

/// The query of a page.
pub(super) fn page<'a>(user: UserId, place: Place) -> ledger::BoxedQuery<'a, diesel::pg::Pg> {
    let mut query = ledger::table.filter(ledger::user_id.eq(user.0)).into_boxed();
    if let Some(id) = place.after {
        query = query.filter(ledger::id.lt(id));
    }
    query.order(ledger::id.desc()).offset(place.offset).limit(place.limit + 1)
}
