//! Looking: lists, history, counts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};
use pitchey_web::{Cursor, Listed, Paging, Refusal};

use super::Said;
use crate::error::Error;
use crate::keys::{Body, MasterKeys, no_key};
use crate::store::conversations::{self, Conversation, Place};
use crate::store::messages::{self, Message};
use crate::store::participants::{self, Participant};
use crate::store::{keys as key_store, receipts};

/// A conversation, as one of its members sees it.
#[derive(Clone, Debug)]
pub struct Overview {
    pub conversation: Conversation,
    pub members: Vec<Participant>,
    pub last: Option<Said>,
    pub unread: i64,
    pub archived: bool,
    /// When it last moved, as far as the reader may know.
    pub moved_at: DateTime<Utc>,
}

/// The reader's conversations, the last moved first.
pub async fn list(
    tx: &mut Tx,
    keys: &MasterKeys,
    user: UserId,
    archived: bool,
    paging: &Paging,
) -> Result<Listed<Overview>, Error> {
    let after = paging.cursor.as_ref().map(Cursor::key).transpose()?;
    let offset = if after.is_some() { 0 } else { paging.offset() };
    let place = Place { archived, after, offset, limit: paging.limit };
    let (entries, counted) = conversations::list(tx, user, place).await?;
    let page = Listed::page(paging, entries, counted, |entry| Cursor::after(&(entry.moved_at, entry.id)));

    let ids: Vec<i32> = page.data.iter().map(|entry| entry.id).collect();
    let newest: Vec<i64> = page.data.iter().filter_map(|entry| entry.last_message_id).collect();
    let mut rows: HashMap<i32, Conversation> =
        conversations::find_all(tx, &ids).await?.into_iter().map(|row| (row.id, row)).collect();
    let mut members: HashMap<i32, Vec<Participant>> = HashMap::new();
    for member in participants::of_all(tx, &ids).await? {
        members.entry(member.conversation_id).or_default().push(member);
    }
    let newest = messages::find_all(tx, &newest).await?;
    let mut last: HashMap<i32, Said> =
        open(tx, keys, newest).await?.into_iter().map(|said| (said.row.conversation_id, said)).collect();
    let Listed { data, meta } = page;
    let data = data.into_iter().filter_map(|entry| {
        Some(Overview {
            conversation: rows.remove(&entry.id)?,
            members: members.remove(&entry.id).unwrap_or_default(),
            last: last.remove(&entry.id),
            unread: entry.unread,
            archived: entry.archived,
            moved_at: entry.moved_at,
        })
    });
    Ok(Listed { data: data.collect(), meta })
}

/// One conversation with a page of its history, newest first.
pub struct Page {
    pub overview: Overview,
    pub messages: Vec<Said>,
    /// Pass it as `before` to go on.
    pub next: Option<i64>,
}

/// What the reader may see of a conversation before `before`.
pub async fn page(
    tx: &mut Tx,
    keys: &MasterKeys,
    user: UserId,
    id: ConversationId,
    before: Option<i64>,
    limit: i64,
) -> Result<Page, Error> {
    let conversation = conversations::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    let mut rows = messages::history(tx, id, before, limit).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let newest = match before {
        None => rows.first().cloned(),
        Some(_) => messages::newest(tx, id, None).await?,
    };
    let unread = conversations::unread_in(tx, user, id).await?;
    let overview = overview(tx, keys, user, conversation, newest, unread).await?;
    let messages = open(tx, keys, rows).await?;
    Ok(Page { overview, messages, next })
}

/// One conversation as its reader may see it.
pub async fn one(
    tx: &mut Tx,
    keys: &MasterKeys,
    user: UserId,
    id: ConversationId,
) -> Result<Overview, Error> {
    let conversation = conversations::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    let newest = messages::newest(tx, id, None).await?;
    let unread = conversations::unread_in(tx, user, id).await?;
    overview(tx, keys, user, conversation, newest, unread).await
}

async fn overview(
    tx: &mut Tx,
    keys: &MasterKeys,
    user: UserId,
    conversation: Conversation,
    newest: Option<Message>,
    unread: i64,
) -> Result<Overview, Error> {
    let members = participants::of(tx, conversation.id()).await?;
    let last = open(tx, keys, newest.into_iter().collect()).await?.pop();
    let mine = members.iter().find(|member| member.user() == user);
    let moved_at = conversation.last_message_at.unwrap_or(conversation.created_at);
    let moved_at = mine.and_then(|member| member.left_at).map_or(moved_at, |left| left.min(moved_at));
    let put_away = mine.and_then(|member| member.archived_at);
    let archived = put_away.is_some_and(|at| conversation.last_message_at.is_none_or(|last| at >= last));
    Ok(Overview { conversation, members, last, unread, archived, moved_at })
}

/// What rows say, in the same order.
pub async fn open(tx: &mut Tx, keys: &MasterKeys, rows: Vec<Message>) -> Result<Vec<Said>, Error> {
    let mut ids: Vec<i32> = rows.iter().map(|row| row.conversation_id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rings = keys.unwrap_all(&key_store::of(tx, &ids).await?)?;
    rows.into_iter()
        .map(|row| {
            let body = match (&row.encrypted_content, rings.get(&row.conversation_id)) {
                (Some(sealed), Some(ring)) => ring.open(row.id(), row.sender(), sealed)?,
                (Some(_), None) => return Err(no_key(row.conversation())),
                // A tombstone; or it was said before texts were sealed.
                (None, _) => Body { content: row.content.clone().unwrap_or_default(), ..Body::default() },
            };
            Ok(Said { row, body })
        })
        .collect()
}

/// When the reader read each of `said`, as far as that is known of single messages.
pub async fn read_times(
    tx: &mut Tx,
    user: UserId,
    said: &[Said],
) -> Result<HashMap<i64, DateTime<Utc>>, Error> {
    let ids: Vec<i64> = said.iter().map(|said| said.row.id).collect();
    let times = receipts::read_times(tx, user, &ids).await?;
    Ok(times.into_iter().filter_map(|(id, at)| Some((id, at?))).collect())
}
