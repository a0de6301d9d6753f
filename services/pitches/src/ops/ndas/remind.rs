//! Telling the owner that somebody still waits, and the requester that the time runs out.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::Origin;
use pitchey_events::{NdaAnswerDue, NdaExpiring, NdaId, UserId};

use super::{Moved, Party, as_party, lost, parties, record};
use crate::error::Error;
use crate::ops::Act;
use crate::store::ndas::{self, ANSWER_WITHIN, Nda, SIGN_WITHIN};
use crate::words::NdaStatus;

/// How long after a reminder, or the request itself, another one does nothing.
const PAUSE: TimeDelta = TimeDelta::days(1);

/// Reminds the owner, for the requester. More than once a day is a repetition.
pub async fn remind(tx: &mut Tx, act: &Act<'_>, id: NdaId) -> Result<Moved, Error> {
    let nda = as_party(tx, act, id, Party::Requester).await?;
    if nda.created_at + PAUSE > act.now {
        return lost(tx, act, id, NdaStatus::Pending).await;
    }
    match ndas::remind(tx, id, act.now - PAUSE, act.now).await? {
        Some(nda) => {
            tell(tx, act.origin, Some(act.actor.id), &nda).await?;
            Ok(Moved::now(nda))
        }
        None => lost(tx, act, id, NdaStatus::Pending).await,
    }
}

/// Reminds the owners of `ids`, locked rows whose reminder is due, for the platform. Returns how many.
pub async fn remind_all(
    tx: &mut Tx,
    origin: &Origin,
    ids: &[i32],
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    let mut reminded = 0;
    for &id in ids {
        if let Some(nda) = ndas::remind(tx, NdaId(id), now, now).await? {
            tell(tx, origin, None, &nda).await?;
            reminded += 1;
        }
    }
    Ok(reminded)
}

/// Tells the requesters of `ids`, locked rows that end within `ahead` as `status`. Returns how many.
pub async fn warn_all(
    tx: &mut Tx,
    origin: &Origin,
    ids: &[i32],
    status: NdaStatus,
    ahead: TimeDelta,
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    let mut warned = 0;
    for &id in ids {
        let Some(nda) = ndas::warn(tx, NdaId(id), status, now - ahead, now).await? else { continue };
        let ends = nda.expires_at.or(nda.approved_at.map(|at| at + SIGN_WITHIN));
        let Some(expires_at) = ends else { continue };
        record(tx, origin, None, "nda.expiry_told", None, &nda);
        let status = status.as_str().to_owned();
        let parties = parties(tx, &nda).await?;
        outbox::append(tx, &NdaExpiring { parties, status, expires_at })?;
        warned += 1;
    }
    Ok(warned)
}

async fn tell(tx: &mut Tx, origin: &Origin, actor: Option<UserId>, nda: &Nda) -> Result<(), Error> {
    record(tx, origin, actor, "nda.reminded", None, nda);
    let event = NdaAnswerDue { parties: parties(tx, nda).await?, expires_at: nda.created_at + ANSWER_WITHIN };
    outbox::append(tx, &event)?;
    Ok(())
}
