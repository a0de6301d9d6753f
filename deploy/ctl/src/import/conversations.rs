//! Conversations with their members, messages, receipts.

use serde_json::Value;

use super::mending::{Mending, default, is_null, number, set, text, time, times};
use super::table::{Key, Row, Table};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "conversations",
        from: Some(
            "SELECT c.*,
                 (SELECT array_agg(DISTINCT p.user_id ORDER BY p.user_id)
                  FROM conversation_participants AS p WHERE p.conversation_id = c.id) AS members,
                 (SELECT pitches.user_id FROM pitches WHERE pitches.id = c.pitch_id) AS pitch_owner
             FROM conversations AS c",
        ),
        key: Key::Number,
        columns: "id, title, type, pitch_id, is_archived, metadata, created_at, updated_at, user_low_id, user_high_id,
            signer_id",
        mend: conversation,
        beside: None,
    },
    Table {
        name: "conversation_participants",
        from: None,
        key: Key::Number,
        columns: "id, conversation_id, user_id, role, joined_at, last_read_at, is_active, left_at",
        mend: participant,
        beside: None,
    },
    Table {
        name: "messages",
        from: Some(
            "SELECT m.*,
                 (SELECT parent.conversation_id FROM messages AS parent WHERE parent.id = m.parent_id) AS parent_conversation
             FROM messages AS m",
        ),
        key: Key::Number,
        columns: "id, conversation_id, sender_id, content, encrypted_content, attachments, message_type, parent_id,
            edited_at, deleted_at, metadata, created_at",
        mend: message,
        beside: None,
    },
    Table {
        name: "message_read_receipts",
        from: None,
        key: Key::Number,
        columns: "id, message_id, user_id, read_at, delivered_at",
        mend: receipt,
        beside: None,
    },
    Table {
        name: "typing_indicators",
        from: None,
        key: Key::Number,
        columns: "id, conversation_id, user_id, started_at, expires_at",
        mend: typing,
        beside: None,
    },
];

/// A direct conversation is one for its pair, a discussion one for a pitch and a signer; what is neither is a group.
fn conversation(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    default(row, "type", "direct");
    default(row, "is_archived", false);
    let id = number(row, "id").ok_or("no id")?;
    let members: Vec<i64> = row["members"]
        .as_array()
        .map(|ids| ids.iter().filter_map(Value::as_i64).collect())
        .unwrap_or_default();
    let (pitch, owner) = (number(row, "pitch_id"), number(row, "pitch_owner"));
    let key = match (text(row, "type").unwrap_or_default(), members.as_slice(), pitch, owner) {
        ("direct", &[low, high], ..) => Some(("direct", low, high)),
        ("pitch_discussion", &[one, other], Some(pitch), Some(owner)) if owner == one || owner == other => {
            Some(("pitch_discussion", pitch, if owner == one { other } else { one }))
        }
        _ => None,
    };
    let alone = key.filter(|key| *mending.pairs.entry(*key).or_insert(id) == id);
    match alone {
        Some(("direct", low, high)) => {
            set(row, "user_low_id", low);
            set(row, "user_high_id", high);
        }
        Some((_, _, signer)) => set(row, "signer_id", signer),
        None => {
            if text(row, "type") != Some("group") {
                let what = match key {
                    Some(_) => "a second conversation of the same people is a group",
                    None => "not between two, or of no pitch of theirs: a group",
                };
                mending.mended(what);
            }
            set(row, "type", "group");
        }
    }
    Ok(())
}

fn participant(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    default(row, "joined_at", "2000-01-01T00:00:00Z");
    default(row, "is_active", true);
    if !matches!(text(row, "role"), Some("owner" | "member")) {
        if !is_null(row, "role") {
            mending.mended("a role that is not known is that of a member");
        }
        set(row, "role", "member");
    }
    if row["is_active"] == false {
        // Who left sees what was written until then; when that was is not known, so: what was read.
        let left_at =
            if is_null(row, "last_read_at") { row["joined_at"].clone() } else { row["last_read_at"].clone() };
        set(row, "left_at", left_at);
        mending.mended("left, nobody knows when: sees what was read by then");
    }
    Ok(())
}

fn message(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    times(row);
    let id = number(row, "id").ok_or("no id")?;
    if !matches!(
        text(row, "message_type"),
        Some("text" | "image" | "file" | "system" | "pitch_share" | "nda_request")
    ) {
        if !is_null(row, "message_type") {
            mending.mended("a type that is not known is text");
        }
        set(row, "message_type", "text");
    }
    if !is_null(row, "encrypted_content") {
        // Of a key that is not ours: kept where it does not pass for a text of this platform.
        let former = row["encrypted_content"].clone();
        set(row, "encrypted_content", Value::Null);
        match row.get_mut("metadata").and_then(Value::as_object_mut) {
            Some(metadata) => {
                metadata.insert("formerEncryptedContent".to_owned(), former);
            }
            None => set(row, "metadata", serde_json::json!({ "formerEncryptedContent": former })),
        }
        mending.mended("encrypted by the former platform: kept in the metadata, can't be shown");
    }
    let elsewhere =
        !is_null(row, "parent_conversation") && row["parent_conversation"] != row["conversation_id"];
    if number(row, "parent_id").is_some_and(|parent| parent >= id) || elsewhere {
        set(row, "parent_id", Value::Null);
        mending.mended("an answer to what came later or elsewhere is a message of its own");
    }
    Ok(())
}

fn receipt(_: &mut Mending, row: &mut Row) -> Result<(), String> {
    if is_null(row, "delivered_at") {
        let read_at = row["read_at"].clone();
        set(row, "delivered_at", read_at);
    }
    Ok(())
}

fn typing(mending: &mut Mending, row: &mut Row) -> Result<(), String> {
    match time(row, "expires_at") {
        Some(at) if at > mending.now => {
            default(row, "started_at", mending.now.to_rfc3339());
            Ok(())
        }
        _ => Err("over".to_owned()),
    }
}
