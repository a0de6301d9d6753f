//! What the API shows.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use pitchey_events::UserId;
use pitchey_rpc::PublicUser;
use pitchey_web::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ops::Said;
use crate::ops::reading::Overview;
use crate::words::{ConversationType, MessageType};

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Where it lies: `/api/media/...`.
    pub url: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// As `image/png`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
}

/// A message, as one member sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: i64,
    pub conversation_id: i32,
    pub sender_id: i32,
    /// In direct conversations: the other.
    pub receiver_id: Option<i32>,
    /// Empty where it was deleted.
    pub content: String,
    pub message_type: MessageType,
    pub pitch_id: Option<i32>,
    pub subject: Option<String>,
    pub attachments: Vec<Attachment>,
    pub parent_id: Option<i64>,
    /// By the caller; own messages are.
    pub read: bool,
    #[schema(value_type = Option<String>)]
    pub read_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    pub edited_at: Option<Timestamp>,
    #[schema(value_type = Option<String>)]
    pub deleted_at: Option<Timestamp>,
    /// The same as `createdAt`.
    #[schema(value_type = String)]
    pub sent_at: Timestamp,
    #[schema(value_type = String)]
    pub created_at: Timestamp,
}

/// How far one member has come.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Position {
    user_id: i32,
    role: &'static str,
    is_active: bool,
    last_read_message_id: Option<i64>,
    #[schema(value_type = Option<String>)]
    last_read_at: Option<Timestamp>,
    last_delivered_message_id: Option<i64>,
}

/// A conversation, as one member sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    id: i32,
    #[serde(rename = "type")]
    kind: ConversationType,
    title: Option<String>,
    pitch_id: Option<i32>,
    participants: Vec<PublicUser>,
    /// How far each member has come.
    positions: Vec<Position>,
    last_message: Option<Message>,
    unread_count: i64,
    /// Put away by the caller.
    archived: bool,
    /// The caller may write.
    is_active: bool,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// The other of a direct conversation's two.
pub fn receiver(pair: Option<(i32, i32)>, sender: i32) -> Option<i32> {
    pair.map(|(low, high)| if sender == low { high } else { low })
}

/// The pitch that a message names.
pub fn pitch(metadata: Option<&Value>) -> Option<i32> {
    metadata?.get("pitchId")?.as_i64()?.try_into().ok()
}

/// Attachments with their names, which are sealed with the text.
pub fn attachments(column: Option<&Value>, names: &[String]) -> Vec<Attachment> {
    let mut files: Vec<Attachment> =
        column.cloned().and_then(|column| serde_json::from_value(column).ok()).unwrap_or_default();
    for (file, name) in files.iter_mut().zip(names) {
        file.name.clone_from(name);
    }
    files
}

/// Where a reader stands with a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    pub user: UserId,
    /// The two of a direct conversation.
    pub pair: Option<(i32, i32)>,
    /// Everything up to here is read.
    pub up_to: i64,
    pub at: Option<DateTime<Utc>>,
}

impl Message {
    /// `said` as `reader` sees it; `read_at` where it is known of this very message.
    pub fn of(said: Said, reader: &Reader, read_at: Option<DateTime<Utc>>) -> Self {
        let Said { row, body } = said;
        let own = row.sender_id == reader.user.0;
        let read = own || row.id <= reader.up_to;
        Self {
            id: row.id,
            conversation_id: row.conversation_id,
            sender_id: row.sender_id,
            receiver_id: receiver(reader.pair, row.sender_id),
            content: body.content,
            message_type: row.message_type,
            pitch_id: pitch(row.metadata.as_ref()),
            subject: body.subject,
            attachments: attachments(row.attachments.as_ref(), &body.names),
            parent_id: row.parent_id,
            read,
            read_at: read_at.or(reader.at).filter(|_| read && !own).map(Timestamp),
            edited_at: row.edited_at.map(Timestamp),
            deleted_at: row.deleted_at.map(Timestamp),
            sent_at: row.created_at.into(),
            created_at: row.created_at.into(),
        }
    }
}

impl Overview {
    /// Where `user` stands with it.
    pub fn reader(&self, user: UserId) -> Reader {
        let mine = self.members.iter().find(|member| member.user() == user);
        Reader {
            user,
            pair: self.conversation.user_low_id.zip(self.conversation.user_high_id),
            up_to: mine.and_then(|member| member.last_read_message_id).unwrap_or(0),
            at: mine.and_then(|member| member.last_read_at),
        }
    }
}

impl Conversation {
    /// `overview` as `user` sees it, with what is known of its members.
    pub fn of(overview: Overview, user: UserId, users: &HashMap<UserId, PublicUser>) -> Self {
        let reader = overview.reader(user);
        let Overview { conversation, members, last, unread, archived, moved_at } = overview;
        let positions = members.iter().map(|member| Position {
            user_id: member.user_id,
            role: member.role.as_str(),
            is_active: member.is_active,
            last_read_message_id: member.last_read_message_id,
            last_read_at: member.last_read_at.map(Timestamp),
            last_delivered_message_id: member.last_delivered_message_id,
        });
        Self {
            id: conversation.id,
            kind: conversation.kind,
            title: conversation.title,
            pitch_id: conversation.pitch_id,
            participants: members.iter().filter_map(|member| users.get(&member.user()).cloned()).collect(),
            is_active: members.iter().any(|member| member.user() == user && member.is_active),
            positions: positions.collect(),
            last_message: last.map(|said| Message::of(said, &reader, None)),
            unread_count: unread,
            archived,
            created_at: conversation.created_at.into(),
            updated_at: moved_at.into(),
        }
    }
}
