//! `pitch_likes`.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{PitchId, UserId};

use super::Place;
use crate::schema::pitch_likes as likes;

/// Whether it is new.
pub async fn insert(tx: &mut Tx, pitch: PitchId, user: UserId, now: DateTime<Utc>) -> QueryResult<bool> {
    let inserted = diesel::insert_into(likes::table)
        .values((likes::pitch_id.eq(pitch.0), likes::user_id.eq(user.0), likes::created_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    Ok(inserted == 1)
}

/// Whether there was one.
pub async fn remove(tx: &mut Tx, pitch: PitchId, user: UserId) -> QueryResult<bool> {
    Ok(diesel::delete(likes::table.find((pitch.0, user.0))).execute(tx).await? == 1)
}

/// Takes every like of `user` back. Returns the pitches.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<Vec<i32>> {
    diesel::delete(likes::table.filter(likes::user_id.eq(user.0)))
        .returning(likes::pitch_id)
        .get_results(tx)
        .await
}

/// Who likes `pitch`, newest first: (user, when), one page and one more, and how many there are.
pub async fn of_pitch(
    tx: &mut Tx,
    pitch: PitchId,
    place: Place,
) -> QueryResult<(Vec<(i32, DateTime<Utc>)>, i64)> {
    let all = likes::table.filter(likes::pitch_id.eq(pitch.0));
    let counted = Counted(all.select(likes::user_id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let page = page(pitch, place).select((likes::user_id, likes::created_at));
    Ok((page.load(tx).await?, counted))
}

/// The query of a page.
pub(super) fn page<'a>(pitch: PitchId, place: Place) -> likes::BoxedQuery<'a, Pg> {
    let (at, user) = place.begin();
    likes::table
        .into_boxed()
        .filter(likes::pitch_id.eq(pitch.0))
        .filter(likes::created_at.le(at))
        .filter(likes::created_at.lt(at).or(likes::user_id.lt(user)))
        .order((likes::created_at.desc(), likes::user_id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
}
