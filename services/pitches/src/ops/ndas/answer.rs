//! The owner's answer, by hand, by policy, or to many at once.

use std::collections::HashMap;

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{MediaId, NdaApproved, NdaId, NdaRejected, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{ApiError, FieldError, Refusal};
use serde::Serialize;

use super::{Moved, Party, as_party, documents, lost, parties, record, title};
use crate::error::Error;
use crate::ops::Act;
use crate::state::AppState;
use crate::store::ndas::{Nda, Offer, SIGN_WITHIN};
use crate::store::{media, ndas, pitches, versions};
use crate::words::NdaStatus;

/// The people whom documents are about to name.
pub type People = HashMap<UserId, PublicUser>;

/// What an owner adds when approving.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    pub terms: Option<&'a str>,
    pub expiry_days: Option<i32>,
}

/// Asks accounts who the parties of these NDAs are. Opens and ends its own short transaction.
pub async fn people(state: &AppState, user: UserId, ids: &[i32]) -> Result<People, Error> {
    let mut tx = state.databases.user.begin(Some(user)).await?;
    let ndas = ndas::find_all(&mut tx, ids).await?;
    drop(tx);
    let mut ids: Vec<UserId> = ndas.iter().flat_map(|nda| [nda.owner(), nda.requester()]).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(People::new());
    }
    let users = state.accounts.users_by_ids(&ids).await?;
    Ok(users.into_iter().map(|user| (user.id, user)).collect())
}

/// pending -> approved, by the owner. The document is frozen now.
pub async fn approve(
    tx: &mut Tx,
    act: &Act<'_>,
    id: NdaId,
    conditions: Conditions<'_>,
    people: &People,
) -> Result<Moved, Error> {
    let nda = as_party(tx, act, id, Party::Owner).await?;
    if nda.status_at(act.now) != NdaStatus::Pending {
        return lost(tx, act, id, NdaStatus::Approved).await;
    }
    let (Some(owner), Some(requester)) = (people.get(&nda.owner()), people.get(&nda.requester())) else {
        // Somebody's account is gone.
        return Err(Error::NdaNotPossible);
    };
    match offer(tx, act, &nda, conditions, Some(act.actor.id), owner, requester).await? {
        Some(nda) => {
            approved(tx, act, &nda, false).await?;
            Ok(Moved::now(nda))
        }
        None => match lost(tx, act, id, NdaStatus::Approved).await {
            // Nobody was faster: so it is the pitch that does not allow it.
            Err(Error::NdaWrongState { status: NdaStatus::Pending }) => {
                let card = pitches::card(tx, nda.pitch()).await?.ok_or(Refusal::NotFound)?;
                Err(Error::PitchWrongState { status: card.status })
            }
            other => other,
        },
    }
}

/// pending -> approved, in the transaction of the request.
pub async fn approve_by_policy(
    tx: &mut Tx,
    act: &Act<'_>,
    nda: &Nda,
    owner: &PublicUser,
    requester: &PublicUser,
) -> Result<Nda, Error> {
    let nda = offer(tx, act, nda, Conditions::default(), None, owner, requester)
        .await?
        .ok_or(Error::NdaWrongState { status: nda.status })?;
    approved(tx, act, &nda, true).await?;
    Ok(nda)
}

async fn offer(
    tx: &mut Tx,
    act: &Act<'_>,
    nda: &Nda,
    conditions: Conditions<'_>,
    approved_by: Option<UserId>,
    owner: &PublicUser,
    requester: &PublicUser,
) -> Result<Option<Nda>, Error> {
    if let Some(id) = nda.custom_file_id {
        return offer_own(tx, act, nda, conditions, approved_by, MediaId(id)).await;
    }
    let version = versions::find(tx, nda.pitch(), nda.pitch_version).await?;
    let (version, _) =
        version.ok_or_else(|| Error::Internal("an NDA names a version that is not there".into()))?;
    let title = title(tx, nda).await?;
    let document = documents::render(&documents::Terms {
        nda_id: nda.id,
        nda_type: nda.nda_type,
        pitch_id: nda.pitch_id,
        pitch_title: &title,
        version: version.number,
        version_hash: &version.content_sha256,
        owner: documents::Named::from(owner),
        requester: documents::Named::from(requester),
        additions: conditions.terms,
        days: conditions.expiry_days.unwrap_or(nda.nda_type.days()),
        at: act.now,
    })?;
    let offer = Offer {
        terms: conditions.terms,
        expiry_days: conditions.expiry_days,
        approved_by,
        agreement: Some(&document.text),
        document: Some(&document.pdf),
        media_type: documents::MEDIA_TYPE,
        hash: &document.hash,
    };
    Ok(ndas::approve(tx, nda.id(), &offer, act.now).await?)
}

