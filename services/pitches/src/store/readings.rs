//! `genre_readings`: what users like to read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};

use crate::schema::genre_readings as readings;

/// Counts openings, by (user, pitch): how often, and when last. Pitches that are gone by now are left out.
pub async fn add(
    tx: &mut Tx,
    opened: &BTreeMap<(UserId, PitchId), (i32, DateTime<Utc>)>,
) -> QueryResult<usize> {
    let (mut users, mut pitches) = (Vec::new(), Vec::new());
    let (mut times, mut last) = (Vec::new(), Vec::new());
    for ((user, pitch), (count, at)) in opened {
        users.push(user.0);
        pitches.push(pitch.0);
        times.push(*count);
        last.push(*at);
    }
    // In one order, as two batches may hold the same users.
    sql_query(
        "INSERT INTO genre_readings AS known (user_id, genre, times, last_at)
         SELECT opened.user_id, genre, sum(opened.times), max(opened.at)
         FROM unnest($1, $2, $3, $4) AS opened (user_id, pitch_id, times, at)
         JOIN pitches ON pitches.id = opened.pitch_id
         GROUP BY opened.user_id, genre ORDER BY opened.user_id, genre
         ON CONFLICT (user_id, genre) DO UPDATE SET
             times = known.times + excluded.times, last_at = greatest(known.last_at, excluded.last_at)",
    )
    .bind::<Array<Integer>, _>(users)
    .bind::<Array<Integer>, _>(pitches)
    .bind::<Array<Integer>, _>(times)
    .bind::<Array<Timestamptz>, _>(last)
    .execute(tx)
    .await
}

/// Forgets what `user` read.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    diesel::delete(readings::table.filter(readings::user_id.eq(user.0))).execute(tx).await
}
