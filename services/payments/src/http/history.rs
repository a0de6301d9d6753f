//! What somebody paid.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use pitchey_web::{Actor, Listed, Paging, Timestamp};
use serde::Serialize;

use crate::error::Error;
use crate::ops::looking;
use crate::state::AppState;
use crate::store::invoices;
use crate::store::transactions::{self, Numbered};
use crate::words::{TransactionStatus, TransactionType};

/// A movement of money.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    id: i64,
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    kind: TransactionType,
    /// In minor units; below zero when it went back.
    amount_cents: i64,
    /// ISO 4217.
    currency: String,
    status: TransactionStatus,
    description: Option<String>,
    /// Of a package: how many credits it holds.
    credits: Option<i32>,
    /// How much of it went back, in minor units.
    refunded_cents: i64,
    /// Of its invoice or credit note.
    invoice_number: Option<String>,
    #[schema(value_type = Option<String>)]
    paid_at: Option<Timestamp>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl Transaction {
    /// Its place in the history.
    pub const fn key(&self) -> (DateTime<Utc>, i64) {
        (self.created_at.0, self.id)
    }

    /// As a line of a table, in the order of [`Self::COLUMNS`].
    pub fn line(&self) -> [String; 9] {
        let time = |at: Timestamp| at.0.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        [
            self.id.to_string(),
            time(self.created_at),
            self.paid_at.map(time).unwrap_or_default(),
            self.kind.as_str().to_owned(),
            self.status.as_str().to_owned(),
            self.amount_cents.to_string(),
            self.currency.clone(),
            self.invoice_number.clone().unwrap_or_default(),
            self.description.clone().unwrap_or_default(),
        ]
    }

    /// What is in which column of [`Self::line`].
    pub const COLUMNS: [&str; 9] = [
        "id",
        "createdAt",
        "paidAt",
        "type",
        "status",
        "amountCents",
        "currency",
        "invoiceNumber",
        "description",
    ];
}

impl From<transactions::Transaction> for Transaction {
    fn from(row: transactions::Transaction) -> Self {
        Self::from((row, None, None))
    }
}

impl From<Numbered> for Transaction {
    fn from((row, year, sequence): Numbered) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            amount_cents: row.cents,
            currency: row.currency,
            status: row.status,
            description: row.description,
            credits: row.credits,
            refunded_cents: row.refunded_cents,
            invoice_number: year.zip(sequence).map(|(year, sequence)| invoices::written(year, sequence)),
            paid_at: row.paid_at.map(Timestamp::from),
            created_at: row.created_at.into(),
        }
    }
}

/// The caller's payments, newest first.
#[utoipa::path(tag = "payments", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Transaction>)))]
#[get("/api/payments/history")]
pub async fn list(state: Data<AppState>, actor: Actor, paging: Paging) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = looking::history(&mut tx, actor.id, &paging).await?;
    Ok(HttpResponse::Ok().json(found.map(Transaction::from)))
}
