//! Creating and editing. Every change of content is a new version, immutable from then on.

use pitchey_db::Tx;
use pitchey_events::PitchId;

use super::{Act, announce, own};
use crate::content::Content;
use crate::error::Error;
use crate::input::PitchInput;
use crate::store::pitches::{Card, Protected};
use crate::store::{pitches, versions};
use crate::words::PitchStatus;

/// A new draft, with its first version.
pub async fn create(tx: &mut Tx, act: &Act<'_>, input: &PitchInput) -> Result<(Card, Protected), Error> {
    act.may_pitch()?;
    let content = Content::new(input)?;
    let (text, hash) = content.canonical()?;
    let (card, protected) = pitches::insert(tx, act.actor.id, &content, act.now).await?;
    versions::insert(tx, card.id(), 1, (&text, &hash), act.actor.id, act.now).await?;
    announce(tx, &card)?;
    Ok((card, protected))
}

/// Merges `input` into the content, if the pitch is still at the version its owner looked at. What changes nothing makes no version.
pub async fn edit(
    tx: &mut Tx,
    act: &Act<'_>,
    id: PitchId,
    input: &PitchInput,
    if_match: Option<i64>,
) -> Result<(Card, Protected), Error> {
    let (card, before) = own(tx, act, id).await?;
    if if_match.is_some_and(|version| version != card.version) {
        return Err(Error::PitchChanged { version: card.version });
    }
    let content = before.clone().merged(input)?;
    if content == before {
        return pitches::whole(tx, id).await?.ok_or_else(|| pitchey_web::Refusal::NotFound.into());
    }
    if card.status == PitchStatus::Published {
        let missing = content.missing_for_publication();
        if !missing.is_empty() {
            return Err(Error::PitchIncomplete(missing));
        }
    }
    let (card, protected) = save(tx, act, id, &content).await?;
    announce(tx, &card)?;
    Ok((card, protected))
}

/// Writes a content that differs from the one there is, as the next version of a locked pitch.
pub(super) async fn save(
    tx: &mut Tx,
    act: &Act<'_>,
    id: PitchId,
    content: &Content,
) -> Result<(Card, Protected), Error> {
    let (text, hash) = content.canonical()?;
    let newest = versions::newest(tx, id).await?;
    versions::insert(tx, id, newest.number + 1, (&text, &hash), act.actor.id, act.now).await?;
    Ok(pitches::write(tx, id, content, act.now).await?)
}
