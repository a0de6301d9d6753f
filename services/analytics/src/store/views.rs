//! `pitch_views`: the views that count, one row each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Bytea, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{PitchId, UserId};

use crate::counting::{Counted, Look, WINDOW};
use crate::schema::pitch_views;

/// Of whom a view is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) pitch_id: i32,
    /// As in `pitch_viewers.viewer`.
    pub(crate) viewer: Vec<u8>,
    /// The user; `None` for somebody not logged in, whose hash is `viewer`.
    pub(crate) viewer_id: Option<i32>,
}

impl Pair {
    fn hash(&self) -> Option<&[u8]> {
        self.viewer_id.is_none().then_some(self.viewer.as_slice())
    }
}

/// Writes new views.
pub(crate) async fn insert(tx: &mut Tx, rows: &[(&Pair, &Counted, &Look)]) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO pitch_views (pitch_id, viewer_id, anonymous_hash, viewer_type, duration, source, ip_address, user_agent,
                                  created_at, protected)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind::<Array<Integer>, _>(rows.iter().map(|(pair, ..)| pair.pitch_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|(pair, ..)| pair.viewer_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Bytea>>, _>(rows.iter().map(|(pair, ..)| pair.hash()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|(_, view, _)| view.viewer_type.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|(_, view, _)| view.seconds).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|(_, view, _)| view.source.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|(.., look)| look.ip.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(
        rows.iter().map(|(.., look)| look.user_agent.as_deref()).collect::<Vec<_>>(),
    )
    .bind::<Array<Timestamptz>, _>(rows.iter().map(|(_, view, _)| view.at).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(rows.iter().map(|(_, view, _)| view.protected).collect::<Vec<_>>())
    .execute(tx)
    .await
}

/// Writes how long views took and whether they showed what is protected. Views of a pair are at least half an hour apart, so the time names them.
pub(crate) async fn lengthen(tx: &mut Tx, rows: &[(&Pair, &Counted)]) -> QueryResult<usize> {
    sql_query(
        "UPDATE pitch_views AS view SET duration = new.duration, protected = new.protected
         FROM unnest($1, $2, $3, $4, $5, $6) AS new (pitch_id, viewer_id, hash, at, duration, protected)
         WHERE view.pitch_id = new.pitch_id AND view.created_at = new.at
           AND view.viewer_id IS NOT DISTINCT FROM new.viewer_id AND view.anonymous_hash IS NOT DISTINCT FROM new.hash",
    )
    .bind::<Array<Integer>, _>(rows.iter().map(|(pair, _)| pair.pitch_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|(pair, _)| pair.viewer_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<Bytea>>, _>(rows.iter().map(|(pair, _)| pair.hash()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(rows.iter().map(|(_, view)| view.at).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|(_, view)| view.seconds).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(rows.iter().map(|(_, view)| view.protected).collect::<Vec<_>>())
    .execute(tx)
    .await
}

#[derive(QueryableByName)]
struct Near {
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Text)]
    viewer_type: String,
    #[diesel(sql_type = Nullable<Integer>)]
    duration: Option<i32>,
    #[diesel(sql_type = Bool)]
    protected: bool,
}

/// The view of `pair` less than half an hour from `at`, the earliest if there are two.
pub(crate) async fn near(tx: &mut Tx, pair: &Pair, at: DateTime<Utc>) -> QueryResult<Option<Counted>> {
    let near: Option<Near> = sql_query(
        "SELECT created_at, coalesce(source, 'direct') AS source, coalesce(viewer_type, 'anonymous') AS viewer_type, duration, protected
         FROM pitch_views
         WHERE pitch_id = $1 AND created_at > $2 AND created_at < $3
           AND viewer_id IS NOT DISTINCT FROM $4 AND anonymous_hash IS NOT DISTINCT FROM $5
         ORDER BY created_at LIMIT 1",
    )
    .bind::<Integer, _>(pair.pitch_id)
    .bind::<Timestamptz, _>(at - WINDOW)
    .bind::<Timestamptz, _>(at + WINDOW)
    .bind::<Nullable<Integer>, _>(pair.viewer_id)
    .bind::<Nullable<Bytea>, _>(pair.hash())
    .get_result(tx)
    .await
    .optional()?;
    Ok(near.map(|near| Counted {
        at: near.created_at,
        source: near.source,
        viewer_type: near.viewer_type,
        protected: near.protected,
        seconds: near.duration,
    }))
}

/// A view, as the owner of its pitch may know it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = pitch_views, check_for_backend(diesel::pg::Pg))]
pub(crate) struct View {
    pub(crate) id: i64,
    pub(crate) pitch_id: i32,
    pub(crate) viewer_id: Option<i32>,
    pub(crate) viewer_type: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) duration: Option<i32>,
    pub(crate) protected: bool,
    pub(crate) created_at: DateTime<Utc>,
}

/// Views of `pitch` since `since` after the place `after`, oldest first, at most `limit`.
pub(crate) async fn of_pitch(
    tx: &mut Tx,
    pitch: PitchId,
    since: DateTime<Utc>,
    after: Option<(DateTime<Utc>, i64)>,
    limit: i64,
) -> QueryResult<Vec<View>> {
    let rows = pitch_views::table
        .filter(pitch_views::pitch_id.eq(pitch.0))
        .filter(pitch_views::created_at.ge(after.map_or(since, |(at, _)| at)))
        .order((pitch_views::created_at, pitch_views::id))
        .limit(limit)
        .select(View::as_select())
        .into_boxed();
    match after {
        None => rows.load(tx).await,
        Some((at, id)) => {
            rows.filter(pitch_views::created_at.gt(at).or(pitch_views::id.gt(id))).load(tx).await
        }
    }
}

/// What is kept of a view about who looked.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = pitch_views, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Own {
    pub(crate) id: i64,
    pub(crate) pitch_id: i32,
    pub(crate) source: Option<String>,
    pub(crate) duration: Option<i32>,
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Views that `viewer` made, after the place `after`, oldest first.
pub(crate) async fn of_viewer(
    tx: &mut Tx,
    viewer: UserId,
    after: (DateTime<Utc>, i64),
    limit: i64,
) -> QueryResult<Vec<Own>> {
    let (at, id) = after;
    pitch_views::table
        .filter(pitch_views::viewer_id.eq(viewer.0))
        .filter(pitch_views::created_at.ge(at))
        .filter(pitch_views::created_at.gt(at).or(pitch_views::id.gt(id)))
        .order((pitch_views::created_at, pitch_views::id))
        .limit(limit)
        .select(Own::as_select())
        .load(tx)
        .await
}

/// Makes the views of `user` those of somebody not logged in: another stranger for each pitch. The sums stay what they are.
pub(crate) async fn anonymise(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    let viewers = sql_query(
        "WITH strangers AS (
             SELECT pitch_id, viewer, substring(uuid_send(gen_random_uuid()) FROM 1 FOR 16) AS stranger
             FROM pitch_viewers WHERE viewer_id = $1
         ), views AS (
             UPDATE pitch_views SET viewer_id = NULL, anonymous_hash = stranger, ip_address = NULL, user_agent = NULL
             FROM strangers WHERE pitch_views.pitch_id = strangers.pitch_id AND pitch_views.viewer_id = $1
         )
         UPDATE pitch_viewers SET viewer_id = NULL, viewer = stranger
         FROM strangers WHERE pitch_viewers.pitch_id = strangers.pitch_id AND pitch_viewers.viewer = strangers.viewer",
    );
    viewers.bind::<Integer, _>(user.0).execute(tx).await
}

/// Forgets addresses and programs of views before `before`, of one day at a time; how many.
pub(crate) async fn forget_addresses(
    tx: &mut Tx,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
) -> QueryResult<usize> {
    let old = pitch_views::table
        .filter(pitch_views::created_at.ge(from))
        .filter(pitch_views::created_at.lt(before))
        .filter(pitch_views::ip_address.is_not_null().or(pitch_views::user_agent.is_not_null()));
    diesel::update(old)
        .set((pitch_views::ip_address.eq(None::<String>), pitch_views::user_agent.eq(None::<String>)))
        .execute(tx)
        .await
}

/// When the oldest view whose address is still known was, if any was before `before`.
pub(crate) async fn oldest_address(tx: &mut Tx, before: DateTime<Utc>) -> QueryResult<Option<DateTime<Utc>>> {
    #[derive(QueryableByName)]
    struct Oldest {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        at: Option<DateTime<Utc>>,
    }
    let oldest: Oldest = sql_query(
        "SELECT min(created_at) AS at FROM pitch_views
         WHERE created_at < $1 AND (ip_address IS NOT NULL OR user_agent IS NOT NULL)",
    )
    .bind::<Timestamptz, _>(before)
    .get_result(tx)
    .await?;
    Ok(oldest.at)
}
