//! `trending_pitches`: the list that analytics computed last.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::Trending;

use super::pitches::Card;
use crate::schema::{pitches, trending_pitches as trending};

/// A line of the list.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = trending)]
pub struct Factors {
    pub pitch_id: i32,
    pub rank: i32,
    pub score: f64,
    pub unique_viewers: i64,
    pub follows: i64,
    pub nda_requests: i64,
    pub computed_at: DateTime<Utc>,
}

/// Replaces the list; pitches that are gone by now are left out.
pub async fn replace(tx: &mut Tx, computed_at: DateTime<Utc>, entries: &[Trending]) -> QueryResult<()> {
    let ids: Vec<i32> = entries.iter().map(|entry| entry.pitch_id.0).collect();
    let there: Vec<i32> =
        pitches::table.filter(pitches::id.eq_any(ids)).select(pitches::id).for_key_share().load(tx).await?;
    let mut once: HashSet<i32> = there.into_iter().collect();
    let mut rows = Vec::with_capacity(entries.len());
    for (rank, entry) in (1i32..).zip(entries.iter().filter(|entry| once.remove(&entry.pitch_id.0))) {
        rows.push((
            trending::pitch_id.eq(entry.pitch_id.0),
            trending::rank.eq(rank),
            trending::score.eq(entry.score),
            trending::unique_viewers.eq(entry.unique_viewers),
            trending::follows.eq(entry.follows),
            trending::nda_requests.eq(entry.nda_requests),
            trending::computed_at.eq(computed_at),
        ));
    }
    diesel::delete(trending::table).execute(tx).await?;
    diesel::insert_into(trending::table).values(rows).execute(tx).await?;
    Ok(())
}

/// The published pitches of the list, the highest score first.
pub async fn list(tx: &mut Tx, limit: i64) -> QueryResult<Vec<(Card, Factors)>> {
    trending::table
        .inner_join(pitches::table.on(trending::pitch_id.eq(pitches::id)))
        .filter(sql::<Bool>("pitches.status = 'published'"))
        .select((Card::as_select(), Factors::as_select()))
        .order(trending::rank)
        .limit(limit)
        .load(tx)
        .await
}
