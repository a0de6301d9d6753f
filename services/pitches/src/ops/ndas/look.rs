//! What the parties may see of their NDAs.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_db::Tx;
use pitchey_events::{NdaId, PitchId};
use pitchey_identity::Actor;
use pitchey_web::{Cursor, Listed, Paging, Refusal};

use super::request::within_limit;
use crate::eligibility;
use crate::error::Error;
use crate::ops::reading;
use crate::projection::{Access, Viewer};
use crate::receipts::Receipt;
use crate::state::AppState;
use crate::store::ndas::{self, Nda, Side};
use crate::store::pitches;
use crate::store::pitches::Card;
use crate::words::NdaStatus;

/// One of the acting user's NDAs.
pub async fn get(tx: &mut Tx, id: NdaId) -> Result<Nda, Error> {
    Ok(ndas::find(tx, id).await?.ok_or(Refusal::NotFound)?)
}

/// The acting user's NDAs, newest first.
pub async fn list(
    tx: &mut Tx,
    side: Side,
    status: Option<NdaStatus>,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Nda>, Error> {
    let (rows, counted) =
        ndas::list(tx, side, status.map(|status| (status, now)), reading::place(paging)?).await?;
    Ok(Listed::page(paging, rows, counted, |nda| Cursor::after(&(nda.created_at, nda.id))))
}

/// The acting user's latest NDA for a pitch, and whether the whole pitch is open to that user now.
pub async fn status_of_pitch(
    tx: &mut Tx,
    actor: &Actor,
    pitch: PitchId,
    now: DateTime<Utc>,
) -> Result<(Option<Nda>, bool), Error> {
    let (card, mine) = pitch_and_mine(tx, actor, pitch).await?;
    let viewer = Viewer { actor: Some(actor.clone()), reason: None };
    let access = Access::decide(&viewer, &card, &mine, now);
    if access.is_none() && mine.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    Ok((mine.into_iter().next(), access.is_some_and(|access| access.is_full())))
}

/// What keeps the acting user from requesting an NDA for this pitch now. Opens and ends its own short transaction, then asks accounts
/// for blocks.
pub async fn obstacle(state: &AppState, actor: &Actor, pitch: PitchId) -> Result<Option<Error>, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (card, mine) = pitch_and_mine(&mut tx, actor, pitch).await?;
    let viewer = Viewer { actor: Some(actor.clone()), reason: None };
    if Access::decide(&viewer, &card, &mine, now).is_none() && mine.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    let local = match eligibility::obstacle(Some(actor), &card, &mine, now) {
        Some(obstacle) => Some(obstacle),
        None => {
            let recent = ndas::request_times(&mut tx, actor.id, now - TimeDelta::days(1)).await?;
            within_limit(&recent, now).err()
        }
    };
    drop(tx);
    if local.is_some() {
        return Ok(local);
    }
    let relation = state.accounts.relation(actor.id, card.owner()).await?;
    let possible = !relation.blocked && relation.other.is_active;
    Ok((!possible).then_some(Error::NdaNotPossible))
}

async fn pitch_and_mine(tx: &mut Tx, actor: &Actor, pitch: PitchId) -> Result<(Card, Vec<Nda>), Error> {
    let card = pitches::card(tx, pitch).await?.ok_or(Refusal::NotFound)?;
    let mine = ndas::of_requester(tx, actor.id, &[pitch.0]).await?;
    Ok((card, mine))
}

/// The receipt of a signature.
pub async fn receipt(tx: &mut Tx, id: NdaId) -> Result<Receipt, Error> {
    let receipt = get(tx, id).await?.receipt.ok_or(Refusal::NotFound)?;
    serde_json::from_value(receipt).map_err(|error| Error::Internal(error.into()))
}

/// The document that was offered, with its media type and hash.
pub async fn document(tx: &mut Tx, id: NdaId) -> Result<(Vec<u8>, String, String), Error> {
    Ok(ndas::document(tx, id).await?.ok_or(Refusal::NotFound)?)
}
