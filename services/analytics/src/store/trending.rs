//! What people look for these days.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, Trending};

/// What counts as "these days".
const DAYS: TimeDelta = TimeDelta::days(7);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    pitch_id: i32,
    #[diesel(sql_type = Double)]
    score: f64,
    #[diesel(sql_type = Double)]
    age_hours: f64,
    #[diesel(sql_type = BigInt)]
    viewers: i64,
    #[diesel(sql_type = BigInt)]
    follows: i64,
    #[diesel(sql_type = BigInt)]
    nda_requests: i64,
}

/// The pitches with the highest scores, at most `limit`; ties by id. One without any of the factors is in no list.
pub(crate) async fn list(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Trending>> {
    let rows: Vec<Row> = sql_query(
        "SELECT *, (viewers + 3 * follows + 8 * nda_requests) / power(age_hours + 2, 1.2) AS score
         FROM (SELECT pitch_id, greatest(0, extract(epoch FROM $1 - first_published_at)::float8 / 3600) AS age_hours,
                      viewers, follows::bigint, nda_requests::bigint
               FROM tracked_pitches AS pitch
               CROSS JOIN LATERAL (
                   SELECT count(*) AS viewers FROM pitch_viewers AS viewer
                   WHERE viewer.pitch_id = pitch.pitch_id AND last_at > $2) AS looked
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(amount) FILTER (WHERE action = 'pitch.followed'), 0) AS follows,
                          coalesce(sum(amount) FILTER (WHERE action = 'nda.requested'), 0) AS nda_requests
                   FROM activity_hours
                   WHERE subject_type = 'pitch' AND subject_id = pitch.pitch_id AND hour > $2) AS did
               WHERE first_published_at IS NOT NULL AND deleted_at IS NULL) AS factors
         WHERE viewers + follows + nda_requests > 0
         ORDER BY score DESC, pitch_id LIMIT $3",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - DAYS)
    .bind::<BigInt, _>(limit)
    .load(tx)
    .await?;
    let trending = |row: Row| Trending {
        pitch_id: PitchId(row.pitch_id),
        score: row.score,
        age_hours: row.age_hours,
        unique_viewers: row.viewers,
        follows: row.follows,
        nda_requests: row.nda_requests,
    };
    Ok(rows.into_iter().map(trending).collect())
}
