//! Liking.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{PitchId, PitchLiked, PitchUnliked};

use super::{Act, published};
use crate::error::Error;
use crate::store::likes;
use crate::store::pitches::{self, Count};

/// What a like, or its end, leaves.
pub struct Liked {
    /// It was not so before.
    pub changed: bool,
    /// Likes of the pitch now.
    pub count: i32,
}

/// Likes a published pitch.
pub async fn like(tx: &mut Tx, act: &Act<'_>, id: PitchId) -> Result<Liked, Error> {
    act.may_write()?;
    let card = published(tx, act.actor, id).await?;
    if !likes::insert(tx, id, act.actor.id, act.now).await? {
        return Ok(Liked { changed: false, count: card.like_count });
    }
    let event =
        PitchLiked { pitch_id: id, owner_id: card.owner(), pitch_title: card.title, user_id: act.actor.id };
    outbox::append(tx, &event)?;
    Ok(Liked { changed: true, count: pitches::count(tx, id.0, Count::Likes, 1).await? })
}

/// Takes a like back.
pub async fn unlike(tx: &mut Tx, act: &Act<'_>, id: PitchId) -> Result<Liked, Error> {
    act.may_write()?;
    let card = published(tx, act.actor, id).await?;
    if !likes::remove(tx, id, act.actor.id).await? {
        return Ok(Liked { changed: false, count: card.like_count });
    }
    outbox::append(tx, &PitchUnliked { pitch_id: id, owner_id: card.owner(), user_id: act.actor.id })?;
    Ok(Liked { changed: true, count: pitches::count(tx, id.0, Count::Likes, -1).await? })
}
