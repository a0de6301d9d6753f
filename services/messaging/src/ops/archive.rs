//! Putting a conversation away, each member for himself.

use pitchey_db::Tx;
use pitchey_events::ConversationId;
use pitchey_web::Refusal;

use super::Act;
use crate::error::Error;
use crate::store::conversations::{self, Conversation};
use crate::store::participants;

/// Puts it away until the next message, or takes it back.
pub async fn archive(
    tx: &mut Tx,
    act: &Act<'_>,
    id: ConversationId,
    archived: bool,
) -> Result<Conversation, Error> {
    let conversation = conversations::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    // Former members can't lock it, and their wish does not count for the whole.
    let active = conversations::lock(tx, id).await?.is_some();
    participants::archive(tx, id, act.actor.id, archived.then_some(act.now)).await?;
    if active {
        conversations::settle_archive(tx, id, act.now).await?;
    }
    Ok(conversation)
}
