//! Frames as clients get them: `{seq, type, event, data, timestamp}`.

use std::collections::HashMap;

use bytestring::ByteString;
use chrono::{DateTime, Utc};
use pitchey_events::{ConversationId, MessageId, UserId};
use pitchey_web::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::keys::{Body, Keyring, no_key};
use crate::store::frames::Frame as Row;
use crate::store::receipts::Delivered;
use crate::view;

/// A frame that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Shown {
    pub seq: i64,
    pub text: ByteString,
    /// The delivery that sending it is.
    pub delivered: Option<Delivered>,
}

/// A frame.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Frame {
    /// Number of the frame; without gaps for message, receipt and notification. Passing ones repeat the last.
    pub seq: i64,
    /// message, receipt, notification, typing, presence or system.
    #[serde(rename = "type")]
    pub kind: String,
    /// new, edited, deleted; read, delivered; created; started, stopped; online, offline; ready, resync.
    pub event: String,
    /// By type: a message; {conversationId, userId, upTo, readAt}; a notification; {conversationId, userId}; {userId, online}; {lastSeq}.
    #[schema(value_type = Object)]
    pub data: Value,
    /// When, RFC 3339.
    #[schema(value_type = String)]
    pub timestamp: Timestamp,
}

/// `row` as its reader sees it.
pub fn render(row: Row, rings: &HashMap<i32, Keyring>) -> Result<(Frame, Option<Delivered>), Error> {
    let (reader, event) = (UserId(row.user_id), row.event.clone());
    let mut delivered = None;
    let data = match (row.message_id, row.conversation_id, row.sender_id) {
        (Some(message), Some(conversation), Some(sender)) => {
            if event == "new" && sender != reader.0 {
                let (conversation, sender) = (ConversationId(conversation), UserId(sender));
                delivered = Some(Delivered { conversation, user: reader, message, sender });
            }
            serde_json::to_value(message_of(&row, MessageId(message), UserId(sender), rings)?)?
        }
        _ => row.data.unwrap_or_else(|| json!({})),
    };
    let frame = Frame { seq: row.seq, kind: row.kind, event, data, timestamp: row.created_at.into() };
    Ok((frame, delivered))
}

fn message_of(
    row: &Row,
    id: MessageId,
    sender: UserId,
    rings: &HashMap<i32, Keyring>,
) -> Result<view::Message, Error> {
    let conversation = row.conversation_id.unwrap_or_default();
    let body = match &row.encrypted_content {
        Some(sealed) => rings
            .get(&conversation)
            .ok_or_else(|| no_key(ConversationId(conversation)))?
            .open(id, sender, sealed)?,
        None => Body::default(),
    };
    let pair = row.user_low_id.zip(row.user_high_id);
    let own = sender.0 == row.user_id;
    let read = own || row.last_read_message_id.is_some_and(|last| last >= id.0);
    Ok(view::Message {
        id: id.0,
        conversation_id: conversation,
        sender_id: sender.0,
        receiver_id: view::receiver(pair, sender.0),
        content: body.content,
        message_type: row.message_type.unwrap_or_default(),
        pitch_id: view::pitch(row.metadata.as_ref()),
        subject: body.subject,
        attachments: view::attachments(row.attachments.as_ref(), &body.names),
        parent_id: row.parent_id,
        read,
        read_at: row.last_read_at.filter(|_| read && !own).map(Timestamp),
        edited_at: row.edited_at.map(Timestamp),
        deleted_at: row.deleted_at.map(Timestamp),
        sent_at: row.sent_at.unwrap_or(row.created_at).into(),
        created_at: row.sent_at.unwrap_or(row.created_at).into(),
    })
}

/// A passing frame: it repeats the number of the last durable one.
pub fn ephemeral(seq: i64, kind: &str, event: &str, data: &Value, at: &str) -> ByteString {
    json!({ "seq": seq, "type": kind, "event": event, "data": data, "timestamp": at }).to_string().into()
}

/// What was missed is not there any more: the client reads anew, and goes on from `seq`.
pub fn resync(seq: i64) -> ByteString {
    json!({ "seq": seq, "type": "system", "event": "resync", "data": { "lastSeq": seq } }).to_string().into()
}

/// A time in frames that have no row.
pub fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
