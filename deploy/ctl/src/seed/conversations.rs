//! Conversations and what was said in them, sealed as messaging seals.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Jsonb, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_messaging::seeding::Key;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Failure, keys};

const CONVERSATIONS: &str = include_str!("../../demo/conversations.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    conversation: Vec<Conversation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    id: i32,
    r#type: String,
    title: Option<String>,
    /// Who opened it first; for a discussion the owner and the signer.
    members: Vec<i32>,
    pitch: Option<i32>,
    /// The NDA that opened the discussion.
    nda: Option<i32>,
    /// When the signer's membership ended.
    ended: Option<String>,
    /// Members who have put it away.
    #[serde(default)]
    archived_by: Vec<i32>,
    message: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    from: i32,
    text: String,
    age: String,
    #[serde(default = "text")]
    r#type: String,
    /// The number of the message, from 1, that it answers.
    answers: Option<usize>,
    edited: Option<String>,
    deleted: Option<String>,
    /// Nobody else has read it.
    #[serde(default)]
    unread: bool,
}

fn text() -> String {
    "text".to_owned()
}

/// Inserts them all.
pub(super) async fn load(connection: &mut AsyncPgConnection, at: DateTime<Utc>) -> Result<(), Failure> {
    let File { conversation: conversations } =
        toml::from_str(CONVERSATIONS).map_err(|error| Failure::Failed(format!("demo data: {error}")))?;
    let rows = rows(&conversations)?;
    for (sql, rows) in [
        (include_str!("sql/conversations.sql"), &rows.0),
        (include_str!("sql/members.sql"), &rows.1),
        (include_str!("sql/messages.sql"), &rows.2),
    ] {
        sql_query(sql).bind::<Jsonb, _>(rows).bind::<Timestamptz, _>(at).execute(connection).await?;
    }
    for sql in [include_str!("sql/receipts.sql"), include_str!("sql/discussions.sql")] {
        sql_query(sql).bind::<Jsonb, _>(&rows.0).bind::<Timestamptz, _>(at).execute(connection).await?;
    }
    Ok(())
}

/// Rows of conversations with their keys, of members, of messages.
fn rows(conversations: &[Conversation]) -> Result<(Value, Value, Value), Failure> {
    let failed = |error: pitchey_launch::Failed| Failure::Failed(format!("demo data: {error}"));
    let master = keys::master()?;
    let (mut talks, mut members, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = 1;
    for talk in conversations {
        let key = Key::draw(&master, talk.id).map_err(failed)?;
        let (low, high) = (talk.members.iter().min(), talk.members.iter().max());
        let direct = talk.r#type == "direct";
        let discussion = talk.r#type == "pitch_discussion";
        let first = next;
        for said in &talk.message {
            let sealed = match said.deleted {
                Some(_) => None,
                None => Some(key.seal(next, said.from, &said.text).map_err(failed)?),
            };
            messages.push(json!({
                "id": next, "conversation": talk.id, "sender": said.from, "sealed": sealed, "type": said.r#type,
                "parent": said.answers.map(|number| first + i64::try_from(number).unwrap_or(1) - 1),
                "age": said.age, "edited": said.edited, "deleted": said.deleted,
            }));
            next += 1;
        }
        let read = |user: i32| {
            let known =
                talk.message.iter().zip(first..).filter(|(said, _)| !said.unread || said.from == user);
            known.map(|(_, id)| id).last()
        };
        for (number, user) in talk.members.iter().enumerate() {
            let owner = number == 0 && !direct;
            let ended = talk.ended.as_ref().filter(|_| number > 0);
            members.push(json!({
                "conversation": talk.id, "user": user, "role": if owner { "owner" } else { "member" }, "ended": ended,
                "read": read(*user), "archived": talk.archived_by.contains(user),
                "since": talk.message.as_slice().first().map(|said| said.age.clone()),
            }));
        }
        talks.push(json!({
            "id": talk.id, "type": talk.r#type, "title": talk.title, "pitch": talk.pitch, "nda": talk.nda,
            "created_by": talk.members.as_slice().first().filter(|_| !discussion),
            "low": low.filter(|_| direct), "high": high.filter(|_| direct),
            "signer": talk.members.get(1).filter(|_| discussion),
            "wrapped_key": key.wrapped_key, "master_key": key.master_key, "version": key.version,
            "created": talk.message.as_slice().first().map(|said| said.age.clone()),
            "moved": talk.message.last().map(|said| said.age.clone()),
        }));
    }
    Ok((json!(talks), json!(members), json!(messages)))
}
