//! What the parties may see of their NDAs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use pitchey_db::Tx;
use pitchey_events::{MediaId, NdaId, PitchId};
use pitchey_identity::Actor;
use pitchey_web::{Cursor, Listed, Paging, Refusal};

use super::documents::MEDIA_TYPE;
use super::request::within_limit;
use super::sign::sealed_place;
use crate::eligibility;
use crate::error::Error;
use crate::ops::reading;
use crate::projection::{Access, Viewer};
use crate::receipts::Receipt;
use crate::state::AppState;
use crate::store::ndas::{self, Nda, Side};
use crate::store::pitches::Card;
use crate::store::{media, pitches};
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

/// A document of an NDA.
pub struct Document {
    pub content: Content,
    pub media_type: String,
    /// SHA-256 in hex.
    pub hash: String,
}

/// Where a document's bytes are.
pub enum Content {
    Here(Vec<u8>),
    /// The owner's own, with the files.
    File {
        key: String,
        size: u64,
    },
}

/// The document that was offered.
pub async fn document(tx: &mut Tx, id: NdaId) -> Result<Document, Error> {
    let nda = get(tx, id).await?;
    let (bytes, media_type, hash) = ndas::document(tx, id).await?.ok_or(Refusal::NotFound)?;
    let content = match (bytes, nda.custom_file_id) {
        (Some(bytes), _) => Content::Here(bytes),
        (None, Some(file)) => {
            let file = media::find(tx, MediaId(file)).await?.ok_or(Refusal::NotFound)?;
            let stored = file.stored().ok_or(Refusal::NotFound)?;
            Content::File { key: stored.key.to_owned(), size: stored.size }
        }
        (None, None) => return Err(Refusal::NotFound.into()),
    };
    Ok(Document { content, media_type, hash })
}

/// The copy with the signature block, of one that was signed.
pub async fn signed_copy(tx: &mut Tx, state: &AppState, id: NdaId) -> Result<Document, Error> {
    let nda = get(tx, id).await?;
    let sealed = ndas::signed_copy(tx, id).await?;
    let (sealed, hash) = sealed.zip(nda.signed_copy_hash).ok_or(Refusal::NotFound)?;
    let opened = state.sealer.open(&sealed_place("signed_copy", nda.id), &sealed);
    let opened = opened.map_err(|error| Error::Internal(error.into()))?;
    let bytes = STANDARD.decode(opened).map_err(|error| Error::Internal(error.into()))?;
    Ok(Document { content: Content::Here(bytes), media_type: MEDIA_TYPE.to_owned(), hash })
}
