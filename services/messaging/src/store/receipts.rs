//! `message_read_receipts`: rows for messages that were delivered.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};

use crate::schema::message_read_receipts as receipts;

/// Older delivered messages that get a time of reading when a newer one is read; for all others the reader's position tells.
const AT_ONCE: i64 = 10;

/// Notes that `user` has read `message`, and what was delivered shortly before it.
pub async fn read(
    tx: &mut Tx,
    conversation: ConversationId,
    user: UserId,
    (before, message): (i64, i64),
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let sql = "WITH shown AS (
                   SELECT m.id FROM messages AS m
                   WHERE m.conversation_id = $1 AND m.id > $3 AND m.id <= $4 ORDER BY m.id DESC LIMIT $6),
               delivered AS (
                   UPDATE message_read_receipts SET read_at = $5
                   WHERE user_id = $2 AND read_at IS NULL AND message_id <> $4 AND message_id IN (SELECT id FROM shown))
               INSERT INTO message_read_receipts AS r (message_id, user_id, delivered_at, read_at)
               SELECT m.id, $2, $5, $5 FROM messages AS m WHERE m.id = $4 AND m.sender_id <> $2
               ON CONFLICT (message_id, user_id) DO UPDATE SET read_at = coalesce(r.read_at, excluded.read_at)";
    diesel::sql_query(sql)
        .bind::<Integer, _>(conversation.0)
        .bind::<Integer, _>(user.0)
        .bind::<BigInt, _>(before)
        .bind::<BigInt, _>(message)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(AT_ONCE)
        .execute(tx)
        .await
}

/// When `user` read each of `messages`, as far as that is known of single ones.
pub async fn read_times(
    tx: &mut Tx,
    user: UserId,
    messages: &[i64],
) -> QueryResult<Vec<(i64, Option<DateTime<Utc>>)>> {
    receipts::table
        .filter(receipts::user_id.eq(user.0))
        .filter(receipts::message_id.eq_any(messages))
        .select((receipts::message_id, receipts::read_at))
        .load(tx)
        .await
}

/// A message that reached somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub conversation: ConversationId,
    pub user: UserId,
    pub message: i64,
    /// Who is told.
    pub sender: UserId,
}

/// Notes deliveries, and tells the senders whose members have come further: a durable frame each. Returns the senders told.
pub async fn delivered(
    tx: &mut Tx,
    all: &[Delivered],
    quiet: &[bool],
    now: DateTime<Utc>,
) -> QueryResult<Vec<UserId>> {
    #[derive(QueryableByName)]
    struct Told {
        #[diesel(sql_type = Integer)]
        sender: i32,
    }
    let sql = "WITH given AS (
                   SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[], $6::bool[]) AS g (conversation_id, user_id, message_id, sender_id, quiet)),
               noted AS (
                   INSERT INTO message_read_receipts (message_id, user_id, delivered_at)
                   SELECT DISTINCT message_id, user_id, $5 FROM given ORDER BY 1, 2
                   ON CONFLICT (message_id, user_id) DO NOTHING),
               furthest AS (
                   SELECT conversation_id, user_id, max(message_id) AS message_id FROM given GROUP BY 1, 2),
               held AS (
                   SELECT p.id, f.message_id, p.conversation_id, p.user_id
                   FROM conversation_participants AS p JOIN furthest AS f USING (conversation_id, user_id)
                   WHERE coalesce(p.last_delivered_message_id, 0) < f.message_id
                   ORDER BY p.id FOR NO KEY UPDATE OF p),
               moved AS (
                   UPDATE conversation_participants AS p SET last_delivered_message_id = greatest(p.last_delivered_message_id, held.message_id)
                   FROM held WHERE p.id = held.id
                   RETURNING p.conversation_id, p.user_id, p.last_delivered_message_id),
               told AS (
                   SELECT g.sender_id, moved.conversation_id, moved.user_id, moved.last_delivered_message_id
                   FROM moved JOIN given AS g USING (conversation_id, user_id)
                   WHERE NOT g.quiet AND EXISTS (
                       SELECT FROM conversation_participants AS s
                       WHERE s.conversation_id = g.conversation_id AND s.user_id = g.sender_id AND s.is_active)
                   GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3)
               SELECT told.sender_id AS sender, push_frames(ARRAY[told.sender_id], 'receipt', 'delivered', told.conversation_id, NULL,
                   jsonb_build_object('conversationId', told.conversation_id, 'userId', told.user_id, 'upTo', told.last_delivered_message_id), $5)::text
               FROM told";
    let told: Vec<Told> = diesel::sql_query(sql)
        .bind::<Array<Integer>, _>(all.iter().map(|one| one.conversation.0).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(all.iter().map(|one| one.user.0).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(all.iter().map(|one| one.message).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(all.iter().map(|one| one.sender.0).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .bind::<Array<diesel::sql_types::Bool>, _>(quiet)
        .load(tx)
        .await?;
    Ok(told.into_iter().map(|told| UserId(told.sender)).collect())
}
