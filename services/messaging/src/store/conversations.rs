//! `conversations`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, PitchId, UserId};

use crate::schema::conversations;
use crate::words::ConversationType;

/// A row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = conversations)]
pub struct Conversation {
    pub id: i32,
    pub title: Option<String>,
    pub kind: ConversationType,
    pub pitch_id: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub user_low_id: Option<i32>,
    pub user_high_id: Option<i32>,
    pub signer_id: Option<i32>,
    pub last_message_at: Option<DateTime<Utc>>,
}

impl Conversation {
    pub const fn id(&self) -> ConversationId {
        ConversationId(self.id)
    }

    /// The pitch and the signer of a discussion.
    pub fn discussed(&self) -> Option<(PitchId, UserId)> {
        let discussion = self.kind == ConversationType::PitchDiscussion;
        self.pitch_id
            .zip(self.signer_id)
            .filter(|_| discussion)
            .map(|(pitch, signer)| (PitchId(pitch), UserId(signer)))
    }
}

/// A row to be.
#[derive(Default, Insertable)]
#[diesel(table_name = conversations)]
pub struct New<'a> {
    pub title: Option<&'a str>,
    pub kind: ConversationType,
    pub pitch_id: Option<i32>,
    pub created_by: Option<i32>,
    pub user_low_id: Option<i32>,
    pub user_high_id: Option<i32>,
    pub signer_id: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub last_message_at: Option<DateTime<Utc>>,
}

/// Inserts it, unless there is one of the same pair, or of the same pitch and signer. A concurrent insert is waited for.
pub async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<Option<Conversation>> {
    diesel::insert_into(conversations::table)
        .values(new)
        .on_conflict_do_nothing()
        .returning(Conversation::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// The conversation, if the acting user may see it.
pub async fn find(tx: &mut Tx, id: ConversationId) -> QueryResult<Option<Conversation>> {
    conversations::table.find(id.0).select(Conversation::as_select()).first(tx).await.optional()
}

/// The direct conversation of two users.
pub async fn direct(tx: &mut Tx, one: UserId, other: UserId) -> QueryResult<Option<Conversation>> {
    conversations::table
        .filter(conversations::kind.eq(ConversationType::Direct))
        .filter(conversations::user_low_id.eq(one.0.min(other.0)))
        .filter(conversations::user_high_id.eq(one.0.max(other.0)))
        .select(Conversation::as_select())
        .first(tx)
        .await
        .optional()
}

/// The discussion of a pitch with a signer.
pub async fn discussion(tx: &mut Tx, pitch: PitchId, signer: UserId) -> QueryResult<Option<Conversation>> {
    conversations::table
        .filter(conversations::kind.eq(ConversationType::PitchDiscussion))
        .filter(conversations::pitch_id.eq(pitch.0))
        .filter(conversations::signer_id.eq(signer.0))
        .select(Conversation::as_select())
        .first(tx)
        .await
        .optional()
}

/// Takes the conversation for a new message: until the transaction ends, nobody else writes to it or leaves it. `None`: the acting user is no
/// active member.
pub async fn advance(
    tx: &mut Tx,
    id: ConversationId,
    now: DateTime<Utc>,
) -> QueryResult<Option<Conversation>> {
    diesel::update(conversations::table.find(id.0))
        .set((
            conversations::last_message_at.eq(now),
            conversations::updated_at.eq(now),
            conversations::is_archived.eq(false),
            conversations::version.eq(conversations::version + 1),
        ))
        .returning(Conversation::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// Locks the conversation, so that its members stay what they are until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ConversationId) -> QueryResult<Option<Conversation>> {
    conversations::table
        .find(id.0)
        .select(Conversation::as_select())
        .for_no_key_update()
        .first(tx)
        .await
        .optional()
}

/// Sets the flag of the whole conversation: all active members have put it away since the last message.
pub async fn settle_archive(tx: &mut Tx, id: ConversationId, now: DateTime<Utc>) -> QueryResult<()> {
    let sql = "UPDATE conversations AS c
               SET version = version + 1, updated_at = $2, is_archived = NOT EXISTS (
                   SELECT FROM conversation_participants AS p
                   WHERE p.conversation_id = c.id AND p.is_active
                     AND (p.archived_at IS NULL OR p.archived_at < c.last_message_at))
               WHERE c.id = $1";
    diesel::sql_query(sql).bind::<Integer, _>(id.0).bind::<Timestamptz, _>(now).execute(tx).await?;
    Ok(())
}

/// A conversation in somebody's list.
#[derive(Clone, Debug, QueryableByName)]
pub struct Entry {
    #[diesel(sql_type = Integer)]
    pub id: i32,
    /// When it last moved, as far as this member may know: the key of the list's order.
    #[diesel(sql_type = Timestamptz)]
    pub moved_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pub unread: i64,
    #[diesel(sql_type = Bool)]
    pub archived: bool,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_message_id: Option<i64>,
}

/// Where a page of the list begins, and which part of the list.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub archived: bool,
    pub after: Option<(DateTime<Utc>, i32)>,
    pub offset: i64,
    pub limit: i64,
}

/// Up to this many unread messages are counted.
pub const UNREAD_COUNTED: i64 = 1_000;

const MINE: &str = "FROM conversation_participants AS p
     JOIN conversations AS c ON c.id = p.conversation_id
     CROSS JOIN LATERAL (SELECT coalesce(least(c.last_message_at, p.left_at), c.created_at) AS at) AS moved
     WHERE p.user_id = $1
       AND (p.archived_at IS NOT NULL AND (c.last_message_at IS NULL OR p.archived_at >= c.last_message_at)) = $2";

/// The conversations of `user`, the last moved first: one page and one more, and how many there are.
pub async fn list(tx: &mut Tx, user: UserId, place: Place) -> QueryResult<(Vec<Entry>, i64)> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let counted = format!("SELECT count(*) AS count FROM (SELECT 1 {MINE} LIMIT $3) AS counted");
    let counted: Count = diesel::sql_query(counted)
        .bind::<Integer, _>(user.0)
        .bind::<Bool, _>(place.archived)
        .bind::<BigInt, _>(pitchey_web::COUNTED + 1)
        .get_result(tx)
        .await?;
    let sql = format!(
        "WITH page AS (
             SELECT c.id, moved.at, p.last_read_message_id {MINE}
               AND ($3::timestamptz IS NULL OR (moved.at, c.id) < ($3, $4))
             ORDER BY moved.at DESC, c.id DESC OFFSET $5 LIMIT $6)
         SELECT page.id, page.at AS moved_at, $2 AS archived, unread.count AS unread, newest.id AS last_message_id
         FROM page
         CROSS JOIN LATERAL (
             SELECT count(*) FROM (
                 SELECT FROM messages AS m
                 WHERE m.conversation_id = page.id AND m.id > coalesce(page.last_read_message_id, 0)
                   AND m.sender_id <> $1 AND m.deleted_at IS NULL
                 LIMIT $7) AS few) AS unread
         LEFT JOIN LATERAL (
             SELECT m.id FROM messages AS m WHERE m.conversation_id = page.id ORDER BY m.id DESC LIMIT 1) AS newest ON true
         ORDER BY page.at DESC, page.id DESC"
    );
    let rows = diesel::sql_query(sql)
        .bind::<Integer, _>(user.0)
        .bind::<Bool, _>(place.archived)
        .bind::<Nullable<Timestamptz>, _>(place.after.map(|(at, _)| at))
        .bind::<Nullable<Integer>, _>(place.after.map(|(_, id)| id))
        .bind::<BigInt, _>(place.offset)
        .bind::<BigInt, _>(place.limit + 1)
        .bind::<BigInt, _>(UNREAD_COUNTED)
        .load(tx)
        .await?;
    Ok((rows, counted.count))
}

