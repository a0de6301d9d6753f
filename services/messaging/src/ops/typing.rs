//! Who is typing.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, TypingNoticed, UserId};

use super::audience::Audience;
use super::{Act, active};
use crate::error::Error;
use crate::store::{participants, typing};

/// Notes that the actor types, or has stopped, and tells the others, unless they know.
pub async fn note(
    tx: &mut Tx,
    act: &Act<'_>,
    conversation: ConversationId,
    typing: bool,
    audience: &Audience,
) -> Result<(), Error> {
    act.may_write()?;
    let me = act.actor.id;
    let members = active(&participants::of(tx, conversation).await?);
    if !members.contains(&me) {
        return Err(Error::ConversationInactive);
    }
    let news = if typing {
        typing::begin(tx, conversation, me, act.now).await?
    } else {
        typing::end(tx, conversation, me, act.now).await?
    };
    let recipient_ids: Vec<UserId> =
        audience.of(me, &members).into_iter().filter(|user| *user != me).collect();
    if news && !recipient_ids.is_empty() {
        let event = TypingNoticed { conversation_id: conversation, user_id: me, typing, recipient_ids };
        outbox::append(tx, &event)?;
    }
    Ok(())
}
