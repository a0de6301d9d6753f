//! `analytics_events`: what clients and the platform report, one row each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;
use serde_json::Value;

use crate::schema::analytics_events;

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Client,
    Platform,
}

impl Origin {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Platform => "platform",
        }
    }
}

/// One to be written.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) user_id: Option<i32>,
    pub(crate) event_type: String,
    pub(crate) event_category: Option<String>,
    pub(crate) event_action: Option<String>,
    pub(crate) event_label: Option<String>,
    pub(crate) event_value: Option<i32>,
    pub(crate) metadata: Option<Value>,
    pub(crate) session_id: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) pitch_id: Option<i32>,
    pub(crate) origin: &'static str,
}

/// Writes `rows`.
pub(crate) async fn insert(tx: &mut Tx, rows: &[New]) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO analytics_events (user_id, event_type, event_category, event_action, event_label, event_value, metadata, session_id,
                                       created_at, pitch_id, origin)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|row| row.user_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.event_type.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.event_category.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.event_action.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.event_label.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|row| row.event_value).collect::<Vec<_>>())
    .bind::<Array<Nullable<Jsonb>>, _>(rows.iter().map(|row| row.metadata.as_ref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(rows.iter().map(|row| row.session_id.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(rows.iter().map(|row| row.created_at).collect::<Vec<_>>())
    .bind::<Array<Nullable<Integer>>, _>(rows.iter().map(|row| row.pitch_id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.origin).collect::<Vec<_>>())
    .execute(tx)
    .await
}

/// One, as its user may see it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = analytics_events, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Own {
    pub(crate) id: i64,
    pub(crate) event_type: String,
    pub(crate) event_category: Option<String>,
    pub(crate) event_action: Option<String>,
    pub(crate) event_label: Option<String>,
    pub(crate) event_value: Option<i32>,
    pub(crate) metadata: Option<Value>,
    pub(crate) session_id: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) pitch_id: Option<i32>,
    pub(crate) origin: String,
}

/// Events of `user` after the place `after`, oldest first, at most `limit`.
pub(crate) async fn of_user(
    tx: &mut Tx,
    user: UserId,
    after: (DateTime<Utc>, i64),
    limit: i64,
) -> QueryResult<Vec<Own>> {
    let (at, id) = after;
    analytics_events::table
        .filter(analytics_events::user_id.eq(user.0))
        .filter(analytics_events::created_at.ge(at))
        .filter(analytics_events::created_at.gt(at).or(analytics_events::id.gt(id)))
        .order((analytics_events::created_at, analytics_events::id))
        .limit(limit)
        .select(Own::as_select())
        .load(tx)
        .await
}

/// Takes from the events of `user` who it was, and from what the client said everything it said freely. What happened to others stays; how many.
pub(crate) async fn anonymise(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    sql_query(
        "UPDATE analytics_events SET user_id = NULL, metadata = CASE origin WHEN 'platform' THEN metadata END,
                                     session_id = NULL, event_label = NULL
         WHERE user_id = $1",
    )
    .bind::<Integer, _>(user.0)
    .execute(tx)
    .await
}
