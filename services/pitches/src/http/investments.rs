//! What buyers track of their own investments.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_events::PitchId;
use pitchey_web::{Actor, Answer, Command, Listed, Origin, Paging, Timestamp};
use serde::{Deserialize, Serialize};

use super::extract::private;
use crate::error::Error;
use crate::input::plain;
use crate::ops::Act;
use crate::ops::investments as op;
use crate::state::AppState;
use crate::store::investments::Investment as Row;

/// Most, in units of the currency.
const MOST: i64 = 1_000_000_000_000;

/// An investment, as its investor notes it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Investment {
    id: i32,
    pitch_id: i32,
    /// The caller.
    investor_id: i32,
    /// The same as `investorId`.
    user_id: i32,
    /// In units of the currency, with at most two decimals.
    #[schema(value_type = f64)]
    amount: serde_json::Number,
    /// The same in minor units.
    amount_cents: i64,
    currency: String,
    notes: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
}

impl From<Row> for Investment {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            pitch_id: row.pitch_id,
            investor_id: row.investor_id,
            user_id: row.investor_id,
            amount: units(row.amount_cents),
            amount_cents: row.amount_cents,
            currency: row.currency,
            notes: row.notes,
            created_at: row.created_at.into(),
        }
    }
}

/// What an addition answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct InvestmentWritten {
    message: String,
    investment: Investment,
}

/// What is noted.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tracked {
    #[garde(skip)]
    pitch_id: i32,
    /// In units of the currency: more than 0, at most two decimals.
    #[garde(custom(money))]
    #[schema(value_type = f64)]
    amount: serde_json::Number,
    /// Three capital letters; EUR without it.
    #[garde(inner(pattern("^[A-Z]{3}$")))]
    currency: Option<String>,
    /// For the investor only.
    #[garde(custom(plain(2_000)))]
    notes: Option<String>,
}

fn money(amount: &serde_json::Number, (): &()) -> garde::Result {
    let message = "This must be more than 0, at most a million millions, with at most two decimals.";
    cents(amount).map(|_| ()).ok_or_else(|| garde::Error::new(message))
}

/// Exactly, from how the number is written.
fn cents(amount: &serde_json::Number) -> Option<i64> {
    let text = amount.to_string();
    let (units, decimals) = text.split_once('.').unwrap_or((&text, ""));
    if decimals.len() > 2 && decimals.bytes().skip(2).any(|digit| digit != b'0') {
        return None;
    }
    let decimals: String = decimals.chars().chain(['0', '0']).take(2).collect();
    let units: i64 = units.parse().ok().filter(|units| (0..=MOST).contains(units))?;
    let cents = units * 100 + decimals.parse::<i64>().ok()?;
    (1..=MOST * 100).contains(&cents).then_some(cents)
}

fn units(cents: i64) -> serde_json::Number {
    if cents % 100 == 0 {
        return (cents / 100).into();
    }
    #[expect(clippy::cast_precision_loss, reason = "so many cents are exact in an f64's 53 bits")]
    let units = cents as f64 / 100.0;
    serde_json::Number::from_f64(units).unwrap_or_else(|| (cents / 100).into())
}

/// What the caller noted, newest first.
#[utoipa::path(tag = "investments", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Investment>)))]
#[get("/api/investments")]
pub async fn list(state: Data<AppState>, actor: Actor, paging: Paging) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let rows = op::list(&mut tx, actor.id, &paging).await?;
    Ok(private(&rows.map(Investment::from)))
}

/// Notes an investment of the caller. The owner of the pitch is told that there is one, not how much.
#[utoipa::path(tag = "investments", request_body = Tracked, responses((status = 201, body = InvestmentWritten)))]
#[post("/api/investments/track")]
pub async fn track(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Tracked>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, input| {
        let notes = input.notes.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let currency = input.currency.as_deref().unwrap_or("EUR");
        let cents =
            cents(&input.amount).ok_or_else(|| Error::Internal("an amount passed that is none".into()))?;
        let row = op::track(tx, &act, PitchId(input.pitch_id), cents, currency, notes).await?;
        let answer = Answer::created("The investment was noted.");
        Ok::<_, Error>(answer.with("investment", &Investment::from(row)))
    });
    answer.await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<i64> {
        cents(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn money_is_read_exactly() {
        for (text, expected) in [
            ("1", Some(100)),
            ("0.01", Some(1)),
            ("19.99", Some(1_999)),
            ("4.35", Some(435)),
            ("250000.5", Some(25_000_050)),
            ("1000000000000", Some(100_000_000_000_000)),
            ("0", None),
            ("-5", None),
            ("0.001", None),
            ("1e30", None),
            ("1000000000000.01", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn money_is_told_as_it_was_read() {
        for text in ["1", "0.01", "19.99", "999999999999.99"] {
            assert_eq!(units(read(text).unwrap()).to_string(), text);
        }
    }
}
