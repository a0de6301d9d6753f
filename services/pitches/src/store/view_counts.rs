//! `pitches.views`: what analytics has counted.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::PitchId;

use crate::schema::pitches;

/// Sets how often `pitch` was viewed, all in all. Neither its version nor `updated_at` changes: nobody edited it.
pub async fn set(tx: &mut Tx, pitch: PitchId, views: i64) -> QueryResult<usize> {
    diesel::update(pitches::table.find(pitch.0))
        .set(pitches::views.eq(i32::try_from(views).unwrap_or(i32::MAX)))
        .execute(tx)
        .await
}
