//! Reading pitches: everything goes through the projection; what is protected is noted in the audit log, granted or denied.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_db::audit::{self, Origin};
use pitchey_events::{PitchId, UserId};
use pitchey_web::{Cursor, Listed, Paging, Refusal};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Error;
use crate::projection::{Access, Pitch, Viewer, project};
use crate::store::Place;
use crate::store::ndas::Nda;
use crate::store::pitch_lists::{self, Filter};
use crate::store::pitches::{self, Card, Protected};
use crate::store::{ndas, versions};

/// Who reads, from where, and when.
pub struct Reading<'a> {
    pub viewer: &'a Viewer,
    pub origin: &'a Origin,
    pub now: DateTime<Utc>,
}

/// A pitch as the viewer may see it, or `None`. Commit in both cases: the attempt is on record.
pub async fn detail(
    tx: &mut Tx,
    reading: &Reading<'_>,
    id: PitchId,
) -> Result<Option<(Pitch, Access)>, Error> {
    let Some((card, protected)) = pitches::whole(tx, id).await? else { return Ok(None) };
    let mine = mine(tx, reading.viewer, &[id.0]).await?;
    let access = Access::decide(reading.viewer, &card, &mine, reading.now);
    note(tx, reading, &card, &mine, access.as_ref(), Value::Null);
    Ok(access
        .map(|access| (project(card, Some(protected), reading.viewer, &access, &mine, reading.now), access)))
}

/// What anybody may see of a published pitch.
pub async fn public(tx: &mut Tx, id: PitchId, now: DateTime<Utc>) -> Result<Pitch, Error> {
    let card = pitches::card(tx, id).await?.ok_or(Refusal::NotFound)?;
    let nobody = Viewer::default();
    let access = Access::decide(&nobody, &card, &[], now).ok_or(Refusal::NotFound)?;
    Ok(project(card, None, &nobody, &access, &[], now))
}

