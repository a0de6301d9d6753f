//! `pitch_view_hours`, `pitch_view_days`: views summed by time, viewers' type and source. Each is kept by who counts; nobody scans views.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};

use crate::counting::Counted;
use crate::words::Grain;

/// What is added to sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    pub(crate) views: i32,
    pub(crate) protected_views: i32,
    pub(crate) timed_views: i32,
    pub(crate) seconds: i64,
}

impl More {
    /// What `view` is more than `before`.
    pub(crate) fn between(before: Option<&Counted>, view: &Counted) -> Self {
        let seconds = |view: &Counted| i64::from(view.seconds.unwrap_or_default());
        let of = |view: &Counted| Self {
            views: 1,
            protected_views: view.protected.into(),
            timed_views: view.seconds.is_some().into(),
            seconds: seconds(view),
        };
        let (new, old) = (of(view), before.map(of).unwrap_or_default());
        Self {
            views: new.views - old.views,
            protected_views: new.protected_views - old.protected_views,
            timed_views: new.timed_views - old.timed_views,
            seconds: new.seconds - old.seconds,
        }
    }

    fn add(&mut self, more: Self) {
        self.views += more.views;
        self.protected_views += more.protected_views;
        self.timed_views += more.timed_views;
        self.seconds += more.seconds;
    }
}

/// (pitch, hour, viewers' type, source)
type Key = (i32, DateTime<Utc>, String, String);

/// Sums to be added, by their hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums(BTreeMap<Key, More>);

impl Sums {
    /// Adds what `view` of `pitch` is more than `before`.
    pub(crate) fn add(&mut self, pitch: i32, before: Option<&Counted>, view: &Counted) {
        let key = (pitch, hour(view.at), view.viewer_type.clone(), view.source.clone());
        self.0.entry(key).or_default().add(More::between(before, view));
    }
}

/// The hour in which `at` lies.
pub(crate) fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}

