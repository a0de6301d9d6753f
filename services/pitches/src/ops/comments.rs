//! Commenting on published pitches.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{PitchCommented, PitchId, UserId};
use pitchey_identity::Actor;
use pitchey_web::Refusal;
use serde_json::{Value, json};

use super::following::{self, Cleared};
use super::{Act, published};
use crate::error::Error;
use crate::state::AppState;
use crate::store::comments::{self, Comment};
use crate::store::pitches::{self, Count};

/// Asks accounts whether `actor` may come near the owner; owners comment on their own pitches as they like. Opens and ends its own short
/// transaction.
pub async fn clear(state: &AppState, actor: &Actor, pitch: PitchId) -> Result<Option<Cleared>, Error> {
    match following::clear_pitch(state, actor, pitch).await {
        Ok(cleared) => Ok(Some(cleared)),
        Err(Error::OwnPitch) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Writes one. `cleared` is `None` for the owner only.
pub async fn write(
    tx: &mut Tx,
    act: &Act<'_>,
    pitch: PitchId,
    content: &str,
    cleared: Option<Cleared>,
) -> Result<Comment, Error> {
    act.may_write()?;
    let card = published(tx, act.actor, pitch).await?;
    if cleared.is_none() && card.owner() != act.actor.id {
        return Err(Error::NotPossible);
    }
    let comment = comments::insert(tx, pitch, act.actor.id, content, act.now).await?;
    let event = PitchCommented {
        pitch_id: pitch,
        owner_id: card.owner(),
        pitch_title: card.title,
        comment_id: comment.id,
        author_id: act.actor.id,
    };
    outbox::append(tx, &event)?;
    pitches::count(tx, pitch.0, Count::Comments, 1).await?;
    Ok(comment)
}

/// Changes one's own.
pub async fn edit(
    tx: &mut Tx,
    act: &Act<'_>,
    pitch: PitchId,
    id: i64,
    content: &str,
) -> Result<Comment, Error> {
    act.may_write()?;
    published(tx, act.actor, pitch).await?;
    let comment = comments::locked(tx, pitch, id).await?.ok_or(Refusal::NotFound)?;
    if comment.author_id != act.actor.id.0 {
        return Err(Refusal::Forbidden.into());
    }
    if comment.content == content {
        Ok(comment)
    } else {
        Ok(comments::write(tx, id, content, act.now).await?)
    }
}

/// Removes one: by its author, the owner of the pitch, or an admin.
pub async fn remove(tx: &mut Tx, act: &Act<'_>, pitch: PitchId, id: i64) -> Result<(), Error> {
    act.may_write()?;
    let card = pitches::card(tx, pitch).await?.ok_or(Refusal::NotFound)?;
    let owner = card.owner() == act.actor.id;
    if !owner && !act.actor.admin {
        published(tx, act.actor, pitch).await?;
    }
    let comment = comments::locked(tx, pitch, id).await?.ok_or(Refusal::NotFound)?;
    let author = UserId(comment.author_id) == act.actor.id;
    if !author && !owner && !act.actor.admin {
        return Err(Refusal::Forbidden.into());
    }
    comments::remove(tx, id).await?;
    if !author {
        let gone = json!({ "commentId": id, "authorId": comment.author_id });
        act.record(tx, "pitch.comment_removed", pitch, gone, Value::Null);
    }
    pitches::count(tx, pitch.0, Count::Comments, -1).await?;
    Ok(())
}
