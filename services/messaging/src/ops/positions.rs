//! How far somebody has read.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, MessageId, MessageRead, UserId};
use pitchey_web::{Refusal, Timestamp};
use serde_json::json;

use super::audience::Audience;
use super::{Act, Voice, active};
use crate::error::Error;
use crate::store::frames::Telling;
use crate::store::messages::{self, Message};
use crate::store::{conversations, participants, receipts};

/// What reading did.
pub struct Read {
    /// Up to here, now or before; `None` in a conversation without messages.
    pub up_to: Option<Message>,
    /// Whose sockets are to look.
    pub told: Vec<UserId>,
    /// It was read before.
    pub repeated: bool,
}

/// Marks everything up to a message as read; without one, everything.
pub async fn read(
    tx: &mut Tx,
    act: &Act<'_>,
    conversation: ConversationId,
    up_to: Option<MessageId>,
    audience: &Audience,
) -> Result<Read, Error> {
    // A conversation that nobody may see has no message that anybody may see.
    conversations::find(tx, conversation).await?.ok_or(Refusal::NotFound)?;
    let Some(newest) = messages::newest(tx, conversation, up_to).await? else {
        return Ok(Read { up_to: None, told: Vec::new(), repeated: true });
    };
    let me = act.actor.id;
    let Some(before) = participants::read(tx, conversation, me, newest.id, act.now).await? else {
        return Ok(Read { up_to: Some(newest), told: Vec::new(), repeated: true });
    };
    receipts::read(tx, conversation, me, (before, newest.id), act.now).await?;
    let members = active(&participants::of(tx, conversation).await?);
    // Who is no member any more reads for himself.
    if !members.contains(&me) {
        return Ok(Read { up_to: Some(newest), told: Vec::new(), repeated: false });
    }
    let told = audience.of(me, &members);
    let data = json!({
        "conversationId": conversation, "userId": me, "upTo": newest.id, "readAt": Timestamp(act.now),
    });
    let telling = Telling { kind: "receipt", event: "read", message: None, data: Some(data) };
    Voice::Member.tell(tx, conversation, &told, &telling, act.now);
    let event = MessageRead {
        conversation_id: conversation,
        reader_id: me,
        up_to: newest.id(),
        recipient_ids: told.iter().copied().filter(|user| *user != me).collect(),
    };
    outbox::append(tx, &event)?;
    Ok(Read { up_to: Some(newest), told, repeated: false })
}