/// The owner's own document is what is signed, so nothing can be added to it.
async fn offer_own(
    tx: &mut Tx,
    act: &Act<'_>,
    nda: &Nda,
    conditions: Conditions<'_>,
    approved_by: Option<UserId>,
    id: MediaId,
) -> Result<Option<Nda>, Error> {
    if conditions.terms.is_some() {
        let message = "Your own document is what is signed: nothing can be added to it.";
        return Err(Refusal::Invalid(vec![FieldError::new("terms", "own_document", message)]).into());
    }
    let file = media::find(tx, id).await?.ok_or_else(|| Error::Internal("an NDA names no file".into()))?;
    let Some(stored) = file.stored() else { return Err(Error::Internal("a custom NDA is a link".into())) };
    let offer = Offer {
        terms: None,
        expiry_days: conditions.expiry_days,
        approved_by,
        agreement: None,
        document: None,
        media_type: documents::MEDIA_TYPE,
        hash: stored.sha256,
    };
    Ok(ndas::approve(tx, nda.id(), &offer, act.now).await?)
}

async fn approved(tx: &mut Tx, act: &Act<'_>, nda: &Nda, by_policy: bool) -> Result<(), Error> {
    let (actor, action) =
        if by_policy { (None, "nda.approved_by_policy") } else { (Some(act.actor.id), "nda.approved") };
    record(tx, act.origin, actor, action, Some(NdaStatus::Pending), nda);
    let event =
        NdaApproved { parties: parties(tx, nda).await?, by_policy, sign_until: act.now + SIGN_WITHIN };
    outbox::append(tx, &event)?;
    Ok(())
}

/// pending -> rejected, by the owner.
pub async fn reject(tx: &mut Tx, act: &Act<'_>, id: NdaId, reason: Option<&str>) -> Result<Moved, Error> {
    as_party(tx, act, id, Party::Owner).await?;
    let Some(nda) = ndas::reject(tx, id, reason, act.now).await? else {
        return lost(tx, act, id, NdaStatus::Rejected).await;
    };
    record(tx, act.origin, Some(act.actor.id), "nda.rejected", Some(NdaStatus::Pending), &nda);
    let event = NdaRejected { parties: parties(tx, &nda).await?, with_reason: reason.is_some() };
    outbox::append(tx, &event)?;
    Ok(Moved::now(nda))
}

/// One that could not be answered with the others.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Failed {
    id: i32,
    code: &'static str,
    message: String,
}

/// What became of many.
#[derive(Default)]
pub struct Bulk {
    pub moved: Vec<Nda>,
    pub failed: Vec<Failed>,
}

impl Bulk {
    /// Files the result of one. What is not the fault of this one ends all.
    fn add(&mut self, id: i32, result: Result<Moved, Error>) -> Result<(), Error> {
        match result {
            Ok(moved) => self.moved.push(moved.nda),
            Err(error) if error.status().is_server_error() => return Err(error),
            Err(error) => self.failed.push(Failed { id, code: error.code(), message: error.message() }),
        }
        Ok(())
    }
}

/// Approves `ids`, which must be in ascending order so that two of these never wait for each other in a circle.
pub async fn approve_all(tx: &mut Tx, act: &Act<'_>, ids: &[i32], people: &People) -> Result<Bulk, Error> {
    let mut bulk = Bulk::default();
    for &id in ids {
        let result = approve(tx, act, NdaId(id), Conditions::default(), people).await;
        bulk.add(id, result)?;
    }
    Ok(bulk)
}

/// Rejects `ids`, which must be in ascending order.
pub async fn reject_all(
    tx: &mut Tx,
    act: &Act<'_>,
    ids: &[i32],
    reason: Option<&str>,
) -> Result<Bulk, Error> {
    let mut bulk = Bulk::default();
    for &id in ids {
        let result = reject(tx, act, NdaId(id), reason).await;
        bulk.add(id, result)?;
    }
    Ok(bulk)
}
