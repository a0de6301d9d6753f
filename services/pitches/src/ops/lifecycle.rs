//! draft -> published <-> hidden; any -> archived -> the state before.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{HoldKey, PitchId, PitchPublished};
use pitchey_web::Refusal;
use serde_json::json;

use super::{Act, announce, own};
use crate::content::Content;
use crate::error::Error;
use crate::state::AppState;
use crate::store::pitches::{self, Card, Protected, Stand};
use crate::words::{HiddenBy, PitchStatus};

/// What an owner does with a pitch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Publish,
    Unpublish,
    Hide,
    Archive,
    Restore,
}

impl Move {
    const fn action(self) -> &'static str {
        match self {
            Self::Publish => "pitch.published",
            Self::Unpublish => "pitch.unpublished",
            Self::Hide => "pitch.hidden",
            Self::Archive => "pitch.archived",
            Self::Restore => "pitch.restored",
        }
    }
}

/// The usual price of a first publication in credits. Payments knows for whom it is free.
const COST: i32 = 10;

/// What was asked of payments before the transaction.
#[derive(Clone, Copy)]
pub enum Paid {
    /// Nothing: the move costs nothing.
    Free,
    /// A hold, where credits are in use.
    Held(Option<HoldKey>),
}

/// Holds the credits of a first publication, after what the own rows can refuse. Opens and ends its own short transaction.
pub async fn prepare(state: &AppState, act: &Act<'_>, id: PitchId, to: Move) -> Result<Paid, Error> {
    if to != Move::Publish {
        return Ok(Paid::Free);
    }
    let mut tx = state.databases.user.begin(Some(act.actor.id)).await?;
    let (card, content) = own(&mut tx, act, id).await?;
    drop(tx);
    if next(&card, to)?.is_none() || card.published_at.is_some() {
        return Ok(Paid::Free);
    }
    publishable(act, &content)?;
    Ok(Paid::Held(state.credits.hold(act.actor.id, COST, "pitch_publish").await?))
}

fn publishable(act: &Act<'_>, content: &Content) -> Result<(), Error> {
    if !act.actor.email_verified {
        return Err(Error::EmailNotVerified);
    }
    let missing = content.missing_for_publication();
    if missing.is_empty() { Ok(()) } else { Err(Error::PitchIncomplete(missing)) }
}

/// Moves the acting user's pitch. Repeating a move changes nothing.
pub async fn go(
    tx: &mut Tx,
    act: &Act<'_>,
    id: PitchId,
    to: Move,
    paid: Paid,
) -> Result<(Card, Protected), Error> {
    let (card, content) = own(tx, act, id).await?;
    let Some(mut stand) = next(&card, to)? else {
        return pitches::whole(tx, id).await?.ok_or_else(|| Refusal::NotFound.into());
    };
    if stand.status == PitchStatus::Published {
        publishable(act, &content)?;
        stand.published_at = card.published_at.or(Some(act.now));
    }
    let first_time = to == Move::Publish && card.published_at.is_none();
    let hold = match paid {
        Paid::Held(hold) if first_time => hold,
        // It was not to be published for the first time when payments could have been asked.
        Paid::Free if first_time => return Err(Error::PitchWrongState { status: card.status }),
        Paid::Held(_) | Paid::Free => None,
    };
    let status = stand.status;
    let moved = pitches::stand(tx, id, card.status, stand, act.now).await?;
    let (moved, protected) = moved.ok_or(Error::PitchWrongState { status: card.status })?;
    act.record(tx, to.action(), id, json!({ "status": card.status }), json!({ "status": status }));
    if to == Move::Publish {
        let event = PitchPublished {
            pitch_id: id,
            owner_id: card.owner(),
            first_time,
            pitch_title: moved.title.clone(),
            hold,
        };
        outbox::append(tx, &event)?;
    }
    announce(tx, &moved)?;
    Ok((moved, protected))
}

/// Where `to` takes `card`; `None` if it is there already.
fn next(card: &Card, to: Move) -> Result<Option<Stand>, Error> {
    use PitchStatus::{Archived, Draft, Hidden, Published};

    let stand = |status, hidden_by, status_before_archive| {
        Ok(Some(Stand { status, hidden_by, status_before_archive, published_at: card.published_at }))
    };
    let by_moderator = card.hidden_by == Some(HiddenBy::Moderator);
    match (to, card.status) {
        (Move::Publish, Published)
        | (Move::Unpublish, Draft)
        | (Move::Archive, Archived)
        | (Move::Restore, Draft | Published | Hidden) => Ok(None),
        (Move::Hide, Hidden) if !by_moderator => Ok(None),
        (Move::Publish, Hidden | Archived) | (Move::Hide | Move::Unpublish, Hidden) if by_moderator => {
            Err(Error::PitchHiddenByModerator)
        }
        (Move::Publish, Draft | Hidden) => stand(Published, None, None),
        (Move::Unpublish, Published) => stand(Draft, None, None),
        (Move::Hide, Published) => stand(Hidden, Some(HiddenBy::Owner), None),
        (Move::Archive, before) => stand(Archived, card.hidden_by, Some(before)),
        (Move::Restore, Archived) => stand(card.status_before_archive.unwrap_or(Draft), card.hidden_by, None),
        (_, status) => Err(Error::PitchWrongState { status }),
    }
}