/// Those of `ids` that the acting user may see.
pub async fn find_all(tx: &mut Tx, ids: &[i32]) -> QueryResult<Vec<Conversation>> {
    conversations::table
        .filter(conversations::id.eq_any(ids))
        .select(Conversation::as_select())
        .load(tx)
        .await
}

/// (conversation, unread messages) of `user`, where there are any.
pub async fn unread(tx: &mut Tx, user: UserId) -> QueryResult<Vec<(i32, i64)>> {
    #[derive(QueryableByName)]
    struct Unread {
        #[diesel(sql_type = Integer)]
        id: i32,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let rows: Vec<Unread> = diesel::sql_query(UNREAD)
        .bind::<Integer, _>(user.0)
        .bind::<BigInt, _>(UNREAD_COUNTED)
        .load(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.count)).collect())
}

/// Unread messages of `user` in one conversation.
pub async fn unread_in(tx: &mut Tx, user: UserId, id: ConversationId) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sql = "SELECT count(*) AS count FROM (
                   SELECT FROM messages AS m
                   WHERE m.conversation_id = $2 AND m.sender_id <> $1 AND m.deleted_at IS NULL
                     AND m.id > coalesce((SELECT p.last_read_message_id FROM conversation_participants AS p
                                          WHERE p.conversation_id = $2 AND p.user_id = $1), 0)
                   LIMIT $3) AS few";
    let found: Count = diesel::sql_query(sql)
        .bind::<Integer, _>(user.0)
        .bind::<Integer, _>(id.0)
        .bind::<BigInt, _>(UNREAD_COUNTED)
        .get_result(tx)
        .await?;
    Ok(found.count)
}

pub(super) const UNREAD: &str = "SELECT p.conversation_id AS id, unread.count
     FROM conversation_participants AS p
     CROSS JOIN LATERAL (
         SELECT count(*) FROM (
             SELECT FROM messages AS m
             WHERE m.conversation_id = p.conversation_id AND m.id > coalesce(p.last_read_message_id, 0)
               AND m.sender_id <> $1 AND m.deleted_at IS NULL
             LIMIT $2) AS few) AS unread
     WHERE p.user_id = $1 AND unread.count > 0
     ORDER BY p.conversation_id";
