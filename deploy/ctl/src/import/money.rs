//! Payments and credits.

use serde_json::Value;

use super::mending::{Mending, default, is_null, number, set, text, times};
use super::table::{Key, Row, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "transactions",
        from: None,
        key: Key::Number,
        columns: "id, user_id, type, amount, currency, status, stripe_payment_intent_id, description, metadata, created_at",
        mend: transaction,
        beside: None,
    },
    Table {
        name: "credits",
        // There was nothing to keep a user from having several rows.
        from: Some(
            "SELECT min(id) AS id, user_id, sum(coalesce(balance, 0))::bigint AS balance,
                 sum(coalesce(lifetime_purchased, 0))::bigint AS lifetime_purchased,
                 sum(coalesce(lifetime_used, 0))::bigint AS lifetime_used, max(updated_at) AS updated_at,
                 count(*) AS rows
             FROM credits GROUP BY user_id",
        ),
        key: Key::Number,
        columns: "id, user_id, balance, purchased, granted, lifetime_purchased, lifetime_used, updated_at, version",
        mend: credits,
        beside: None,
    },
];

fn transaction(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    let id = number(row, "id").ok_or("no id")?;
    let amount = row["amount"].as_f64().ok_or("no amount")?;
    if amount.fract() != 0.0 {
        // Cents have no fraction: it was written in units.
        set(row, "amount", (amount * 100.0).round());
        mending.mended("an amount with a fraction was in units; it is in cents now");
    }
    let kind = match text(row, "type").unwrap_or_default() {
        kind @ ("subscription" | "credits" | "fee" | "refund" | "dispute" | "invoice") => kind.to_owned(),
        _ => {
            mending.mended("a type that is not known is a fee");
            "fee".to_owned()
        }
    };
    set(row, "type", kind);
    let status = match text(row, "status").unwrap_or("pending") {
        status @ ("pending" | "completed" | "failed" | "refunded" | "partially_refunded" | "disputed"
        | "cancelled") => status.to_owned(),
        "succeeded" | "paid" => "completed".to_owned(),
        "canceled" => "cancelled".to_owned(),
        _ => {
            mending.mended("a status that is not known is a failure");
            "failed".to_owned()
        }
    };
    set(row, "status", status);
    let currency = text(row, "currency").unwrap_or("USD").to_uppercase();
    let known = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !known {
        mending.mended("a currency that is none is USD");
    }
    set(row, "currency", if known { currency } else { "USD".to_owned() });
    if mending.same_intent.contains(&id) {
        set(row, "stripe_payment_intent_id", Value::Null);
        mending.mended("an older payment has the same intent; this one has none");
    }
    Ok(())
}

/// What there is counts as bought: nobody loses it.
fn credits(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    if number(row, "rows").unwrap_or(1) > 1 {
        mending.mended("several rows of a user are one");
    }
    for column in ["balance", "lifetime_purchased", "lifetime_used"] {
        if number(row, column).unwrap_or(0) < 0 {
            set(row, column, 0);
            mending.mended("a number below zero is zero");
        }
    }
    if is_null(row, "updated_at") {
        set(row, "updated_at", mending.now.to_rfc3339());
    }
    let balance = row["balance"].clone();
    set(row, "purchased", balance);
    set(row, "granted", 0);
    default(row, "version", 1);
    Ok(())
}
