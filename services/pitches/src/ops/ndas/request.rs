//! Asking for access.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_bus::outbox;
use pitchey_db::{OnConstraint, Tx};
use pitchey_events::{HoldKey, NdaRequested, PitchId, UserType};
use pitchey_identity::Actor;
use pitchey_rpc::PublicUser;
use pitchey_web::Refusal;

use super::{Moved, REQUEST_COST, REQUEST_LIMIT, answer, end, parties, record};
use crate::eligibility;
use crate::error::Error;
use crate::ops::{Act, reading};
use crate::projection::{Access, Viewer};
use crate::state::AppState;
use crate::store::ndas::{Nda, New};
use crate::store::pitches::Card;
use crate::store::{media, ndas, pitches, policies, versions};
use crate::words::{Agreement, NdaStatus, Policy};

const DAY: TimeDelta = TimeDelta::days(1);

/// What other services said before the transaction.
pub enum Prepared {
    /// The request was made before: nobody needs to be asked.
    Repetition,
    /// It may be made.
    Cleared { requester: Box<PublicUser>, owner: Box<PublicUser>, hold: Option<HoldKey> },
}

/// Asks accounts and payments, after what the own rows can refuse. Opens and ends its own short transaction; no answer is a refusal.
pub async fn prepare(state: &AppState, actor: &Actor, pitch: PitchId) -> Result<Prepared, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (card, mine) = known(&mut tx, actor, pitch, now).await?;
    match eligibility::check(Some(actor), &card, &mine, now) {
        Ok(()) => within_limit(&ndas::request_times(&mut tx, actor.id, now - DAY).await?, now)?,
        Err(Error::NdaAlreadyExists { .. }) => return Ok(Prepared::Repetition),
        Err(refusal) => return Err(refusal),
    }
    drop(tx);
    let relation = state.accounts.relation(actor.id, card.owner()).await?;
    if relation.blocked || !relation.other.is_active || !relation.user.is_active {
        return Err(Error::NdaNotPossible);
    }
    if !matches!(relation.user.user_type, UserType::Investor | UserType::Production) {
        return Err(Error::NdaBuyersOnly);
    }
    if !relation.user.email_verified {
        return Err(Error::EmailNotVerified);
    }
    let hold = state.credits.hold(actor.id, REQUEST_COST, "nda_request").await?;
    Ok(Prepared::Cleared { requester: Box::new(relation.user), owner: Box::new(relation.other), hold })
}

/// Makes the request, and approves it where the owner's policy says so. One that is under way is the answer to its repetition.
pub async fn request(
    tx: &mut Tx,
    act: &Act<'_>,
    prepared: Prepared,
    pitch: PitchId,
    message: Option<&str>,
) -> Result<Moved, Error> {
    let recent = ndas::requests_since(tx, act.actor.id, act.now - DAY).await?;
    pitches::pass_gate(tx, pitch);
    let (card, mine) = known(tx, act.actor, pitch, act.now).await?;
    match eligibility::check(Some(act.actor), &card, &mine, act.now) {
        Ok(()) => within_limit(&recent, act.now)?,
        Err(refusal @ Error::NdaAlreadyExists { status: NdaStatus::Signed, .. }) => return Err(refusal),
        Err(refusal @ Error::NdaAlreadyExists { .. }) => {
            return eligibility::active(&mine, act.now).cloned().map(Moved::before).ok_or(refusal);
        }
        Err(refusal) => return Err(refusal),
    }
    let Prepared::Cleared { requester, owner, hold } = prepared else {
        // It was under way a moment ago and has ended since.
        let status = mine.first().map_or(NdaStatus::Expired, |nda| nda.status_at(act.now));
        return Err(Error::NdaWrongState { status });
    };
    for overdue in mine.iter().filter(|nda| nda.status != nda.status_at(act.now)) {
        end::expire(tx, act.origin, &[overdue.id], overdue.status, act.now).await?;
    }
    let newest = versions::newest(tx, pitch).await?;
    let nda_type = card.nda_type.unwrap_or(Agreement::Basic);
    let custom = if nda_type == Agreement::Custom { media::custom_nda(tx, pitch).await? } else { None };
    let new = New {
        pitch_id: card.id,
        requester_id: act.actor.id.0,
        owner_id: card.user_id,
        nda_type,
        request_message: message,
        pitch_version: newest.number,
        hold_key: hold.map(|key| key.0),
        custom_file_id: custom.map(|file| file.id),
        created_at: act.now,
        updated_at: act.now,
    };
    let taken = Error::NdaWrongState { status: NdaStatus::Pending };
    let nda = ndas::insert(tx, &new).await.on_constraint("ndas_active_key", taken)?;
    record(tx, act.origin, Some(act.actor.id), "nda.requested", None, &nda);
    let event = NdaRequested { parties: parties(tx, &nda).await?, with_message: message.is_some() };
    outbox::append(tx, &event)?;

    let approves = match policies::of(tx, card.owner()).await? {
        Policy::Never => false,
        Policy::Verified => requester.company_verified,
        Policy::All => true,
    };
    if approves {
        return answer::approve_by_policy(tx, act, &nda, &owner, &requester).await.map(Moved::now);
    }
    Ok(Moved::now(nda))
}

/// The pitch, if the user may know of it, with the user's NDAs for it.
async fn known(
    tx: &mut Tx,
    actor: &Actor,
    pitch: PitchId,
    now: DateTime<Utc>,
) -> Result<(Card, Vec<Nda>), Error> {
    let viewer = Viewer { actor: Some(actor.clone()), reason: None };
    let card = pitches::card(tx, pitch).await?.ok_or(Refusal::NotFound)?;
    let mine = reading::mine(tx, &viewer, &[pitch.0]).await?;
    let visible =
        Access::decide(&viewer, &card, &mine, now).is_some() || eligibility::active(&mine, now).is_some();
    if visible { Ok((card, mine)) } else { Err(Refusal::NotFound.into()) }
}

/// Refuses one request more than `recent` ones if that is too many in a day.
pub fn within_limit(recent: &[DateTime<Utc>], now: DateTime<Utc>) -> Result<(), Error> {
    let Some(position) = recent.len().checked_sub(REQUEST_LIMIT as usize) else { return Ok(()) };
    let free_at = recent.get(position).map_or(now, |at| *at + DAY);
    let seconds = u32::try_from((free_at - now).num_seconds().max(0) + 1).unwrap_or(u32::MAX);
    Err(Error::NdaRequestLimit { seconds })
}
