//! Every sum once more, from the rows it was made of: what differs. Scans, so only for the reconciliation and for tests.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Date, Integer, Text};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

/// A sum that is not what its rows say.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(crate) struct Difference {
    /// Which.
    #[diesel(sql_type = Text)]
    pub(crate) of: String,
    /// What is kept, and what the rows say.
    #[diesel(sql_type = Text)]
    pub(crate) what: String,
}

/// (table, its columns, how its rows follow from raw ones). `$1` is the first day looked at.
const SUMS: &[(&str, &str, &str)] = &[
    (
        "pitch_view_hours",
        "pitch_id, hour, viewer_type, source, views, protected_views, timed_views, seconds",
        "SELECT pitch_id, date_trunc('hour', created_at, 'UTC'), viewer_type, source, count(*)::int, (count(*) FILTER (WHERE protected))::int,
                count(duration)::int, coalesce(sum(duration), 0)
         FROM pitch_views WHERE created_at >= $1::timestamp AT TIME ZONE 'UTC' GROUP BY 1, 2, 3, 4",
    ),
    (
        "pitch_view_days",
        "pitch_id, day, viewer_type, source, views, protected_views, timed_views, seconds",
        "SELECT pitch_id, (created_at AT TIME ZONE 'UTC')::date, viewer_type, source, count(*)::int,
                (count(*) FILTER (WHERE protected))::int, count(duration)::int, coalesce(sum(duration), 0)
         FROM pitch_views WHERE created_at >= $1::timestamp AT TIME ZONE 'UTC' GROUP BY 1, 2, 3, 4",
    ),
    ("activity_hours", "subject_type, subject_id, hour, action, amount", ACTIVITY_BY_HOUR),
    ("activity_days", "subject_type, subject_id, day, action, amount", ACTIVITY_BY_DAY),
];

macro_rules! activity {
    ($time:literal) => {
        concat!(
            "SELECT subject_type, subject_id, ", $time, ", action, sum(amount)::bigint
             FROM analytics_events
             CROSS JOIN LATERAL (
                 SELECT CASE origin WHEN 'platform' THEN event_type ELSE 'client.event' END AS action,
                        CASE WHEN origin = 'platform' THEN coalesce(event_value, 1) ELSE 1 END AS amount) AS said
             CROSS JOIN LATERAL (VALUES
                 ('platform', 0),
                 ('pitch', CASE origin WHEN 'platform' THEN pitch_id END),
                 ('owner', CASE origin WHEN 'platform' THEN (metadata ->> 'ownerId')::int END),
                 ('member', CASE origin WHEN 'platform' THEN user_id END)) AS subject (subject_type, subject_id)
             WHERE created_at >= $1::timestamp AT TIME ZONE 'UTC' AND subject_id IS NOT NULL
             GROUP BY 1, 2, 3, 4"
        )
    };
}
const ACTIVITY_BY_HOUR: &str = activity!("date_trunc('hour', created_at, 'UTC')");
const ACTIVITY_BY_DAY: &str = activity!("(created_at AT TIME ZONE 'UTC')::date");

/// Sums from `first_day` on that differ from their rows.
pub(crate) async fn rollups(tx: &mut Tx, first_day: NaiveDate) -> QueryResult<Vec<Difference>> {
    let mut found = Vec::new();
    for (table, columns, raw) in SUMS {
        let time = if table.ends_with("hours") { "hour" } else { "day" };
        // Sums of zero need no row, and rows none: a like taken back in another hour.
        let rows: Vec<Difference> = sql_query(format!(
            "WITH kept ({columns}) AS (SELECT {columns} FROM {table} WHERE {time} >= $1), raw ({columns}) AS ({raw})
             SELECT '{table}' AS of, 'kept ' || kept::text AS what FROM (SELECT * FROM kept EXCEPT SELECT * FROM raw) AS kept
             UNION ALL
             SELECT '{table}', 'rows say ' || raw::text FROM (SELECT * FROM raw EXCEPT SELECT * FROM kept) AS raw"
        ))
        .bind::<Date, _>(first_day)
        .load(tx)
        .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// What is kept by pitch and viewer, where it differs from the views. All of it, in one look.
pub(crate) async fn viewers(tx: &mut Tx) -> QueryResult<Vec<Difference>> {
    sql_query(
        "WITH raw AS (
             SELECT pitch_id, coalesce(int4send(viewer_id), anonymous_hash) AS viewer, max(viewer_id) AS viewer_id, count(*)::int AS views,
                    (count(*) FILTER (WHERE protected))::int AS protected_views, coalesce(sum(duration), 0) AS seconds,
                    min(created_at) AS first_at, max(created_at) AS last_at
             FROM pitch_views GROUP BY 1, 2
         ), kept AS (
             SELECT pitch_id, viewer, viewer_id, views, protected_views, seconds, first_at, last_at FROM pitch_viewers
         )
         SELECT 'pitch_viewers' AS of, 'kept ' || kept::text AS what FROM (SELECT * FROM kept EXCEPT SELECT * FROM raw) AS kept
         UNION ALL
         SELECT 'pitch_viewers', 'rows say ' || raw::text FROM (SELECT * FROM raw EXCEPT SELECT * FROM kept) AS raw",
    )
    .load(tx)
    .await
}

/// Pitches whose totals differ from their views.
pub(crate) async fn totals(tx: &mut Tx) -> QueryResult<Vec<i32>> {
    #[derive(QueryableByName)]
    struct Pitch {
        #[diesel(sql_type = Integer)]
        pitch_id: i32,
    }
    let pitches: Vec<Pitch> = sql_query(
        "SELECT pitch_id
         FROM (SELECT pitch_id, count(*) AS views, count(*) FILTER (WHERE protected) AS protected_views,
                      coalesce(sum(duration), 0) AS seconds, count(DISTINCT coalesce(int4send(viewer_id), anonymous_hash)) AS viewers
               FROM pitch_views GROUP BY pitch_id) AS raw
         FULL JOIN pitch_totals AS kept USING (pitch_id)
         WHERE (raw.views, raw.protected_views, raw.seconds, raw.viewers)
               IS DISTINCT FROM (kept.views, kept.protected_views, kept.seconds, kept.viewers)
           AND coalesce(raw.views, kept.views) > 0
         ORDER BY pitch_id",
    )
    .load(tx)
    .await?;
    Ok(pitches.into_iter().map(|pitch| pitch.pitch_id).collect())
}

/// Sets the totals of `pitch` to what its views say; another number of views is told again. Only while taking turns.
pub(crate) async fn correct(tx: &mut Tx, pitch: i32) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO pitch_totals AS kept (pitch_id, views, protected_views, seconds, viewers, version)
         SELECT $1, count(*), count(*) FILTER (WHERE protected), coalesce(sum(duration), 0),
                count(DISTINCT coalesce(int4send(viewer_id), anonymous_hash)), 1
         FROM pitch_views WHERE pitch_id = $1
         ON CONFLICT (pitch_id) DO UPDATE SET
             views = excluded.views, protected_views = excluded.protected_views, seconds = excluded.seconds,
             viewers = excluded.viewers, version = kept.version + 1",
    )
    .bind::<Integer, _>(pitch)
    .execute(tx)
    .await
}
