//! Deletion: what nobody saw goes; what somebody may hold evidence of leaves a tombstone.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{PitchChanged, PitchId};
use serde_json::{Value, json};

use super::ndas::end;
use super::{Act, own};
use crate::error::Error;
use crate::store::{ndas, pitches, versions};
use crate::words::NdaStatus;

/// Deletes the acting user's pitch. Open NDA requests end; whoever signed loses access.
pub async fn delete(tx: &mut Tx, act: &Act<'_>, id: PitchId) -> Result<(), Error> {
    // No request for an NDA slips in between; and NDAs are locked before their pitch.
    pitches::gate(tx, id).await?;
    let open = ndas::open_of_pitch(tx, id).await?;
    let (card, _) = own(tx, act, id).await?;
    if card.published_at.is_none() {
        pitches::remove(tx, id).await?;
        act.record(tx, "pitch.deleted", id, json!({ "status": card.status }), Value::Null).await?;
        let event = PitchChanged { pitch_id: id, owner_id: card.owner(), version: card.version + 1 };
        outbox::append(tx, &event).await?;
        return Ok(());
    }
    for status in [NdaStatus::Pending, NdaStatus::Approved] {
        let ids: Vec<i32> = open.iter().filter(|(_, at)| *at == status).map(|(id, _)| *id).collect();
        end::expire(tx, act.origin, &ids, status, act.now).await?;
    }
    versions::erase(tx, id).await?;
    let version = pitches::bury(tx, id, act.now).await?;
    act.record(tx, "pitch.deleted", id, json!({ "status": card.status }), json!({ "tombstone": true }))
        .await?;
    outbox::append(tx, &PitchChanged { pitch_id: id, owner_id: card.owner(), version }).await?;
    Ok(())
}
