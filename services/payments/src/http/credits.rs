//! What somebody has, and how it came to be.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use pitchey_web::{Actor, Listed, Paging, Timestamp};
use serde::Serialize;

use crate::error::Error;
use crate::ops::looking;
use crate::state::AppState;
use crate::store::ledger::Entry as Row;
use crate::words::LedgerKind;

/// What somebody has.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// Can be spent.
    balance: i32,
    /// Of these, granted: spent first.
    granted: i32,
    /// Of these, bought: they do not expire.
    purchased: i32,
    /// Set aside for what waits for an answer; in the balance no more.
    held: i64,
    lifetime_purchased: i32,
    lifetime_used: i32,
}

/// A change of the balance.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    id: i64,
    /// Why.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: LedgerKind,
    /// By how much; 0 where what was held is spent.
    amount: i32,
    /// The balance afterwards.
    balance_after: i32,
    /// What for.
    reason: Option<String>,
    /// The payment, where it was bought.
    transaction_id: Option<i64>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl Entry {
    /// Where it stands in the ledger.
    pub const fn id(&self) -> i64 {
        self.id
    }
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            amount: row.amount,
            balance_after: row.balance_after,
            reason: row.reason,
            transaction_id: row.transaction_id,
            created_at: row.created_at.into(),
        }
    }
}

/// The caller's credits.
#[utoipa::path(tag = "payments", responses((status = 200, body = Balance)))]
#[get("/api/payments/credits/balance")]
pub async fn balance(state: Data<AppState>, actor: Actor) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (credits, held) = looking::balance(&mut tx, actor.id).await?;
    Ok(HttpResponse::Ok().json(Balance {
        balance: credits.balance,
        granted: credits.granted,
        purchased: credits.purchased,
        held,
        lifetime_purchased: credits.lifetime_purchased,
        lifetime_used: credits.lifetime_used,
    }))
}

/// Every change of the caller's balance, newest first.
#[utoipa::path(tag = "payments", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Entry>)))]
#[get("/api/payments/credits/ledger")]
pub async fn ledger(state: Data<AppState>, actor: Actor, paging: Paging) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = looking::ledger(&mut tx, actor.id, &paging).await?;
    Ok(HttpResponse::Ok().json(found.map(Entry::from)))
}
