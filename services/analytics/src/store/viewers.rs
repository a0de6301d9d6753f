//! `pitch_viewers`: who saw which pitch, and when last.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};
use pitchey_web::{COUNTED, Cursor, Paging, Refusal};

use crate::schema::pitch_viewers;

/// A viewer of a pitch.
#[derive(Clone, Debug, PartialEq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = pitch_viewers, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Viewer {
    pub(crate) pitch_id: i32,
    pub(crate) viewer: Vec<u8>,
    pub(crate) viewer_id: Option<i32>,
    pub(crate) viewer_type: String,
    pub(crate) views: i32,
    pub(crate) protected_views: i32,
    pub(crate) seconds: i64,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    pub(crate) last_source: String,
    pub(crate) last_seconds: Option<i32>,
    pub(crate) last_protected: bool,
}

/// What is known of these (pitch, viewer) pairs.
pub(crate) async fn find(tx: &mut Tx, pairs: &[(i32, &[u8])]) -> QueryResult<Vec<Viewer>> {
    let (pitches, viewers): (Vec<i32>, Vec<&[u8]>) = pairs.iter().copied().unzip();
    sql_query(
        "SELECT known.* FROM unnest($1, $2) AS asked (pitch_id, viewer)
         JOIN pitch_viewers AS known ON known.pitch_id = asked.pitch_id AND known.viewer = asked.viewer",
    )
    .bind::<Array<Integer>, _>(pitches)
    .bind::<Array<Bytea>, _>(viewers)
    .load(tx)
    .await
}

/// Writes what is known now. Only while taking turns.
pub(crate) async fn keep(tx: &mut Tx, rows: &[&Viewer]) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO pitch_viewers (pitch_id, viewer, viewer_id, viewer_type, views, protected_views, seconds, first_at, last_at,
                                    last_source, last_seconds, last_protected)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (pitch_id, viewer) DO UPDATE SET
             viewer_type = excluded.viewer_type, views = excluded.views, protected_views = excluded.protected_views,
             seconds = excluded.seconds, first_at = excluded.first_at, last_at = excluded.last_at,
             last_source = excluded.last_source, last_seconds = excluded.last_seconds, last_protected = excluded.last_protected",
    )
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.pitch_id).collect::<Vec<_>>())
    .bind::<Array<Bytea>, _>(rows.iter().map(|row| row.viewer.as_slice()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|row| row.viewer_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.viewer_type.as_str()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.views).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.protected_views).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.seconds).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(rows.iter().map(|row| row.first_at).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(rows.iter().map(|row| row.last_at).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.last_source.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|row| row.last_seconds).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(rows.iter().map(|row| row.last_protected).collect::<Vec<_>>())
    .execute(tx)
    .await
}

/// A page of the viewers of `pitch`, who looked last first, with one row more than the limit if there is one.
pub(crate) async fn page(tx: &mut Tx, pitch: PitchId, paging: &Paging) -> Result<Vec<Viewer>, Refusal> {
    let rows = pitch_viewers::table
        .filter(pitch_viewers::pitch_id.eq(pitch.0))
        .order((pitch_viewers::last_at.desc(), pitch_viewers::viewer))
        .select(Viewer::as_select())
        .limit(paging.limit + 1)
        .into_boxed();
    let rows = match &paging.cursor {
        None => rows.offset(paging.offset()),
        Some(cursor) => {
            let (at, viewer): (DateTime<Utc>, Vec<u8>) = cursor.key()?;
            rows.filter(pitch_viewers::last_at.le(at))
                .filter(pitch_viewers::last_at.lt(at).or(pitch_viewers::viewer.gt(viewer)))
        }
    };
    Ok(rows.load(tx).await?)
}

/// The place after `viewer` in the list.
pub(crate) fn cursor(viewer: &Viewer) -> Cursor {
    Cursor::after(&(viewer.last_at, &viewer.viewer))
}

/// How many viewers `pitch` has; not counted on beyond 1,001.
pub(crate) async fn count(tx: &mut Tx, pitch: PitchId) -> QueryResult<i64> {
    let rows = pitch_viewers::table.filter(pitch_viewers::pitch_id.eq(pitch.0));
    let some: Vec<i32> = rows.select(pitch_viewers::pitch_id).limit(COUNTED + 1).load(tx).await?;
    Ok(i64::try_from(some.len()).unwrap_or(i64::MAX))
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Different viewers who looked at `pitch` since `since`.
pub(crate) async fn since(tx: &mut Tx, pitch: PitchId, since: DateTime<Utc>) -> QueryResult<i64> {
    let counted: Number =
        sql_query("SELECT count(*) AS number FROM pitch_viewers WHERE pitch_id = $1 AND last_at >= $2")
            .bind::<Integer, _>(pitch.0)
            .bind::<Timestamptz, _>(since)
            .get_result(tx)
            .await?;
    Ok(counted.number)
}

/// Different viewers who looked at any pitch of `owner` since `since`. Somebody not logged in is another one for each pitch.
pub(crate) async fn of_owner_since(tx: &mut Tx, owner: UserId, since: DateTime<Utc>) -> QueryResult<i64> {
    let counted: Number = sql_query(
        "SELECT count(DISTINCT viewer) AS number FROM tracked_pitches JOIN pitch_viewers USING (pitch_id)
         WHERE owner_id = $1 AND last_at >= $2",
    )
    .bind::<Integer, _>(owner.0)
    .bind::<Timestamptz, _>(since)
    .get_result(tx)
    .await?;
    Ok(counted.number)
}

/// Pitches that `viewer` saw since `since`.
pub(crate) async fn seen_by(tx: &mut Tx, viewer: UserId, since: DateTime<Utc>) -> QueryResult<i64> {
    pitch_viewers::table
        .filter(pitch_viewers::viewer_id.eq(viewer.0))
        .filter(pitch_viewers::last_at.ge(since))
        .count()
        .get_result(tx)
        .await
}

/// The pitches that `viewer` saw last, at most `limit`.
pub(crate) async fn last_seen_by(tx: &mut Tx, viewer: UserId, limit: i64) -> QueryResult<Vec<Viewer>> {
    pitch_viewers::table
        .filter(pitch_viewers::viewer_id.eq(viewer.0))
        .order(pitch_viewers::last_at.desc())
        .limit(limit)
        .select(Viewer::as_select())
        .load(tx)
        .await
}
