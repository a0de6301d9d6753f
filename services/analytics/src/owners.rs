//! Whose a pitch is: remembered, known from events, or asked of pitches. What is remembered was published once: nobody learns of drafts from this.

use std::collections::{BTreeSet, HashMap};

use pitchey_events::{PitchId, UserId};
use pitchey_web::Actor;

use crate::error::Error;
use crate::state::AppState;
use crate::store::tracked_pitches;

/// The owners of those of `pitches` that `viewer` may know of. Nothing is counted of deleted ones.
pub(crate) async fn find(
    state: &AppState,
    pitches: BTreeSet<PitchId>,
    viewer: Option<UserId>,
) -> Result<HashMap<PitchId, UserId>, Error> {
    let (mut owners, mut missing) = (HashMap::new(), Vec::new());
    for pitch in pitches {
        match state.owners.get(&pitch).await {
            Some(owner) => drop(owners.insert(pitch, owner)),
            None => missing.push(pitch),
        }
    }
    if missing.is_empty() {
        return Ok(owners);
    }
    let mut tx = state.databases.user.begin(None).await?;
    let mut known =
        tracked_pitches::find(&mut tx, &missing.iter().map(|id| id.0).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    known.retain(|pitch| pitch.deleted_at.is_some() || pitch.first_published_at.is_some());
    missing.retain(|id| !known.iter().any(|pitch| pitch.pitch_id == id.0));
    for pitch in known.into_iter().filter(|pitch| pitch.deleted_at.is_none()) {
        let (pitch, owner) = (PitchId(pitch.pitch_id), UserId(pitch.owner_id));
        state.owners.insert(pitch, owner).await;
        owners.insert(pitch, owner);
    }
    if !missing.is_empty() {
        for card in state.pitches.pitches_by_ids(&missing, viewer).await? {
            // An owner, or a signer, may be shown what others may not know of.
            if card.access == "public" {
                state.owners.insert(card.id, card.owner_id).await;
            }
            owners.insert(card.id, card.owner_id);
        }
    }
    Ok(owners)
}

/// Refuses unless `pitch` is the actor's own, or the actor is an admin. Whoever may not see the pitch does not learn that it exists.
pub(crate) async fn require(state: &AppState, actor: &Actor, pitch: PitchId) -> Result<(), Error> {
    let owner = find(state, BTreeSet::from([pitch]), Some(actor.id)).await?.remove(&pitch);
    let owner = owner.ok_or(Error::PitchNotFound)?;
    if actor.admin || owner == actor.id {
        return Ok(());
    }
    let shown = state.pitches.pitches_by_ids(&[pitch], Some(actor.id)).await?;
    Err(if shown.is_empty() { Error::PitchNotFound } else { Error::NotTheOwner })
}
