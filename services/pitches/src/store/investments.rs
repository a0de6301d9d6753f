//! `investments`.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::UserId;

use super::Place;
use crate::schema::investments;

/// What a buyer noted.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = investments)]
pub struct Investment {
    pub id: i32,
    pub investor_id: i32,
    pub pitch_id: i32,
    pub amount_cents: i64,
    pub currency: String,
    pub notes: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A new note.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = investments)]
pub struct New<'a> {
    pub investor_id: i32,
    pub pitch_id: i32,
    pub amount_cents: i64,
    pub currency: &'a str,
    pub notes: Option<&'a str>,
    pub created_at: DateTime<Utc>,
}

/// Inserts it.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<Investment> {
    diesel::insert_into(investments::table)
        .values(new)
        .returning(Investment::as_returning())
        .get_result(tx)
        .await
}

/// What a buyer noted, newest first: one page and one more, and how many there are.
pub async fn of(tx: &mut Tx, investor: UserId, place: Place) -> QueryResult<(Vec<Investment>, i64)> {
    let counted = investments::table
        .filter(investments::investor_id.eq(investor.0))
        .select(investments::id)
        .limit(pitchey_web::COUNTED + 1);
    let counted = Counted(counted).get_result(tx).await?;
    Ok((page(investor, place).select(Investment::as_select()).load(tx).await?, counted))
}

/// The query of a page.
pub(super) fn page<'a>(investor: UserId, place: Place) -> investments::BoxedQuery<'a, Pg> {
    let mut query = investments::table.into_boxed().filter(investments::investor_id.eq(investor.0));
    if let Some((at, id)) = place.after {
        query = query
            .filter(investments::created_at.le(at))
            .filter(investments::created_at.lt(at).or(investments::id.lt(id)));
    }
    query
        .order((investments::created_at.desc(), investments::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
}

/// Forgets everything a buyer noted.
pub async fn forget(tx: &mut Tx, investor: UserId) -> QueryResult<()> {
    diesel::delete(investments::table.filter(investments::investor_id.eq(investor.0))).execute(tx).await?;
    Ok(())
}
