//! The life of an NDA: request, approve, sign, access. Approval is never a signature.

pub mod answer;
pub mod documents;
pub mod end;
pub mod look;
pub mod policy;
pub mod remind;
pub mod request;
pub mod sign;

use std::collections::HashMap;

use pitchey_db::Tx;
use pitchey_db::audit::{self, Origin};
use pitchey_events::{HoldKey, NdaId, NdaParties, UserId};
use pitchey_web::Refusal;
use serde_json::json;

use super::Act;
use crate::error::Error;
use crate::store;
use crate::store::ndas::Nda;
use crate::words::NdaStatus;

/// Credits that a request holds.
pub const REQUEST_COST: i32 = 10;
/// Requests of one user in 24 hours.
pub const REQUEST_LIMIT: u32 = 10;

/// An NDA after a transition.
pub struct Moved {
    pub nda: Nda,
    /// It had happened before: nothing was done.
    pub repeated: bool,
}

impl Moved {
    const fn now(nda: Nda) -> Self {
        Self { nda, repeated: false }
    }

    const fn before(nda: Nda) -> Self {
        Self { nda, repeated: true }
    }
}

/// Which party of an NDA somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Owner,
    Requester,
}

/// The NDA, of which the acting user must be `party`. Strangers don't learn that there is one.
async fn as_party(tx: &mut Tx, act: &Act<'_>, id: NdaId, party: Party) -> Result<Nda, Error> {
    act.may_write()?;
    let nda = store::ndas::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    let (required, other) = match party {
        Party::Owner => (nda.owner(), nda.requester()),
        Party::Requester => (nda.requester(), nda.owner()),
    };
    match act.actor.id {
        id if id == required => Ok(nda),
        id if id == other => Err(Refusal::Forbidden.into()),
        _ => Err(Refusal::NotFound.into()),
    }
}

/// After a conditional UPDATE found another status: a repetition by the same user, or 409 with the status there is now.
async fn lost(tx: &mut Tx, act: &Act<'_>, id: NdaId, wanted: NdaStatus) -> Result<Moved, Error> {
    let nda = store::ndas::find(tx, id).await?.ok_or(Refusal::NotFound)?;
    let status = nda.status_at(act.now);
    let happened = match wanted {
        NdaStatus::Approved if status == NdaStatus::Signed => nda.approved_by_hand(),
        NdaStatus::Revoked => status == wanted && nda.revoked_by == Some(act.actor.id.0),
        _ => status == wanted,
    };
    if happened { Ok(Moved::before(nda)) } else { Err(Error::NdaWrongState { status }) }
}

/// Who and what, for the events.
async fn parties(tx: &mut Tx, nda: &Nda) -> Result<NdaParties, Error> {
    Ok(parties_of(nda, title(tx, nda).await?))
}

/// The title that the NDA covers: that of its version. The pitch itself may be a draft again, with a title that nobody knows yet.
async fn title(tx: &mut Tx, nda: &Nda) -> Result<String, Error> {
    Ok(titles(tx, &[nda.id]).await?.remove(&nda.id).unwrap_or_default())
}

/// The titles that these NDAs cover, by the ids of the NDAs.
async fn titles(tx: &mut Tx, ids: &[i32]) -> Result<HashMap<i32, String>, Error> {
    let titles = store::ndas::titles(tx, ids).await?.into_iter();
    Ok(titles.map(|(id, title)| (id, title.unwrap_or_else(|| "a deleted pitch".to_owned()))).collect())
}

fn parties_of(nda: &Nda, pitch_title: String) -> NdaParties {
    NdaParties {
        nda_id: nda.id(),
        pitch_id: nda.pitch(),
        pitch_title,
        owner_id: nda.owner(),
        requester_id: nda.requester(),
        nda_type: nda.nda_type.into(),
        hold: nda.hold_key.map(HoldKey),
    }
}

/// Records a transition; `actor` is `None` where time or a policy did it.
fn record(
    tx: &mut Tx,
    origin: &Origin,
    actor: Option<UserId>,
    action: &str,
    from: Option<NdaStatus>,
    nda: &Nda,
) {
    let entry = audit::Entry {
        actor,
        action,
        entity_type: Some("nda"),
        entity_id: Some(nda.id.into()),
        old_values: from.map(|status| json!({ "status": status })),
        new_values: Some(
            json!({ "status": nda.status, "pitchId": nda.pitch_id, "pitchVersion": nda.pitch_version }),
        ),
        ..Default::default()
    };
    audit::record(tx, origin, entry);
}
