//! `tracked_pitches`: what events have told of pitches.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};

use crate::schema::tracked_pitches;

/// What is known of a pitch.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tracked_pitches, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Pitch {
    pub(crate) pitch_id: i32,
    pub(crate) owner_id: i32,
    pub(crate) title: Option<String>,
    pub(crate) first_published_at: Option<DateTime<Utc>>,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
}

/// What is known of these pitches.
pub(crate) async fn find(tx: &mut Tx, ids: &[i32]) -> QueryResult<Vec<Pitch>> {
    tracked_pitches::table
        .filter(tracked_pitches::pitch_id.eq_any(ids))
        .select(Pitch::as_select())
        .load(tx)
        .await
}

/// Pitches of `owner` that are not deleted, in order of their ids.
pub(crate) async fn of_owner(tx: &mut Tx, owner: UserId) -> QueryResult<Vec<Pitch>> {
    tracked_pitches::table
        .filter(tracked_pitches::owner_id.eq(owner.0))
        .filter(tracked_pitches::deleted_at.is_null())
        .order(tracked_pitches::pitch_id)
        .select(Pitch::as_select())
        .load(tx)
        .await
}

/// How many pitches `owner` has.
pub(crate) async fn count_of_owner(tx: &mut Tx, owner: UserId) -> QueryResult<i64> {
    tracked_pitches::table
        .filter(tracked_pitches::owner_id.eq(owner.0))
        .filter(tracked_pitches::deleted_at.is_null())
        .count()
        .get_result(tx)
        .await
}

/// Notes the owners of pitches not heard of before.
pub(crate) async fn learn(tx: &mut Tx, owners: &[(i32, i32)]) -> QueryResult<usize> {
    let (pitches, owners): (Vec<i32>, Vec<i32>) = owners.iter().copied().unzip();
    sql_query(
        "INSERT INTO tracked_pitches (pitch_id, owner_id) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Integer>, _>(pitches)
    .bind::<Array<Integer>, _>(owners)
    .execute(tx)
    .await
}

/// Notes that `pitch` was published, the first time or again.
pub(crate) async fn published(
    tx: &mut Tx,
    pitch: PitchId,
    owner: UserId,
    title: Option<&str>,
    at: DateTime<Utc>,
) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO tracked_pitches AS known (pitch_id, owner_id, title, first_published_at) VALUES ($1, $2, left($3, 200), $4)
         ON CONFLICT (pitch_id) DO UPDATE SET
             title = coalesce(excluded.title, known.title),
             first_published_at = least(known.first_published_at, excluded.first_published_at)",
    )
    .bind::<Integer, _>(pitch.0)
    .bind::<Integer, _>(owner.0)
    .bind::<Nullable<Text>, _>(title)
    .bind::<Timestamptz, _>(at)
    .execute(tx)
    .await
}

/// Notes that `pitch` is gone.
pub(crate) async fn deleted(
    tx: &mut Tx,
    pitch: PitchId,
    owner: UserId,
    at: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::insert_into(tracked_pitches::table)
        .values((
            tracked_pitches::pitch_id.eq(pitch.0),
            tracked_pitches::owner_id.eq(owner.0),
            tracked_pitches::deleted_at.eq(at),
        ))
        .on_conflict(tracked_pitches::pitch_id)
        .do_update()
        .set((tracked_pitches::deleted_at.eq(at), tracked_pitches::title.eq(None::<String>)))
        .execute(tx)
        .await
}
