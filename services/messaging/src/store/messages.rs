//! `messages`.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, MessageId, UserId};
use serde_json::Value;

use crate::schema::messages;
use crate::words::MessageType;

/// A row; what was said is sealed.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Message {
    pub id: i64,
    pub conversation_id: i32,
    pub sender_id: i32,
    pub content: Option<String>,
    pub encrypted_content: Option<String>,
    pub attachments: Option<Value>,
    pub message_type: MessageType,
    pub parent_id: Option<i64>,
    pub edited_at: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub metadata: Option<Value>,
    pub created_at: DateTime<Utc>,
}

impl Message {
    pub const fn id(&self) -> MessageId {
        MessageId(self.id)
    }

    pub const fn conversation(&self) -> ConversationId {
        ConversationId(self.conversation_id)
    }

    pub const fn sender(&self) -> UserId {
        UserId(self.sender_id)
    }
}

/// A row to be.
#[derive(Insertable)]
#[diesel(table_name = messages)]
pub struct New<'a> {
    pub id: i64,
    pub conversation_id: i32,
    pub sender_id: i32,
    pub encrypted_content: Option<&'a str>,
    pub attachments: Option<&'a Value>,
    pub message_type: MessageType,
    pub parent_id: Option<i64>,
    pub metadata: Option<&'a Value>,
    pub created_at: DateTime<Utc>,
}

/// The id of the next message, drawn before its text is sealed. While the conversation is locked, ids rise with its messages.
pub async fn draw_id(tx: &mut Tx) -> QueryResult<MessageId> {
    let id: i64 = diesel::select(sql::<BigInt>("nextval('messages_id_seq')")).get_result(tx).await?;
    Ok(MessageId(id))
}

pub async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<Message> {
    diesel::insert_into(messages::table).values(new).returning(Message::as_returning()).get_result(tx).await
}

/// The message, if the acting user may see it.
pub async fn find(tx: &mut Tx, id: MessageId) -> QueryResult<Option<Message>> {
    messages::table.find(id.0).select(Message::as_select()).first(tx).await.optional()
}

/// Those of `ids` that the acting user may see.
pub async fn find_all(tx: &mut Tx, ids: &[i64]) -> QueryResult<Vec<Message>> {
    messages::table.filter(messages::id.eq_any(ids)).select(Message::as_select()).load(tx).await
}

/// What the acting user may see of a conversation before `before`, newest first: one page and one more.
pub async fn history(
    tx: &mut Tx,
    conversation: ConversationId,
    before: Option<i64>,
    limit: i64,
) -> QueryResult<Vec<Message>> {
    page(conversation, before, limit).load(tx).await
}

#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn page(conversation: ConversationId, before: Option<i64>, limit: i64) -> _ {
    let conversation: i32 = conversation.0;
    let before: i64 = before.unwrap_or(i64::MAX);
    let limit: i64 = limit + 1;
    let row: diesel::dsl::AsSelect<Message, Pg> = Message::as_select();
    messages::table
        .filter(messages::conversation_id.eq(conversation))
        .filter(messages::id.lt(before))
        .order(messages::id.desc())
        .limit(limit)
        .select(row)
}

/// The newest message of a conversation up to `up_to` that the acting user may see.
pub async fn newest(
    tx: &mut Tx,
    conversation: ConversationId,
    up_to: Option<MessageId>,
) -> QueryResult<Option<Message>> {
    page(conversation, up_to.map(|id| id.0.saturating_add(1)), 0).first(tx).await.optional()
}

/// Replaces what was said, if the sender still may. `None`: not any more.
pub async fn edit(
    tx: &mut Tx,
    id: MessageId,
    sender: UserId,
    encrypted: &str,
    within: TimeDelta,
    now: DateTime<Utc>,
) -> QueryResult<Option<Message>> {
    diesel::update(messages::table.find(id.0))
        .filter(messages::sender_id.eq(sender.0))
        .filter(messages::deleted_at.is_null())
        .filter(messages::created_at.gt(now - within))
        .set((
            messages::encrypted_content.eq(encrypted),
            messages::content.eq(None::<String>),
            messages::edited_at.eq(now),
        ))
        .returning(Message::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// Turns the message into a tombstone. `None`: it is one.
pub async fn bury(
    tx: &mut Tx,
    id: MessageId,
    sender: UserId,
    now: DateTime<Utc>,
) -> QueryResult<Option<Message>> {
    diesel::update(messages::table.find(id.0))
        .filter(messages::sender_id.eq(sender.0))
        .filter(messages::deleted_at.is_null())
        .set(tombstone(now))
        .returning(Message::as_returning())
        .get_result(tx)
        .await
        .optional()
}

/// Turns everything that `sender` wrote into tombstones.
pub async fn bury_all(tx: &mut Tx, sender: UserId, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(messages::table)
        .filter(messages::sender_id.eq(sender.0))
        .filter(messages::deleted_at.is_null())
        .set(tombstone(now))
        .execute(tx)
        .await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn tombstone(now: DateTime<Utc>) -> _ {
    let nothing: Option<String> = None;
    let no_content: Option<String> = None;
    let no_files: Option<Value> = None;
    let no_more: Option<Value> = None;
    (
        messages::encrypted_content.eq(nothing),
        messages::content.eq(no_content),
        messages::attachments.eq(no_files),
        messages::metadata.eq(no_more),
        messages::deleted_at.eq(now),
    )
}
