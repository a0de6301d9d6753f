//! `socket_streams` and `socket_frames`: what each user's sockets are told, in order and without gaps.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, MessageId, UserId};
use serde_json::Value;

use crate::schema::{socket_frames as frames, socket_streams as streams};
use crate::words::MessageType;

/// How long frames are kept.
const KEPT: TimeDelta = TimeDelta::days(7);
/// How many of a user.
const KEPT_COUNT: i64 = 1_000;
/// Forgotten at a time.
const BATCH: i64 = 5_000;

/// What is told, before it is numbered.
#[derive(Clone, Debug)]
pub struct Telling<'a> {
    pub kind: &'a str,
    pub event: &'a str,
    pub message: Option<MessageId>,
    pub data: Option<Value>,
}

/// Writes the next frame of each recipient who is an active member, as the acting user, who is one. Users are taken in ascending order.
pub fn tell_members(
    tx: &mut Tx,
    conversation: ConversationId,
    recipients: &[UserId],
    telling: &Telling<'_>,
    at: DateTime<Utc>,
) {
    tx.send(
        diesel::sql_query("SELECT tell_members($1, $2, $3, $4, $5, $6, $7)")
            .bind::<Integer, _>(conversation.0)
            .bind::<Array<Integer>, _>(ids(recipients))
            .bind::<Text, _>(telling.kind.to_owned())
            .bind::<Text, _>(telling.event.to_owned())
            .bind::<Nullable<BigInt>, _>(telling.message.map(|id| id.0))
            .bind::<Nullable<Jsonb>, _>(telling.data.clone())
            .bind::<Timestamptz, _>(at),
    );
}

/// [`tell_members`] for the system, which may tell anybody anything.
pub fn push(
    tx: &mut Tx,
    conversation: Option<ConversationId>,
    recipients: &[UserId],
    telling: &Telling<'_>,
    at: DateTime<Utc>,
) {
    tx.send(
        diesel::sql_query("SELECT push_frames($1, $2, $3, $4, $5, $6, $7)")
            .bind::<Array<Integer>, _>(ids(recipients))
            .bind::<Text, _>(telling.kind.to_owned())
            .bind::<Text, _>(telling.event.to_owned())
            .bind::<Nullable<Integer>, _>(conversation.map(|id| id.0))
            .bind::<Nullable<BigInt>, _>(telling.message.map(|id| id.0))
            .bind::<Nullable<Jsonb>, _>(telling.data.clone())
            .bind::<Timestamptz, _>(at),
    );
}

fn ids(users: &[UserId]) -> Vec<i32> {
    users.iter().map(|user| user.0).collect()
}

/// A frame, with the message it tells of and where its reader stands with it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Frame {
    #[diesel(sql_type = Integer)]
    pub user_id: i32,
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub event: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub data: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub message_id: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub conversation_id: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub sender_id: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    pub encrypted_content: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub attachments: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    pub message_type: Option<MessageType>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub parent_id: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub edited_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub deleted_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub metadata: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub sent_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub user_low_id: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub user_high_id: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_read_message_id: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_read_at: Option<DateTime<Utc>>,
}

/// The frames of each (user, last seen, how many at most), in order.
pub async fn after(tx: &mut Tx, seen: &[(UserId, i64, i64)]) -> QueryResult<Vec<Frame>> {
    diesel::sql_query(AFTER)
        .bind::<Array<Integer>, _>(seen.iter().map(|(user, ..)| user.0).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(seen.iter().map(|(_, seq, _)| *seq).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(seen.iter().map(|(.., most)| *most).collect::<Vec<_>>())
        .load(tx)
        .await
}

pub(super) const AFTER: &str = "SELECT f.user_id, f.seq, f.type AS kind, f.event, f.data, f.created_at, f.message_id,
            f.conversation_id, m.sender_id, m.encrypted_content, m.attachments, m.message_type, m.parent_id, m.edited_at, m.deleted_at,
            m.metadata, m.created_at AS sent_at, c.user_low_id, c.user_high_id, p.last_read_message_id, p.last_read_at
     FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS seen (user_id, seq, most)
     CROSS JOIN LATERAL (
         SELECT * FROM socket_frames AS f WHERE f.user_id = seen.user_id AND f.seq > seen.seq ORDER BY f.seq LIMIT seen.most) AS f
     LEFT JOIN messages AS m ON m.id = f.message_id
     LEFT JOIN conversations AS c ON c.id = m.conversation_id
     LEFT JOIN conversation_participants AS p ON p.conversation_id = m.conversation_id AND p.user_id = f.user_id
     ORDER BY f.user_id, f.seq";

/// The number of the newest frame of each of `users` that has any.
pub async fn newest(tx: &mut Tx, users: &[i32]) -> QueryResult<Vec<(i32, i64)>> {
    streams::table
        .filter(streams::user_id.eq_any(users))
        .select((streams::user_id, streams::last_seq))
        .load(tx)
        .await
}

/// (newest, whether everything after `since` is still there) of one user.
pub async fn standing(tx: &mut Tx, user: UserId, since: i64) -> QueryResult<(i64, bool)> {
    #[derive(QueryableByName)]
    struct Standing {
        #[diesel(sql_type = BigInt)]
        newest: i64,
        #[diesel(sql_type = Bool)]
        whole: bool,
    }
    let sql = "SELECT newest, $2 = newest OR ($2 < newest AND EXISTS (
                   SELECT FROM socket_frames WHERE user_id = $1 AND seq = $2 + 1)) AS whole
               FROM (SELECT coalesce((SELECT last_seq FROM socket_streams WHERE user_id = $1), 0) AS newest) AS s";
    let found: Standing =
        diesel::sql_query(sql).bind::<Integer, _>(user.0).bind::<BigInt, _>(since).get_result(tx).await?;
    Ok((found.newest, found.whole))
}

/// Forgets frames that are too old, or too many. Returns how many; call it again while there are.
pub async fn forget_old(tx: &mut Tx, now: DateTime<Utc>) -> QueryResult<usize> {
    let sql = "WITH old AS (
                   SELECT user_id, seq FROM socket_frames WHERE created_at < $1 ORDER BY created_at LIMIT $3),
               many AS (
                   SELECT f.user_id, f.seq FROM socket_streams AS s
                   CROSS JOIN LATERAL (
                       SELECT user_id, seq FROM socket_frames AS f
                       WHERE f.user_id = s.user_id AND f.seq <= s.last_seq - $2 ORDER BY f.seq LIMIT $3) AS f
                   WHERE s.last_seq > $2 LIMIT $3)
               DELETE FROM socket_frames AS f USING (SELECT * FROM old UNION SELECT * FROM many) AS gone
               WHERE f.user_id = gone.user_id AND f.seq = gone.seq";
    diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now - KEPT)
        .bind::<BigInt, _>(KEPT_COUNT)
        .bind::<BigInt, _>(BATCH)
        .execute(tx)
        .await
}

/// Forgets all frames of a user who is gone.
pub async fn forget(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    diesel::delete(frames::table.filter(frames::user_id.eq(user.0))).execute(tx).await
}
