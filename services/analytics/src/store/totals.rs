//! `pitch_totals`: everything ever counted, by pitch.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, PitchViewsCounted, UserId};

use crate::schema::pitch_totals;

/// A pitch's number is told at most once in this time.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// What is added to a pitch's totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    pub(crate) views: i64,
    pub(crate) protected_views: i64,
    pub(crate) seconds: i64,
    pub(crate) viewers: i64,
}

/// A pitch's totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = pitch_totals, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Totals {
    pub(crate) views: i64,
    pub(crate) protected_views: i64,
    pub(crate) seconds: i64,
    pub(crate) viewers: i64,
}

/// Adds to the totals. Another number of views is another version, and is to be told.
pub(crate) async fn add(tx: &mut Tx, more: &BTreeMap<i32, More>) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO pitch_totals AS total (pitch_id, views, protected_views, seconds, viewers, version)
         SELECT pitch_id, views, protected_views, seconds, viewers, (views > 0)::int
         FROM unnest($1, $2, $3, $4, $5) AS new (pitch_id, views, protected_views, seconds, viewers)
         ON CONFLICT (pitch_id) DO UPDATE SET
             views = total.views + excluded.views, protected_views = total.protected_views + excluded.protected_views,
             seconds = total.seconds + excluded.seconds, viewers = total.viewers + excluded.viewers,
             version = total.version + excluded.version",
    )
    .bind::<Array<Integer>, _>(more.keys().copied().collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(more.values().map(|more| more.views).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(more.values().map(|more| more.protected_views).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(more.values().map(|more| more.seconds).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(more.values().map(|more| more.viewers).collect::<Vec<_>>())
    .execute(tx)
    .await
}

/// The totals of `pitch`; zero before the first view.
pub(crate) async fn of(tx: &mut Tx, pitch: PitchId) -> QueryResult<Totals> {
    let totals: Option<Totals> =
        pitch_totals::table.find(pitch.0).select(Totals::as_select()).first(tx).await.optional()?;
    Ok(totals.unwrap_or_default())
}

#[derive(QueryableByName)]
struct Untold {
    #[diesel(sql_type = Integer)]
    pitch_id: i32,
    #[diesel(sql_type = BigInt)]
    views: i64,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    owner_id: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    title: Option<String>,
}

/// Numbers that are to be told now, at most `limit`; they count as told. Several replicas may ask at once.
pub(crate) async fn take_untold(
    tx: &mut Tx,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<PitchViewsCounted>> {
    let untold: Vec<Untold> = sql_query(
        "UPDATE pitch_totals SET announced = version, announced_at = $1
         WHERE pitch_id IN (
             SELECT pitch_id FROM pitch_totals
             WHERE announced < version AND (announced_at IS NULL OR announced_at <= $2)
             ORDER BY announced_at NULLS FIRST, pitch_id LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING pitch_id, views, version,
                   (SELECT owner_id FROM tracked_pitches AS p WHERE p.pitch_id = pitch_totals.pitch_id) AS owner_id,
                   (SELECT title::text FROM tracked_pitches AS p WHERE p.pitch_id = pitch_totals.pitch_id) AS title",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - PAUSE)
    .bind::<BigInt, _>(limit)
    .load(tx)
    .await?;
    let told = |Untold { pitch_id, views, version, owner_id, title }| PitchViewsCounted {
        pitch_id: PitchId(pitch_id),
        views,
        version,
        owner_id: owner_id.map(UserId),
        pitch_title: title,
    };
    Ok(untold.into_iter().map(told).collect())
}