/// Published pitches, newest first: their public group, and where the viewer stands with each.
pub async fn published(
    tx: &mut Tx,
    viewer: &Viewer,
    filter: Filter,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Pitch>, Error> {
    let (cards, counted) = pitch_lists::published(tx, filter, place(paging)?).await?;
    let page = Listed::page(paging, cards, counted, |card| {
        Cursor::after(&(card.published_at.unwrap_or(card.created_at), card.id))
    });
    Ok(Listed { data: shown(tx, viewer, page.data, now).await?, meta: page.meta })
}

/// The public group of those of `cards` that the viewer may know of, in their order, and where the viewer stands with each.
pub async fn shown(
    tx: &mut Tx,
    viewer: &Viewer,
    cards: Vec<Card>,
    now: DateTime<Utc>,
) -> Result<Vec<Pitch>, Error> {
    let ids: Vec<i32> = cards.iter().map(|card| card.id).collect();
    let all = mine(tx, viewer, &ids).await?;
    let shown = cards.into_iter().filter_map(|card| {
        let mine: Vec<Nda> = all.iter().filter(|nda| nda.pitch_id == card.id).cloned().collect();
        let access = Access::decide(viewer, &card, &mine, now)?;
        Some(project(card, None, viewer, &access, &mine, now))
    });
    Ok(shown.collect())
}

/// Refuses who may not know of the pitch.
pub async fn visible(tx: &mut Tx, viewer: &Viewer, id: PitchId, now: DateTime<Utc>) -> Result<(), Error> {
    let card = pitches::card(tx, id).await?.ok_or(Refusal::NotFound)?;
    let mine = mine(tx, viewer, &[id.0]).await?;
    match Access::decide(viewer, &card, &mine, now) {
        Some(_) => Ok(()),
        None => Err(Refusal::NotFound.into()),
    }
}

/// The viewer's own pitches, newest first, whole.
pub async fn owned(
    tx: &mut Tx,
    viewer: &Viewer,
    owner: UserId,
    filter: Filter,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Listed<Pitch>, Error> {
    let (rows, counted) = pitch_lists::owned(tx, owner, filter, place(paging)?).await?;
    let page = Listed::page(paging, rows, counted, |(card, _): &(Card, Protected)| {
        Cursor::after(&(card.created_at, card.id))
    });
    Ok(page.map(|(card, protected)| project(card, Some(protected), viewer, &Access::Owner, &[], now)))
}

/// Versions that the viewer may read, newest first: the owner and admins all, a signer those from the one the NDA names.
pub async fn versions(
    tx: &mut Tx,
    reading: &Reading<'_>,
    id: PitchId,
    paging: &Paging,
) -> Result<Option<Listed<versions::Version>>, Error> {
    let Some((_, Some((first, _)))) = readable(tx, reading, id).await? else { return Ok(None) };
    let before = paging.cursor.as_ref().map(Cursor::key).transpose()?;
    let offset = if before.is_some() { 0 } else { paging.offset() };
    let (rows, counted) = versions::list(tx, id, first, before, offset, paging.limit).await?;
    Ok(Some(Listed::page(paging, rows, counted, |version| Cursor::after(&version.number))))
}

/// One version with what it says, or `None`. Commit in both cases: the attempt is on record.
pub async fn version(
    tx: &mut Tx,
    reading: &Reading<'_>,
    id: PitchId,
    number: i32,
) -> Result<Option<(versions::Version, Option<String>)>, Error> {
    let Some((card, allowed)) = readable(tx, reading, id).await? else { return Ok(None) };
    let mine = mine(tx, reading.viewer, &[id.0]).await?;
    let allowed = allowed.filter(|(first, _)| number >= *first);
    note(tx, reading, &card, &mine, allowed.as_ref().map(|(_, access)| access), json!(number));
    match allowed {
        Some(_) => Ok(versions::find(tx, id, number).await?),
        None => Ok(None),
    }
}

/// The pitch, the first version that the viewer may read, and why. A pitch that is open to all still keeps its history to itself.
async fn readable(
    tx: &mut Tx,
    reading: &Reading<'_>,
    id: PitchId,
) -> Result<Option<(Card, Option<(i32, Access)>)>, Error> {
    let Some(card) = pitches::card(tx, id).await? else { return Ok(None) };
    let mine = mine(tx, reading.viewer, &[id.0]).await?;
    let first = match Access::decide(reading.viewer, &card, &mine, reading.now) {
        Some(access @ (Access::Owner | Access::Admin { .. })) => Some((1, access)),
        Some(access @ Access::Signer { version, .. }) => Some((version, access)),
        Some(Access::Open | Access::Locked { .. }) | None => None,
    };
    Ok(Some((card, first)))
}

/// The viewer's NDAs for these pitches, newest first.
pub async fn mine(tx: &mut Tx, viewer: &Viewer, pitches: &[i32]) -> Result<Vec<Nda>, Error> {
    match &viewer.actor {
        Some(actor) if !pitches.is_empty() => Ok(ndas::of_requester(tx, actor.id, pitches).await?),
        _ => Ok(Vec::new()),
    }
}

/// Where the page asked for begins.
pub fn place<Id: DeserializeOwned>(paging: &Paging) -> Result<Place<Id>, Error> {
    let after = paging.cursor.as_ref().map(Cursor::key).transpose()?;
    let offset = if after.is_some() { 0 } else { paging.offset() };
    Ok(Place { after, offset, limit: paging.limit })
}

/// Records a read of what is protected, granted or denied. An owner's look at the own pitch is nobody's business; nobody's look has no name.
fn note(
    tx: &mut Tx,
    reading: &Reading<'_>,
    card: &Card,
    mine: &[Nda],
    access: Option<&Access>,
    version: Value,
) {
    let Some(actor) = &reading.viewer.actor else { return };
    let (action, grounds) = match access {
        Some(Access::Owner | Access::Open) => return,
        Some(Access::Signer { nda, .. }) => {
            ("pitch.protected_read", json!({ "grounds": "nda", "ndaId": nda }))
        }
        Some(Access::Admin { reason }) => {
            ("pitch.protected_read", json!({ "grounds": "admin", "reason": reason }))
        }
        // Who may not know of the pitch is refused without a word, unless it was once open to him.
        Some(Access::Locked { .. }) if card.requires_nda => ("pitch.protected_read_denied", json!({})),
        None if !mine.is_empty() || !version.is_null() => ("pitch.protected_read_denied", json!({})),
        Some(Access::Locked { .. }) | None => return,
    };
    let mut values = grounds;
    values["pitchVersion"] = json!(card.version);
    if !version.is_null() {
        values["version"] = version;
    }
    let entry = audit::Entry {
        actor: Some(actor.id),
        action,
        entity_type: Some("pitch"),
        entity_id: Some(card.id.into()),
        new_values: Some(values),
        ..Default::default()
    };
    audit::record(tx, reading.origin, entry);
}
