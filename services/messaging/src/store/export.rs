//! Everything about one user, a batch after the other: for the user's own export.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;

use super::conversations::Conversation;
use super::messages::Message;
use super::participants::Participant;
use crate::schema::{conversation_participants, conversations, message_read_receipts, messages};

/// Rows in a batch.
pub const BATCH: i64 = 500;

/// Memberships with their conversations, by conversation after `after`.
pub async fn memberships(
    tx: &mut Tx,
    user: UserId,
    after: i32,
) -> QueryResult<Vec<(Participant, Conversation)>> {
    conversation_participants::table
        .inner_join(conversations::table.on(conversations::id.eq(conversation_participants::conversation_id)))
        .filter(conversation_participants::user_id.eq(user.0))
        .filter(conversation_participants::conversation_id.gt(after))
        .order(conversation_participants::conversation_id)
        .select((Participant::as_select(), Conversation::as_select()))
        .limit(BATCH)
        .load(tx)
        .await
}

/// What the user wrote, by id after `after`.
pub async fn written(tx: &mut Tx, user: UserId, after: i64) -> QueryResult<Vec<Message>> {
    messages::table
        .filter(messages::sender_id.eq(user.0))
        .filter(messages::id.gt(after))
        .order(messages::id)
        .select(Message::as_select())
        .limit(BATCH)
        .load(tx)
        .await
}

/// A row of `message_read_receipts`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = message_read_receipts)]
pub struct Receipt {
    pub id: i64,
    pub message_id: i64,
    pub read_at: Option<chrono::DateTime<chrono::Utc>>,
    pub delivered_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// The user's receipts, by id after `after`.
pub async fn receipts(tx: &mut Tx, user: UserId, after: i64) -> QueryResult<Vec<Receipt>> {
    message_read_receipts::table
        .filter(message_read_receipts::user_id.eq(user.0))
        .filter(message_read_receipts::id.gt(after))
        .order(message_read_receipts::id)
        .select(Receipt::as_select())
        .limit(BATCH)
        .load(tx)
        .await
}
