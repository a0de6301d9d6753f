//! Whose a pitch is: remembered, known from events, or asked of pitches, which knows those of which nothing was ever told.

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
    let known = tracked_pitches::find(&mut tx, &missing.iter().map(|id| id.0).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    missing.retain(|id| !known.iter().any(|pitch| pitch.pitch_id == id.0));
    let mut found: HashMap<_, _> = known
        .into_iter()
        .filter(|pitch| pitch.deleted_at.is_none())
        .map(|pitch| (PitchId(pitch.pitch_id), UserId(pitch.owner_id)))
        .collect();
    if !missing.is_empty() {
        let cards = state.pitches.pitches_by_ids(&missing, viewer).await?;
        found.extend(cards.into_iter().map(|card| (card.id, card.owner_id)));
    }
    for (pitch, owner) in found {
        state.owners.insert(pitch, owner).await;
        owners.insert(pitch, owner);
    }
    Ok(owners)
}

/// Refuses unless `pitch` is the actor's own, or the actor is an admin.
pub(crate) async fn require(state: &AppState, actor: &Actor, pitch: PitchId) -> Result<(), Error> {
    let owner = find(state, BTreeSet::from([pitch]), Some(actor.id)).await?.remove(&pitch);
    let owner = owner.ok_or(Error::PitchNotFound)?;
    if actor.admin || owner == actor.id { Ok(()) } else { Err(Error::NotTheOwner) }
}
