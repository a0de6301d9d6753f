//! Reading: balance, ledger, history.

use pitchey_db::Tx;
use pitchey_events::UserId;
use pitchey_web::{Cursor, Listed, Paging};

use crate::error::Error;
use crate::store::credits::{self, Credits};
use crate::store::ledger::{self, Entry, Place};
use crate::store::transactions::{self, Numbered};

/// What `user` has, and how much of it is set aside.
pub async fn balance(tx: &mut Tx, user: UserId) -> Result<(Credits, i64), Error> {
    let credits = credits::find(tx, user).await?.unwrap_or_default();
    Ok((credits, credits::held(tx, user).await?))
}

/// A page of `user`'s ledger, newest first.
pub async fn ledger(tx: &mut Tx, user: UserId, paging: &Paging) -> Result<Listed<Entry>, Error> {
    let after = paging.cursor.as_ref().map(Cursor::key::<i64>).transpose()?;
    let (rows, counted) = ledger::list(tx, user, place(after, paging)).await?;
    Ok(Listed::page(paging, rows, counted, |row| Cursor::after(&row.id)))
}

/// A page of `user`'s payments, newest first.
pub async fn history(tx: &mut Tx, user: UserId, paging: &Paging) -> Result<Listed<Numbered>, Error> {
    let after = paging.cursor.as_ref().map(Cursor::key).transpose()?;
    let (rows, counted) = transactions::list(tx, user, after, place(None, paging)).await?;
    Ok(Listed::page(paging, rows, counted, |(row, ..)| Cursor::after(&(row.created_at, row.id))))
}

const fn place(after: Option<i64>, paging: &Paging) -> Place {
    let offset = if paging.cursor.is_some() { 0 } else { paging.offset() };
    Place { after, offset, limit: paging.limit }
}