/// Adds to both tables.
pub(crate) async fn add(tx: &mut Tx, Sums(sums): &Sums) -> QueryResult<usize> {
    sql_query(
        "WITH new AS (
             SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                 AS new (pitch_id, hour, viewer_type, source, views, protected_views, timed_views, seconds)
         ), hours AS (
             INSERT INTO pitch_view_hours AS sum SELECT * FROM new
             ON CONFLICT (pitch_id, hour, viewer_type, source) DO UPDATE SET
                 views = sum.views + excluded.views, protected_views = sum.protected_views + excluded.protected_views,
                 timed_views = sum.timed_views + excluded.timed_views, seconds = sum.seconds + excluded.seconds
         )
         INSERT INTO pitch_view_days AS sum
         SELECT pitch_id, (hour AT TIME ZONE 'UTC')::date, viewer_type, source, sum(views), sum(protected_views), sum(timed_views), sum(seconds)
         FROM new GROUP BY 1, 2, 3, 4
         ON CONFLICT (pitch_id, day, viewer_type, source) DO UPDATE SET
             views = sum.views + excluded.views, protected_views = sum.protected_views + excluded.protected_views,
             timed_views = sum.timed_views + excluded.timed_views, seconds = sum.seconds + excluded.seconds",
    )
    .bind::<Array<Integer>, _>(sums.keys().map(|key| key.0).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(sums.keys().map(|key| key.1).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sums.keys().map(|key| key.2.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(sums.keys().map(|key| key.3.as_str()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(sums.values().map(|more| more.views).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(sums.values().map(|more| more.protected_views).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(sums.values().map(|more| more.timed_views).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(sums.values().map(|more| more.seconds).collect::<Vec<_>>())
    .execute(tx)
    .await
}

/// A sum, as dashboards read it.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Sum {
    #[diesel(sql_type = Timestamptz)]
    pub(crate) at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub(crate) viewer_type: String,
    #[diesel(sql_type = Text)]
    pub(crate) source: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) views: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) protected_views: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) timed_views: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) seconds: i64,
}

const OF_PITCH_BY_HOUR: &str = "
    SELECT hour AS at, viewer_type, source, views::bigint, protected_views::bigint, timed_views::bigint, seconds
    FROM pitch_view_hours WHERE pitch_id = $1 AND hour >= $2 ORDER BY hour";

const OF_PITCH_BY_DAY: &str = "
    SELECT day::timestamp AT TIME ZONE 'UTC' AS at, viewer_type, source, views::bigint, protected_views::bigint, timed_views::bigint, seconds
    FROM pitch_view_days WHERE pitch_id = $1 AND day >= ($2 AT TIME ZONE 'UTC')::date ORDER BY day";

const OF_OWNER_BY_HOUR: &str = "
    SELECT hour AS at, viewer_type, source, sum(views)::bigint AS views, sum(protected_views)::bigint AS protected_views,
           sum(timed_views)::bigint AS timed_views, sum(seconds)::bigint AS seconds
    FROM tracked_pitches JOIN pitch_view_hours USING (pitch_id)
    WHERE owner_id = $1 AND hour >= $2 GROUP BY hour, viewer_type, source ORDER BY hour";

const OF_OWNER_BY_DAY: &str = "
    SELECT day::timestamp AT TIME ZONE 'UTC' AS at, viewer_type, source, sum(views)::bigint AS views,
           sum(protected_views)::bigint AS protected_views, sum(timed_views)::bigint AS timed_views, sum(seconds)::bigint AS seconds
    FROM tracked_pitches JOIN pitch_view_days USING (pitch_id)
    WHERE owner_id = $1 AND day >= ($2 AT TIME ZONE 'UTC')::date GROUP BY day, viewer_type, source ORDER BY day";

/// The sums of `pitch` since `since`, oldest first.
pub(crate) async fn of_pitch(
    tx: &mut Tx,
    pitch: PitchId,
    grain: Grain,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Sum>> {
    let sql = match grain {
        Grain::Hours => OF_PITCH_BY_HOUR,
        Grain::Days => OF_PITCH_BY_DAY,
    };
    sql_query(sql).bind::<Integer, _>(pitch.0).bind::<Timestamptz, _>(since).load(tx).await
}

/// The sums of all pitches of `owner` since `since`, oldest first.
pub(crate) async fn of_owner(
    tx: &mut Tx,
    owner: UserId,
    grain: Grain,
    since: DateTime<Utc>,
) -> QueryResult<Vec<Sum>> {
    let sql = match grain {
        Grain::Hours => OF_OWNER_BY_HOUR,
        Grain::Days => OF_OWNER_BY_DAY,
    };
    sql_query(sql).bind::<Integer, _>(owner.0).bind::<Timestamptz, _>(since).load(tx).await
}

/// A pitch of an owner, by how often it was viewed.
#[derive(Clone, Debug, QueryableByName, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Viewed {
    #[diesel(sql_type = Integer)]
    pub(crate) pitch_id: i32,
    /// As last heard; null if it never was.
    #[diesel(sql_type = diesel::sql_types::Nullable<Text>)]
    pub(crate) title: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub(crate) views: i64,
    #[diesel(sql_type = BigInt)]
    pub(crate) protected_views: i64,
}

/// The pitches of `owner` with the most views since the day of `since`, at most `limit`.
pub(crate) async fn top_pitches(
    tx: &mut Tx,
    owner: UserId,
    since: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Viewed>> {
    sql_query(
        "SELECT pitch_id, title, sum(views)::bigint AS views, sum(protected_views)::bigint AS protected_views
         FROM tracked_pitches JOIN pitch_view_days USING (pitch_id)
         WHERE owner_id = $1 AND deleted_at IS NULL AND day >= ($2 AT TIME ZONE 'UTC')::date
         GROUP BY pitch_id, title ORDER BY views DESC, pitch_id LIMIT $3",
    )
    .bind::<Integer, _>(owner.0)
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(tx)
    .await
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use diesel::sql_query;
    use diesel::sql_types::{Integer, Timestamptz};
    use pitchey_testkit::{Plan, TestDatabase};

    use super::{OF_OWNER_BY_DAY, OF_OWNER_BY_HOUR, OF_PITCH_BY_DAY, OF_PITCH_BY_HOUR};

    #[tokio::test(flavor = "multi_thread")]
    async fn dashboards_read_rollups_by_their_keys() {
        let db = TestDatabase::create().await;
        db.execute(
            "INSERT INTO tracked_pitches (pitch_id, owner_id) SELECT n, n / 10 FROM generate_series(1, 500) AS n;
             INSERT INTO pitch_view_days
             SELECT n % 500, '2026-01-01'::date + n / 500, 'investor', 'direct', 1, 0, 0, 0 FROM generate_series(0, 49999) AS n;
             INSERT INTO pitch_view_hours
             SELECT n % 500, '2026-01-01'::timestamptz + n / 500 * interval '1 hour', 'investor', 'direct', 1, 0, 0, 0
             FROM generate_series(0, 49999) AS n;
             ANALYZE",
        )
        .await;
        let mut connection = db.connect_as("pitchey_analytics").await;
        let since: DateTime<Utc> = "2026-02-01T00:00:00Z".parse().unwrap();
        for (sql, index) in [
            (OF_PITCH_BY_HOUR, "pitch_view_hours_pkey"),
            (OF_PITCH_BY_DAY, "pitch_view_days_pkey"),
            (OF_OWNER_BY_HOUR, "pitch_view_hours_pkey"),
            (OF_OWNER_BY_DAY, "pitch_view_days_pkey"),
        ] {
            let query = sql_query(sql).bind::<Integer, _>(7).bind::<Timestamptz, _>(since);
            let plan = Plan::of(&mut connection, query).await;
            plan.assert_uses_index(index);
            plan.assert_never_scans("pitch_view_days");
            plan.assert_never_scans("pitch_view_hours");
        }
    }
}
