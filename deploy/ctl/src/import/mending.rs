//! What mending a row may need to know.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_seal::Sealer;
use serde_json::Value;

use super::table::Row;
use crate::Failure;

/// Known of the whole source before its rows come, and of the rows that came before.
pub(super) struct Mending {
    pub(super) sealer: Sealer,
    pub(super) now: DateTime<Utc>,
    /// Users with an e-mail address that an older one has, in another case.
    pub(super) same_email: HashSet<i64>,
    /// The same of user names.
    pub(super) same_username: HashSet<i64>,
    /// NDAs that are active beside one that counts more for the same pitch and person.
    pub(super) surplus_ndas: HashSet<i64>,
    /// Payments with an intent that an older one has.
    pub(super) same_intent: HashSet<i64>,
    /// The direct conversation of a pair, and the discussion of a pitch with a person.
    pub(super) pairs: HashMap<(&'static str, i64, i64), i64>,
    mended: Vec<&'static str>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl Mending {
    pub(super) async fn new(
        from: &mut AsyncPgConnection,
        sealer: Sealer,
        now: DateTime<Utc>,
    ) -> Result<Self, Failure> {
        let mut later = async |table: &str,
                               by: &str,
                               first: &str,
                               only: &str|
               -> Result<HashSet<i64>, Failure> {
            let sql = format!(
                "SELECT id::bigint AS id
                 FROM (SELECT id, row_number() OVER (PARTITION BY {by} ORDER BY {first}) AS n FROM {table} WHERE {only}) AS ranked
                 WHERE n > 1"
            );
            let found: Vec<Found> = sql_query(sql).load(from).await?;
            Ok(found.into_iter().map(|row| row.id).collect())
        };
        Ok(Self {
            same_email: later("users", "lower(email)", "id", "true").await?,
            same_username: later("users", "lower(username)", "id", "true").await?,
            surplus_ndas: later(
                "ndas",
                "pitch_id, requester_id",
                "(status = 'signed') DESC, (status = 'approved') DESC, id DESC",
                "status IN ('pending', 'approved', 'signed')",
            )
            .await?,
            same_intent: later(
                "transactions",
                "stripe_payment_intent_id",
                "id",
                "stripe_payment_intent_id IS NOT NULL",
            )
            .await?,
            sealer,
            now,
            pairs: HashMap::new(),
            mended: Vec::new(),
        })
    }

    /// Says that the row at hand was mended.
    pub(super) fn mended(&mut self, what: &'static str) {
        self.mended.push(what);
    }

    /// What was mended of the row at hand; the next begins.
    pub(super) fn take(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.mended)
    }

    /// Seals a column to its place, where it has a text.
    pub(super) fn seal(&self, row: &mut Row, column: &str, place: &str) -> Result<(), String> {
        if let Some(text) = text(row, column).filter(|text| !text.trim().is_empty()) {
            let sealed = self.sealer.seal(place, text).map_err(|error| error.to_string())?;
            row.insert(column.to_owned(), Value::String(sealed));
        } else {
            row.insert(column.to_owned(), Value::Null);
        }
        Ok(())
    }
}

pub(super) fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.get(column).and_then(Value::as_str)
}

pub(super) fn number(row: &Row, column: &str) -> Option<i64> {
    row.get(column).and_then(Value::as_i64)
}

pub(super) fn is_null(row: &Row, column: &str) -> bool {
    row.get(column).is_none_or(Value::is_null)
}

pub(super) fn set(row: &mut Row, column: &str, value: impl Into<Value>) {
    row.insert(column.to_owned(), value.into());
}

/// What the former schema let be null has the default that it would have had.
pub(super) fn default(row: &mut Row, column: &str, value: impl Into<Value>) {
    if is_null(row, column) {
        set(row, column, value);
    }
}

/// `created_at`, and `updated_at` if there is one, are never null.
pub(super) fn times(row: &mut Row) {
    default(row, "created_at", "2000-01-01T00:00:00Z");
    if row.contains_key("updated_at") {
        let created_at = row["created_at"].clone();
        default(row, "updated_at", created_at);
    }
}

/// When a column says: the former database kept UTC without saying so.
pub(super) fn time(row: &Row, column: &str) -> Option<DateTime<Utc>> {
    let text = text(row, column)?;
    text.parse().ok().or_else(|| text.parse::<chrono::NaiveDateTime>().ok().map(|at| at.and_utc()))
}
