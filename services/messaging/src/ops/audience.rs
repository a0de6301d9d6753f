//! Who may hear somebody now, as accounts and pitches say. Asked before the transaction; no answer is a refusal.

use std::collections::HashSet;
use std::sync::Arc;

use pitchey_events::{ConversationId, PitchId, UserId};
use pitchey_identity::Actor;
use pitchey_web::Refusal;

use crate::error::Error;
use crate::state::AppState;
use crate::store::conversations::{self, Conversation};

/// What other services said.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    /// With whom the actor has a block.
    pub blocked: Arc<HashSet<UserId>>,
    /// A discussion whose NDA is not in force: nobody in it hears anybody.
    pub closed: bool,
}

impl Audience {
    /// Those of `members` who may hear the actor, himself included.
    pub fn of(&self, actor: UserId, members: &[UserId]) -> Vec<UserId> {
        let hears = |user: &UserId| *user == actor || (!self.closed && !self.blocked.contains(user));
        members.iter().copied().filter(hears).collect()
    }
}

/// The conversation, which the actor must be able to see, and who may hear the actor in it.
pub async fn around(
    state: &AppState,
    actor: &Actor,
    conversation: ConversationId,
) -> Result<(Conversation, Audience), Error> {
    let (seen, blocked) = tokio::join!(visible(state, actor, conversation), state.blocks.of(actor.id));
    let (seen, blocked) = (seen?, blocked?);
    let closed = match seen.discussed() {
        Some((pitch, signer)) => !state.pitches.signed_nda(pitch, signer).await?.in_force,
        None => false,
    };
    Ok((seen, Audience { blocked, closed }))
}

/// [`around`], where it matters less than what is done anyway: without an answer, nobody but the actor hears.
pub async fn around_if_known(
    state: &AppState,
    actor: &Actor,
    conversation: ConversationId,
) -> Result<Audience, Error> {
    match around(state, actor, conversation).await {
        Ok((_, audience)) => Ok(audience),
        Err(Error::Dependency(error)) => {
            tracing::warn!(%error, "nobody is told");
            Ok(Audience { closed: true, ..Audience::default() })
        }
        Err(refusal) => Err(refusal),
    }
}

async fn visible(state: &AppState, actor: &Actor, id: ConversationId) -> Result<Conversation, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = conversations::find(&mut tx, id).await?;
    tx.commit().await?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

/// Refuses unless the actor may know of the pitch that a message or conversation is to name.
pub async fn knows_pitch(state: &AppState, actor: &Actor, pitch: Option<PitchId>) -> Result<(), Error> {
    let Some(pitch) = pitch else { return Ok(()) };
    let seen = state.pitches.pitches_by_ids(&[pitch], Some(actor.id)).await?;
    if seen.is_empty() { Err(Refusal::NotFound.into()) } else { Ok(()) }
}
