//! The history as a file.

use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use async_stream::try_stream;
use csv::Writer;
use futures_util::Stream;
use garde::Validate;
use pitchey_events::UserId;
use pitchey_web::{Actor, ValidatedQuery};
use serde::Deserialize;

use super::history::Transaction;
use super::unknown;
use crate::error::Error;
use crate::state::AppState;
use crate::store::ledger::Place;
use crate::store::transactions;

/// Rows that are read at once; no more of the file is ever in memory.
const ROWS: i64 = 500;

/// How it is to be written.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Wanted {
    /// csv.
    format: Option<String>,
}

/// All of the caller's payments, newest first.
#[utoipa::path(tag = "payments", params(Wanted), responses((status = 200, content_type = "text/csv", body = String)))]
#[get("/api/payments/export")]
pub async fn export(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(wanted): ValidatedQuery<Wanted>,
) -> Result<HttpResponse, Error> {
    if !matches!(wanted.format.as_deref(), None | Some("" | "csv")) {
        return Err(unknown("format", "This must be csv.").into());
    }
    // What goes wrong at once is still told as an error.
    let first = page(&state, actor.id, None).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"payments.csv\""))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(Box::pin(lines(state, actor.id, first))))
}

/// The file, a page at a time. If the database goes away the connection breaks off: a shorter file would look whole.
fn lines(
    state: Data<AppState>,
    user: UserId,
    first: Vec<Transaction>,
) -> impl Stream<Item = Result<Bytes, Error>> {
    try_stream! {
        yield table([Transaction::COLUMNS.map(str::to_owned)])?;
        let mut rows = first;
        while let Some(last) = rows.last().map(Transaction::key) {
            yield table(rows.iter().map(Transaction::line))?;
            rows = page(&state, user, Some(last)).await?;
        }
    }
}

async fn page(state: &AppState, user: UserId, after: transactions::After) -> Result<Vec<Transaction>, Error> {
    let mut tx = state.databases.user.begin(Some(user)).await?;
    let rows =
        transactions::page(&mut tx, user, after, Place { after: None, offset: 0, limit: ROWS - 1 }).await?;
    Ok(rows.into_iter().map(Transaction::from).collect())
}

fn table(lines: impl IntoIterator<Item = [String; 9]>) -> Result<Bytes, Error> {
    let mut writer = Writer::from_writer(Vec::new());
    for line in lines {
        writer
            .write_record(line.iter().map(|cell| harmless(cell)))
            .map_err(|error| Error::Internal(error.into()))?;
    }
    let written = writer.into_inner().map_err(|error| Error::Internal(error.to_string().into()))?;
    Ok(written.into())
}

/// Programs that open tables take text for a formula if it begins like one. Numbers may begin with a sign.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<i64>().is_err();
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_is_a_formula() {
        for formula in ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx"] {
            assert!(harmless(formula).starts_with('\''), "{formula}");
        }
        for text in ["-1999", "10 credits", "2026-000001", ""] {
            assert_eq!(harmless(text), text);
        }
    }
}
