//! Files and video links of pitches: adding, taking away, seeing. What a pitch has is part of its content: each change is a new version.

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::audit;
use pitchey_db::{OnConstraint, Tx};
use pitchey_events::{HoldKey, MediaAdded, MediaId, PitchId};
use pitchey_web::Refusal;
use serde_json::{Value, json};

use super::reading::{self, Reading};
use super::{Act, announce, own, writing};
use crate::error::Error;
use crate::links::plain;
use crate::projection::Access;
use crate::state::AppState;
use crate::store::media::{self, Media, New};
use crate::store::pitches::{self, Card};
use crate::words::MediaKind;

/// So many files and links a pitch has at most.
pub const MOST: usize = 50;

/// What an addition costs: credits, and the reason they are held for.
pub type Price = Option<(i32, &'static str)>;

/// The price of one more of `kind`, beside what there is. The first picture and the agreement cost nothing.
pub fn price(kind: MediaKind, there: &[Media]) -> Price {
    match kind {
        MediaKind::Script => Some((3, "media_text")),
        MediaKind::PitchDeck | MediaKind::Lookbook => Some((5, "media_pictures")),
        MediaKind::Video | MediaKind::Trailer => Some((1, "media_video_link")),
        MediaKind::Poster if there.iter().any(|file| file.kind == MediaKind::Poster) => {
            Some((1, "media_extra_image"))
        }
        MediaKind::Poster | MediaKind::CustomNda => None,
    }
}

/// What was asked of payments before the transaction.
#[derive(Clone, Copy)]
pub struct Paid {
    price: Price,
    hold: Option<HoldKey>,
}

/// A row after an addition.
pub struct Added {
    pub media: Media,
    /// The same was there before: nothing was done.
    pub repeated: bool,
}

/// Refuses who may not add to this pitch, before a long upload. Opens and ends its own short transaction.
pub async fn may_add(state: &AppState, act: &Act<'_>, pitch: PitchId) -> Result<(), Error> {
    act.may_pitch()?;
    let mut tx = state.databases.user.begin(Some(act.actor.id)).await?;
    own(&mut tx, act, pitch).await?;
    Ok(())
}

/// Holds what the addition costs, after what the own rows can refuse. Opens and ends its own short transaction.
pub async fn prepare(state: &AppState, act: &Act<'_>, new: &New<'_>) -> Result<Paid, Error> {
    act.may_pitch()?;
    let mut tx = state.databases.user.begin(Some(act.actor.id)).await?;
    own(&mut tx, act, PitchId(new.pitch_id)).await?;
    let there = media::of_pitch(&mut tx, PitchId(new.pitch_id)).await?;
    drop(tx);
    if the_same(&there, new).is_some() {
        return Ok(Paid { price: None, hold: None });
    }
    if there.len() >= MOST {
        return Err(Error::MediaLimit);
    }
    let price = price(new.kind, &there);
    let hold = match price {
        Some((amount, reason)) => state.credits.hold(act.actor.id, amount, reason).await?,
        None => None,
    };
    Ok(Paid { price, hold })
}

/// Adds a file or a link to the acting user's pitch. What is there already is the answer to its repetition.
pub async fn add(tx: &mut Tx, act: &Act<'_>, new: &New<'_>, paid: Paid) -> Result<Added, Error> {
    act.may_pitch()?;
    let pitch = PitchId(new.pitch_id);
    if new.kind == MediaKind::CustomNda {
        // No request for an NDA names the former one in between.
        pitches::gate(tx, pitch);
    }
    let (card, mut content) = own(tx, act, pitch).await?;
    let there = media::of_pitch(tx, pitch).await?;
    if let Some(same) = the_same(&there, new) {
        return Ok(Added { media: same.clone(), repeated: true });
    }
    if there.len() >= MOST {
        return Err(Error::MediaLimit);
    }
    if paid.price != price(new.kind, &there) {
        // Another picture came in between, or went.
        return Err(Error::MediaConflict);
    }
    if new.kind == MediaKind::CustomNda {
        let former: Vec<i32> =
            there.iter().filter(|file| file.kind == new.kind).map(|file| file.id).collect();
        media::take_away(tx, &former, act.now).await?;
    }
    let added =
        media::insert(tx, new).await.on_constraint("media_files_content_key", Error::MediaConflict)?;
    mirror(tx, pitch, &mut content).await?;
    let (card, _) = writing::save(tx, act, card.id(), &content).await?;
    record(tx, act, "media.added", &added);
    let event = MediaAdded {
        media_id: added.id(),
        pitch_id: pitch,
        owner_id: card.owner(),
        kind: added.kind.as_str().to_owned(),
        hold: paid.hold,
    };
    outbox::append(tx, &event)?;
    announce(tx, &card)?;
    Ok(Added { media: added, repeated: false })
}

/// Takes a file or a link from the acting user's pitch. Returns the row that was.
pub async fn remove(tx: &mut Tx, act: &Act<'_>, id: MediaId) -> Result<Media, Error> {
    let media = media::find(tx, id).await?.filter(|file| file.replaced_at.is_none());
    let media = media.ok_or(Refusal::NotFound)?;
    if media.kind == MediaKind::CustomNda {
        pitches::gate(tx, media.pitch());
    }
    let (card, mut content) = match own(tx, act, media.pitch()).await {
        // Whether there is such a file is not told to others.
        Err(Error::Refused(Refusal::Forbidden)) => return Err(Refusal::NotFound.into()),
        found => found?,
    };
    media::take_away(tx, &[media.id], act.now).await?;
    mirror(tx, card.id(), &mut content).await?;
    let (card, _) = writing::save(tx, act, card.id(), &content).await?;
    record(tx, act, "media.removed", &media);
    announce(tx, &card)?;
    Ok(media)
}

/// Takes everything from a pitch that is deleted; agreements that NDAs name stay, for their parties.
pub async fn remove_all(tx: &mut Tx, pitch: PitchId, now: DateTime<Utc>) -> Result<(), Error> {
    let ids: Vec<i32> = media::of_pitch(tx, pitch).await?.iter().map(|file| file.id).collect();
    Ok(media::take_away(tx, &ids, now).await?)
}

/// Writes into the content what the pitch has.
async fn mirror(tx: &mut Tx, pitch: PitchId, content: &mut crate::content::Content) -> Result<(), Error> {
    let there = media::of_pitch(tx, pitch).await?;
    let (agreements, files): (Vec<_>, Vec<_>) =
        there.iter().partition(|file| file.kind == MediaKind::CustomNda);
    let files: Vec<Value> = files.into_iter().map(entry).collect();
    content.media_files = (!files.is_empty()).then_some(Value::Array(files));
    let agreement = agreements.first();
    content.custom_nda_url = agreement.map(|file| plain(file.id()));
    content.custom_nda_sha256 = agreement.and_then(|file| file.sha256.clone());
    Ok(())
}

/// An element of `pitches.media_files`. It is hashed: its fields are never renamed.
fn entry(file: &Media) -> Value {
    let url = file.link.clone().unwrap_or_else(|| plain(file.id()));
    let mut entry = json!({
        "id": file.id, "type": file.kind, "url": url, "title": file.title, "public": file.public,
    });
    if let Some(stored) = file.stored() {
        entry["mediaType"] = json!(stored.media_type);
        entry["size"] = json!(stored.size);
        entry["sha256"] = json!(stored.sha256);
    }
    entry
}

fn the_same<'a>(there: &'a [Media], new: &New<'_>) -> Option<&'a Media> {
    there.iter().find(|file| {
        file.kind == new.kind && file.sha256.as_deref() == new.sha256 && file.link.as_deref() == new.link
    })
}

/// A file, if the viewer may see it. Commit in both cases: the attempt is on record.
pub async fn see(tx: &mut Tx, reading: &Reading<'_>, id: MediaId) -> Result<Option<Media>, Error> {
    let Some((media, card, access)) = decided(tx, reading, id).await? else { return Ok(None) };
    let allowed = access.as_ref().is_some_and(|access| is_open(&media, access));
    note(tx, reading, &media, &card, access.as_ref(), allowed);
    Ok(allowed.then_some(media))
}

/// Whether the viewer may see it still: while it is being sent.
pub async fn still_open(tx: &mut Tx, reading: &Reading<'_>, id: MediaId) -> Result<bool, Error> {
    let decided = decided(tx, reading, id).await?;
    Ok(decided.is_some_and(|(media, _, access)| access.is_some_and(|access| is_open(&media, &access))))
}

async fn decided(
    tx: &mut Tx,
    reading: &Reading<'_>,
    id: MediaId,
) -> Result<Option<(Media, Card, Option<Access>)>, Error> {
    let Some(media) = media::find(tx, id).await? else { return Ok(None) };
    let Some(card) = pitches::card(tx, media.pitch()).await? else { return Ok(None) };
    let mine = reading::mine(tx, reading.viewer, &[media.pitch_id]).await?;
    let access = Access::decide(reading.viewer, &card, &mine, reading.now);
    Ok(Some((media, card, access)))
}

/// The decision about the pitch, for one of its files. An agreement may be read by whom it may be offered to; a replaced one only as a document of
/// the NDA that names it.
fn is_open(media: &Media, access: &Access) -> bool {
    match media.kind {
        _ if media.replaced_at.is_some() => *access == Access::Owner,
        MediaKind::CustomNda => access.is_full() || *access == (Access::Locked { eligible: true }),
        _ => media.public || access.is_full(),
    }
}

fn record(tx: &mut Tx, act: &Act<'_>, action: &str, media: &Media) {
    let entry = audit::Entry {
        actor: Some(act.actor.id),
        action,
        entity_type: Some("media"),
        entity_id: Some(media.id.into()),
        new_values: Some(json!({ "pitchId": media.pitch_id, "type": media.kind, "sha256": media.sha256 })),
        ..Default::default()
    };
    audit::record(tx, act.origin, entry);
}

/// As for the protected text of a pitch: reads by those who are neither the owner nor everybody, granted and denied.
fn note(
    tx: &mut Tx,
    reading: &Reading<'_>,
    media: &Media,
    card: &Card,
    access: Option<&Access>,
    allowed: bool,
) {
    let Some(actor) = &reading.viewer.actor else { return };
    let grounds = match access {
        _ if media.public || media.kind == MediaKind::CustomNda => return,
        Some(Access::Owner | Access::Open) => return,
        Some(Access::Signer { nda, .. }) => json!({ "grounds": "nda", "ndaId": nda }),
        Some(Access::Admin { reason }) => json!({ "grounds": "admin", "reason": reason }),
        Some(Access::Locked { .. }) | None => json!({}),
    };
    let mut values = grounds;
    values["pitchId"] = json!(media.pitch_id);
    values["pitchVersion"] = json!(card.version);
    let entry = audit::Entry {
        actor: Some(actor.id),
        action: if allowed { "media.protected_read" } else { "media.protected_read_denied" },
        entity_type: Some("media"),
        entity_id: Some(media.id.into()),
        new_values: Some(values),
        ..Default::default()
    };
    audit::record(tx, reading.origin, entry);
}
