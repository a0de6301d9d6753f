//! The ways in which an NDA ends: withdrawn, revoked, or by time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::Origin;
use pitchey_events::{NdaExpired, NdaId, NdaRevoked, NdaWithdrawn};
use pitchey_identity::Actor;
use pitchey_web::Refusal;

use super::{Moved, Party, as_party, lost, parties, parties_of, record, titles};
use crate::error::Error;
use crate::ops::Act;
use crate::state::AppState;
use crate::store::{ndas, pitches};
use crate::words::NdaStatus;

/// pending -> withdrawn, by the requester.
pub async fn withdraw(tx: &mut Tx, act: &Act<'_>, id: NdaId) -> Result<Moved, Error> {
    as_party(tx, act, id, Party::Requester).await?;
    let Some(nda) = ndas::withdraw(tx, id, act.now).await? else {
        return lost(tx, act, id, NdaStatus::Withdrawn).await;
    };
    record(tx, act.origin, Some(act.actor.id), "nda.withdrawn", Some(NdaStatus::Pending), &nda);
    let event = NdaWithdrawn { parties: parties(tx, &nda).await? };
    outbox::append(tx, &event)?;
    Ok(Moved::now(nda))
}

/// approved or signed -> revoked, by the owner or an admin. Access is over with the commit: every read asks this row.
pub async fn revoke(tx: &mut Tx, act: &Act<'_>, id: NdaId, reason: &str) -> Result<Moved, Error> {
    let nda = if act.actor.admin {
        act.may_write()?;
        ndas::find(tx, id).await?.ok_or(Refusal::NotFound)?
    } else {
        as_party(tx, act, id, Party::Owner).await?
    };
    let from = nda.status_at(act.now);
    if !matches!(from, NdaStatus::Approved | NdaStatus::Signed) {
        return lost(tx, act, id, NdaStatus::Revoked).await;
    }
    let Some(nda) = ndas::revoke(tx, id, from, act.actor.id, reason, act.now).await? else {
        return lost(tx, act, id, NdaStatus::Revoked).await;
    };
    let was_signed = from == NdaStatus::Signed;
    if was_signed {
        pitches::count_signed(tx, nda.pitch_id, -1).await?;
    }
    record(tx, act.origin, Some(act.actor.id), "nda.revoked", Some(from), &nda);
    let event = NdaRevoked { parties: parties(tx, &nda).await?, was_signed, revoked_by: act.actor.id };
    outbox::append(tx, &event)?;
    Ok(Moved::now(nda))
}

/// The transaction of [`revoke`]: an admin's passes row level security, since the row is none of the admin's.
pub async fn revoking(state: &AppState, actor: &Actor) -> Result<Tx, Error> {
    Ok(if actor.admin {
        state.databases.system.begin().await?
    } else {
        state.databases.user.begin(Some(actor.id)).await?
    })
}

/// `from` -> expired, of `ids` those that still are `from`; the caller knows that their time is over. Returns how many.
pub async fn expire(
    tx: &mut Tx,
    origin: &Origin,
    ids: &[i32],
    from: NdaStatus,
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let expired = ndas::expire(tx, ids, from, now).await?;
    let mut titles = titles(tx, ids).await?;
    if from == NdaStatus::Signed {
        let mut signed: BTreeMap<i32, i32> = BTreeMap::new();
        for nda in &expired {
            *signed.entry(nda.pitch_id).or_default() += 1;
        }
        // In the order of ids, as everybody who locks several pitches.
        for (pitch, count) in signed {
            pitches::count_signed(tx, pitch, -count).await?;
        }
    }
    for nda in &expired {
        record(tx, origin, None, "nda.expired", Some(from), nda);
        let title = titles.remove(&nda.id).unwrap_or_default();
        outbox::append(tx, &NdaExpired { parties: parties_of(nda, title), was: from.as_str().to_owned() })?;
    }
    Ok(expired.len())
}
