//! Writing a message.

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, MessageId, MessageSent, PitchId, UserId};
use pitchey_web::{FieldError, Refusal};
use serde_json::{Value, json};

use super::audience::Audience;
use super::{Act, Said, Voice, active, keyring};
use crate::error::Error;
use crate::keys::{Body, Keyring};
use crate::store::conversations::{self, Conversation};
use crate::store::frames::Telling;
use crate::store::messages::{self, New};
use crate::store::{participants, rates};
use crate::words::{ConversationType, MessageType};

/// What somebody wants to say.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    pub body: Body,
    pub message_type: MessageType,
    pub pitch: Option<PitchId>,
    pub parent: Option<MessageId>,
    /// Without their names, which are sealed with the text.
    pub attachments: Option<Value>,
}

/// A message that was written, and whose sockets are to look.
pub struct Sent {
    pub said: Said,
    pub conversation: Conversation,
    pub told: Vec<UserId>,
}

/// Writes to a conversation of which the actor is a member.
pub async fn send(
    tx: &mut Tx,
    act: &Act<'_>,
    conversation: ConversationId,
    audience: &Audience,
    outgoing: &Outgoing,
) -> Result<Sent, Error> {
    act.may_write()?;
    within_rate(tx, act).await?;
    let Some(conversation) = conversations::advance(tx, conversation, act.now).await? else {
        // Who can still see it was a member once.
        let seen = conversations::find(tx, conversation).await?.ok_or(Refusal::NotFound)?;
        tracing::debug!(conversation = seen.id, "a former member wrote");
        return Err(Error::ConversationInactive);
    };
    let members = active(&participants::of(tx, conversation.id()).await?);
    let others = members.iter().any(|member| *member != act.actor.id);
    if audience.closed || (!others && conversation.kind != ConversationType::Group) {
        return Err(Error::ConversationInactive);
    }
    if members.iter().any(|member| audience.blocked.contains(member)) {
        return Err(Error::MessageNotPossible);
    }
    if let Some(parent) = outgoing.parent {
        let parent = messages::find(tx, parent).await?;
        if parent.is_none_or(|parent| parent.conversation() != conversation.id()) {
            let wrong = FieldError::new(
                "parentId",
                "unknown_value",
                "There is no such message in this conversation.",
            );
            return Err(Refusal::Invalid(vec![wrong]).into());
        }
    }
    let keys = keyring(tx, act.keys, conversation.id()).await?;
    let said =
        write(tx, Voice::Member, &conversation, &keys, act.actor.id, outgoing, &members, act.now).await?;
    Ok(Sent { said, conversation, told: members })
}

/// Writes the row, the frames of `members` and the event. The conversation is locked.
#[expect(clippy::too_many_arguments, reason = "all of a message")]
pub async fn write(
    tx: &mut Tx,
    voice: Voice,
    conversation: &Conversation,
    keys: &Keyring,
    sender: UserId,
    outgoing: &Outgoing,
    members: &[UserId],
    now: DateTime<Utc>,
) -> Result<Said, Error> {
    let id = messages::draw_id(tx).await?;
    let sealed = keys.seal(id, sender, &outgoing.body)?;
    let metadata = outgoing.pitch.map(|pitch| json!({ "pitchId": pitch }));
    let new = New {
        id: id.0,
        conversation_id: conversation.id,
        sender_id: sender.0,
        encrypted_content: Some(&sealed),
        attachments: outgoing.attachments.as_ref(),
        message_type: outgoing.message_type,
        parent_id: outgoing.parent.map(|id| id.0),
        metadata: metadata.as_ref(),
        created_at: now,
    };
    let row = messages::insert(tx, &new).await?;
    let telling = Telling { kind: "message", event: "new", message: Some(id), data: None };
    voice.tell(tx, conversation.id(), members, &telling, now);
    let event = MessageSent {
        message_id: id,
        conversation_id: conversation.id(),
        conversation_type: conversation.kind.as_str().to_owned(),
        sender_id: sender,
        recipient_ids: members.iter().copied().filter(|member| *member != sender).collect(),
        message_type: outgoing.message_type.as_str().to_owned(),
    };
    outbox::append(tx, &event)?;
    Ok(Said { row, body: outgoing.body.clone() })
}

async fn within_rate(tx: &mut Tx, act: &Act<'_>) -> Result<(), Error> {
    let Err(free_at) = rates::take(tx, act.actor.id, act.rate, act.now).await? else { return Ok(()) };
    let seconds = u32::try_from((free_at - act.now).num_seconds().max(0) + 1).unwrap_or(u32::MAX);
    let per_minute = 60_000 / act.rate.refill.num_milliseconds().max(1);
    Err(Error::MessageRateLimit { per_minute: u32::try_from(per_minute).unwrap_or(u32::MAX), seconds })
}
