//! `pitch_comments`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::{PitchId, UserId};

use super::Place;
use crate::schema::pitch_comments as comments;

/// A comment.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = comments)]
pub struct Comment {
    pub id: i64,
    pub pitch_id: i32,
    pub author_id: i32,
    pub content: String,
    pub created_at: DateTime<Utc>,
    pub edited_at: Option<DateTime<Utc>>,
}

/// A new comment.
pub async fn insert(
    tx: &mut Tx,
    pitch: PitchId,
    author: UserId,
    content: &str,
    now: DateTime<Utc>,
) -> QueryResult<Comment> {
    diesel::insert_into(comments::table)
        .values((
            comments::pitch_id.eq(pitch.0),
            comments::author_id.eq(author.0),
            comments::content.eq(content),
            comments::created_at.eq(now),
        ))
        .returning(Comment::as_returning())
        .get_result(tx)
        .await
}

/// The comment, locked, if it is one of `pitch`.
pub async fn locked(tx: &mut Tx, pitch: PitchId, id: i64) -> QueryResult<Option<Comment>> {
    comments::table
        .find(id)
        .filter(comments::pitch_id.eq(pitch.0))
        .select(Comment::as_select())
        .for_update()
        .first(tx)
        .await
        .optional()
}

/// Replaces the text.
pub async fn write(tx: &mut Tx, id: i64, content: &str, now: DateTime<Utc>) -> QueryResult<Comment> {
    diesel::update(comments::table.find(id))
        .set((comments::content.eq(content), comments::edited_at.eq(now)))
        .returning(Comment::as_returning())
        .get_result(tx)
        .await
}

/// Removes it.
pub async fn remove(tx: &mut Tx, id: i64) -> QueryResult<()> {
    diesel::delete(comments::table.find(id)).execute(tx).await?;
    Ok(())
}

/// Removes everything that `user` wrote. Returns how much of which pitch.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<BTreeMap<i32, i32>> {
    let pitches: Vec<i32> = diesel::delete(comments::table.filter(comments::author_id.eq(user.0)))
        .returning(comments::pitch_id)
        .get_results(tx)
        .await?;
    let mut removed = BTreeMap::new();
    for pitch in pitches {
        *removed.entry(pitch).or_default() += 1;
    }
    Ok(removed)
}

/// Comments on `pitch`, newest first: one page and one more, and how many there are.
pub async fn of_pitch(tx: &mut Tx, pitch: PitchId, place: Place<i64>) -> QueryResult<(Vec<Comment>, i64)> {
    let all = comments::table.filter(comments::pitch_id.eq(pitch.0));
    let counted = Counted(all.select(comments::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let page = page(pitch, place).select(Comment::as_select());
    Ok((page.load(tx).await?, counted))
}

/// The query of a page.
pub(super) fn page<'a>(pitch: PitchId, place: Place<i64>) -> comments::BoxedQuery<'a, Pg> {
    let (at, id) = place.after.unwrap_or((DateTime::<Utc>::MAX_UTC, i64::MAX));
    comments::table
        .into_boxed()
        .filter(comments::pitch_id.eq(pitch.0))
        .filter(comments::created_at.le(at))
        .filter(comments::created_at.lt(at).or(comments::id.lt(id)))
        .order((comments::created_at.desc(), comments::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
}
