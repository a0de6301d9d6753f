//! Who is in a group.

use std::collections::HashSet;

use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};
use pitchey_web::Refusal;

use super::{Act, active, open};
use crate::error::Error;
use crate::store::conversations::{self, Conversation};
use crate::store::participants;
use crate::words::{ConversationType, Role};

/// Adds `joining` and removes `leaving`. Owners do either; everybody may leave.
pub async fn change(
    tx: &mut Tx,
    act: &Act<'_>,
    id: ConversationId,
    joining: &[UserId],
    leaving: &[UserId],
) -> Result<Conversation, Error> {
    act.may_write()?;
    conversations::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    let conversation = conversations::lock(tx, id).await?.ok_or(Error::ConversationInactive)?;
    if conversation.kind != ConversationType::Group {
        return Err(Error::NotAGroup);
    }
    let members = participants::of(tx, id).await?;
    let owner = members
        .iter()
        .any(|member| member.user() == act.actor.id && member.is_active && member.role == Role::Owner);
    let only_himself = joining.is_empty() && leaving.iter().all(|user| *user == act.actor.id);
    if !owner && !only_himself {
        return Err(Refusal::Forbidden.into());
    }
    let mut size: HashSet<UserId> = active(&members).into_iter().collect();
    size.extend(joining);
    open::within_size(size.len())?;
    let rows: Vec<_> = joining
        .iter()
        .map(|user| participants::New {
            conversation_id: id.0,
            user_id: user.0,
            role: Role::Member,
            joined_at: act.now,
            active_until: None,
        })
        .collect();
    if !rows.is_empty() {
        participants::insert(tx, &rows).await?;
    }
    for user in joining {
        participants::resume(tx, id, *user, None).await?;
    }
    for user in leaving {
        participants::end(tx, id, *user, act.now).await?;
    }
    Ok(conversation)
}
