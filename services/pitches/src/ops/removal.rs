//! Deletion: what nobody saw goes; what somebody may hold evidence of leaves a tombstone.

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Origin};
use pitchey_events::{PitchChanged, PitchDeleted, PitchId, UserId};
use serde_json::json;

use super::ndas::end;
use super::{Act, media, own};
use crate::error::Error;
use crate::store::pitches::Card;
use crate::store::{ndas, pitches, versions};
use crate::words::NdaStatus;

/// NDAs of a pitch: which, and where they stand.
type Open = Vec<(i32, NdaStatus)>;

/// Deletes pitches of the acting user's: all of `ids`, which are in order. Open NDA requests end; whoever signed loses access.
pub async fn delete(tx: &mut Tx, act: &Act<'_>, ids: &[i32]) -> Result<(), Error> {
    for (id, open) in ids.iter().zip(gated(tx, ids).await?) {
        let (card, _) = own(tx, act, PitchId(*id)).await?;
        remove(tx, act.origin, Some(act.actor.id), &card, &open, act.now).await?;
    }
    Ok(())
}

/// Deletes pitches with their owner's account: those of `ids`, which are in order, that are not deleted.
pub async fn with_account(tx: &mut Tx, ids: &[i32], now: DateTime<Utc>) -> Result<(), Error> {
    for (id, open) in ids.iter().zip(gated(tx, ids).await?) {
        if let Some((card, _)) = pitches::locked(tx, PitchId(*id)).await? {
            remove(tx, &Origin::default(), None, &card, &open, now).await?;
        }
    }
    Ok(())
}

/// No request for an NDA slips in between; and NDAs are locked before any pitch.
async fn gated(tx: &mut Tx, ids: &[i32]) -> Result<Vec<Open>, Error> {
    for id in ids {
        pitches::gate(tx, PitchId(*id));
    }
    let mut open = Vec::with_capacity(ids.len());
    for id in ids {
        open.push(ndas::open_of_pitch(tx, PitchId(*id)).await?);
    }
    Ok(open)
}

async fn remove(
    tx: &mut Tx,
    origin: &Origin,
    actor: Option<UserId>,
    card: &Card,
    open: &Open,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let id = card.id();
    let was_published = card.published_at.is_some();
    let version = if was_published {
        for status in [NdaStatus::Pending, NdaStatus::Approved] {
            let ids: Vec<i32> = open.iter().filter(|(_, at)| *at == status).map(|(id, _)| *id).collect();
            end::expire(tx, origin, &ids, status, now).await?;
        }
        media::remove_all(tx, id, now).await?;
        versions::erase(tx, id).await?;
        pitches::bury(tx, id, now).await?
    } else {
        pitches::remove(tx, id).await?;
        card.version + 1
    };
    let entry = audit::Entry {
        actor,
        action: "pitch.deleted",
        entity_type: Some("pitch"),
        entity_id: Some(id.0.into()),
        old_values: Some(json!({ "status": card.status })),
        new_values: was_published.then(|| json!({ "tombstone": true })),
        ..Default::default()
    };
    audit::record(tx, origin, entry);
    let owner_id = card.owner();
    outbox::append(tx, &PitchChanged { pitch_id: id, owner_id, version })?;
    outbox::append(tx, &PitchDeleted { pitch_id: id, owner_id, was_published, at: now })?;
    Ok(())
}
