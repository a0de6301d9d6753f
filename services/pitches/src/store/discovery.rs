//! Lists of published pitches that somebody may like to see: over `pitches`, `follows`, `ndas`, `pitch_likes` and `genre_readings`.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer};
use diesel_async::RunQueryDsl;
use pitchey_db::{Counted, Tx};
use pitchey_events::UserId;

use super::Place;
use super::pitches::Card;
use crate::schema::{follows, pitches};

/// Pitches whose promotion lasts at `now`, the latest first.
pub async fn promoted(tx: &mut Tx, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Card>> {
    promoted_query(now, limit).select(Card::as_select()).load(tx).await
}

pub(super) fn promoted_query<'a>(now: DateTime<Utc>, limit: i64) -> pitches::BoxedQuery<'a, Pg> {
    pitches::table
        .into_boxed()
        .filter(sql::<Bool>("pitches.status = 'published' AND pitches.promoted_until IS NOT NULL"))
        .filter(pitches::promoted_until.gt(now))
        .order((pitches::promoted_until.desc(), pitches::id.desc()))
        .limit(limit)
}

/// Published pitches of whom `user` follows, newest first: one page and one more, and how many there are.
pub async fn feed(tx: &mut Tx, user: UserId, place: Place) -> QueryResult<(Vec<Card>, i64)> {
    let followed = follows::table
        .filter(follows::follower_id.eq(user.0))
        .filter(follows::following_id.is_not_null())
        .select(follows::following_id.assume_not_null());
    let all = pitches::table
        .filter(sql::<Bool>("pitches.status = 'published'"))
        .filter(pitches::user_id.eq_any(followed));
    let counted =
        Counted(all.clone().select(pitches::id).limit(pitchey_web::COUNTED + 1)).get_result(tx).await?;
    let (at, id) = place.begin();
    let rows = all
        .filter(pitches::published_at.le(at))
        .filter(pitches::published_at.lt(at).or(pitches::id.lt(id)))
        .select(Card::as_select())
        .order((pitches::published_at.desc(), pitches::id.desc()))
        .offset(place.offset)
        .limit(place.limit + 1)
        .load(tx)
        .await?;
    Ok((rows, counted))
}

/// Ids of what to recommend to `user`, the best first: of the newest thousand pitches and the newest of each followed user, neither own nor
/// signed for, first by whom the user follows and by the genres of the pitches that the user signed for, asked for, watches, likes and
/// opened.
pub async fn recommended(tx: &mut Tx, user: UserId, hidden: &[UserId]) -> QueryResult<Vec<i32>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        id: i32,
    }
    let hidden: Vec<i32> = hidden.iter().map(|user| user.0).collect();
    let rows: Vec<Row> = diesel::sql_query(RECOMMENDED)
        .bind::<Integer, _>(user.0)
        .bind::<Array<Integer>, _>(hidden)
        .bind::<BigInt, _>(pitchey_web::COUNTED)
        .load(tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Each part reads a bounded number of rows through an index.
pub(super) const RECOMMENDED: &str = "
    WITH followed AS MATERIALIZED (
        SELECT following_id AS owner FROM follows WHERE follower_id = $1 AND following_id IS NOT NULL
        ORDER BY created_at DESC, id DESC LIMIT 200
    ), touched AS (
        (SELECT pitch_id, CASE status WHEN 'signed' THEN 4 ELSE 2 END AS weight FROM ndas WHERE requester_id = $1
         ORDER BY created_at DESC, id DESC LIMIT 100)
        UNION ALL
        (SELECT pitch_id, 2 FROM follows WHERE follower_id = $1 AND pitch_id IS NOT NULL ORDER BY created_at DESC, id DESC LIMIT 100)
        UNION ALL
        (SELECT pitch_id, 1 FROM pitch_likes WHERE user_id = $1 ORDER BY created_at DESC, pitch_id DESC LIMIT 100)
    ), tastes AS MATERIALIZED (
        SELECT genre, sum(weight)::float8 / sum(sum(weight)) OVER () AS share
        FROM (SELECT genre, weight::float8 FROM touched JOIN pitches ON pitches.id = touched.pitch_id
              UNION ALL
              SELECT genre, ln(1 + times) / 2 FROM genre_readings WHERE user_id = $1) AS liked
        GROUP BY genre
    ), candidates AS (
        (SELECT pitch_id, user_id, genre, published_at FROM pitch_search ORDER BY published_at DESC, pitch_id DESC LIMIT 1000)
        UNION
        SELECT latest.* FROM followed CROSS JOIN LATERAL (
            SELECT id, user_id, genre, published_at FROM pitches
            WHERE user_id = followed.owner AND status = 'published' ORDER BY published_at DESC, id DESC LIMIT 5
        ) AS latest
    )
    SELECT pitch_id AS id
    FROM candidates
    LEFT JOIN followed ON followed.owner = candidates.user_id
    LEFT JOIN tastes   ON tastes.genre = candidates.genre
    WHERE candidates.user_id <> $1 AND candidates.user_id <> ALL ($2)
      AND NOT EXISTS (SELECT FROM ndas WHERE ndas.pitch_id = candidates.pitch_id AND requester_id = $1 AND status = 'signed')
    ORDER BY CASE WHEN followed.owner IS NULL THEN 0 ELSE 2 END + coalesce(share, 0) DESC, published_at DESC, pitch_id DESC
    LIMIT $3";
