//! What admins do to pitches.

use pitchey_db::Tx;
use pitchey_events::PitchId;
use pitchey_web::Refusal;
use serde_json::json;

use super::{Act, announce};
use crate::error::Error;
use crate::store::pitches::{self, Card, Stand};
use crate::words::{HiddenBy, PitchStatus};

/// Takes a pitch from everybody's view but the owner's, who cannot publish it again. Whoever signed loses sight of it, too. Repeating it changes
/// nothing.
pub async fn hide(tx: &mut Tx, act: &Act<'_>, id: PitchId, reason: &str) -> Result<Card, Error> {
    act.may_moderate()?;
    let (card, _) = pitches::locked(tx, id).await?.ok_or(Refusal::NotFound)?;
    if card.hidden_by == Some(HiddenBy::Moderator) {
        return Ok(card);
    }
    // In the archive it stays, but comes back hidden.
    let (status, before) = match card.status {
        PitchStatus::Archived => (PitchStatus::Archived, Some(PitchStatus::Hidden)),
        _ => (PitchStatus::Hidden, None),
    };
    stand(tx, act, &card, status, before, HiddenBy::Moderator, "pitch.hidden_by_moderator", reason).await
}

/// Gives it back to its owner, hidden, to publish again.
pub async fn give_back(tx: &mut Tx, act: &Act<'_>, id: PitchId, reason: &str) -> Result<Card, Error> {
    act.may_moderate()?;
    let (card, _) = pitches::locked(tx, id).await?.ok_or(Refusal::NotFound)?;
    if card.hidden_by != Some(HiddenBy::Moderator) {
        return Ok(card);
    }
    let (status, before) = (card.status, card.status_before_archive);
    stand(tx, act, &card, status, before, HiddenBy::Owner, "pitch.given_back_by_moderator", reason).await
}

#[expect(clippy::too_many_arguments, reason = "all of it is what is told of the move")]
async fn stand(
    tx: &mut Tx,
    act: &Act<'_>,
    card: &Card,
    status: PitchStatus,
    status_before_archive: Option<PitchStatus>,
    hidden_by: HiddenBy,
    action: &str,
    reason: &str,
) -> Result<Card, Error> {
    let to =
        Stand { status, hidden_by: Some(hidden_by), status_before_archive, published_at: card.published_at };
    let moved = pitches::stand(tx, card.id(), card.status, to, act.now).await?;
    let (moved, _) = moved.ok_or(Error::PitchWrongState { status: card.status })?;
    let values = json!({ "status": status, "reason": reason });
    act.record(tx, action, card.id(), json!({ "status": card.status }), values);
    announce(tx, &moved)?;
    Ok(moved)
}
