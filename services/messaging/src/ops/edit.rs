//! Changing and taking back what one has written.

use chrono::TimeDelta;
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{MessageDeleted, MessageEdited, MessageId, UserId};
use pitchey_web::Refusal;

use super::audience::Audience;
use super::{Act, Said, Voice, active, keyring};
use crate::error::Error;
use crate::keys::Body;
use crate::store::frames::Telling;
use crate::store::messages::{self, Message};
use crate::store::{conversations, participants};

/// How long a message can be changed.
pub const EDITABLE: TimeDelta = TimeDelta::minutes(15);

/// A message that was changed, and whose sockets are to look.
pub struct Changed {
    pub said: Said,
    pub told: Vec<UserId>,
    /// It was so before.
    pub repeated: bool,
}

/// Replaces the text of an own message.
pub async fn edit(
    tx: &mut Tx,
    act: &Act<'_>,
    id: MessageId,
    audience: &Audience,
    content: &str,
) -> Result<Changed, Error> {
    act.may_write()?;
    let before = own(tx, act, id).await?;
    if conversations::lock(tx, before.conversation()).await?.is_none() {
        return Err(Error::ConversationInactive);
    }
    let members = active(&participants::of(tx, before.conversation()).await?);
    if audience.closed {
        return Err(Error::ConversationInactive);
    }
    if members.iter().any(|member| audience.blocked.contains(member)) {
        return Err(Error::MessageNotPossible);
    }
    let keys = keyring(tx, act.keys, before.conversation()).await?;
    if before.deleted_at.is_some() {
        return Err(Error::MessageDeleted);
    }
    let said = match &before.encrypted_content {
        Some(sealed) => keys.open(id, before.sender(), sealed)?,
        None => Body::default(),
    };
    let body = Body { content: content.to_owned(), ..said };
    let sealed = keys.seal(id, act.actor.id, &body)?;
    let Some(row) = messages::edit(tx, id, act.actor.id, &sealed, EDITABLE, act.now).await? else {
        let now = messages::find(tx, id).await?.ok_or(Refusal::NotFound)?;
        return Err(if now.deleted_at.is_some() {
            Error::MessageDeleted
        } else {
            Error::MessageEditWindowOver
        });
    };
    let telling = Telling { kind: "message", event: "edited", message: Some(id), data: None };
    Voice::Member.tell(tx, row.conversation(), &members, &telling, act.now);
    let event = MessageEdited {
        message_id: id,
        conversation_id: row.conversation(),
        sender_id: act.actor.id,
        recipient_ids: without(&members, act.actor.id),
    };
    outbox::append(tx, &event)?;
    Ok(Changed { said: Said { row, body }, told: members, repeated: false })
}

/// Turns an own message into a tombstone.
pub async fn delete(tx: &mut Tx, act: &Act<'_>, id: MessageId) -> Result<Changed, Error> {
    let before = own(tx, act, id).await?;
    // Former members can't lock it; what they take back, nobody needs to wait for.
    conversations::lock(tx, before.conversation()).await?;
    let Some(row) = messages::bury(tx, id, act.actor.id, act.now).await? else {
        let said = Said { row: before, body: Body::default() };
        return Ok(Changed { said, told: Vec::new(), repeated: true });
    };
    let members = active(&participants::of(tx, row.conversation()).await?);
    let telling = Telling { kind: "message", event: "deleted", message: Some(id), data: None };
    Voice::Member.tell(tx, row.conversation(), &members, &telling, act.now);
    let event = MessageDeleted {
        message_id: id,
        conversation_id: row.conversation(),
        sender_id: act.actor.id,
        recipient_ids: without(&members, act.actor.id),
    };
    outbox::append(tx, &event)?;
    Ok(Changed { said: Said { row, body: Body::default() }, told: members, repeated: false })
}

/// The actor's own message. Strangers don't learn that there is one.
async fn own(tx: &mut Tx, act: &Act<'_>, id: MessageId) -> Result<Message, Error> {
    let message = messages::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    if message.sender() == act.actor.id { Ok(message) } else { Err(Refusal::Forbidden.into()) }
}

fn without(members: &[UserId], user: UserId) -> Vec<UserId> {
    members.iter().copied().filter(|member| *member != user).collect()
}
