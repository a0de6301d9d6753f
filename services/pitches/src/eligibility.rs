//! Who may request an NDA, as far as this service's own rows and the session can tell. Blocks are asked of accounts when it comes to it.

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_events::UserType;
use pitchey_identity::Actor;
use pitchey_web::Refusal;

use crate::error::Error;
use crate::store::ndas::Nda;
use crate::store::pitches::Card;
use crate::words::{NdaStatus, PitchStatus};

/// How long after a rejection a new request is refused.
pub const AFTER_REJECTION: TimeDelta = TimeDelta::days(7);

/// Whether this user is of the kind that may request NDAs now.
pub fn is_buyer(actor: &Actor) -> bool {
    check_buyer(actor).is_ok()
}

fn check_buyer(actor: &Actor) -> Result<(), Error> {
    if actor.suspended {
        return Err(Refusal::Suspended.into());
    }
    if actor.admin || !matches!(actor.user_type, UserType::Investor | UserType::Production) {
        return Err(Error::NdaBuyersOnly);
    }
    if actor.email_verified { Ok(()) } else { Err(Error::EmailNotVerified) }
}

/// What stands between `actor` and a new request for `card`; `mine` are the actor's NDAs for it, newest first.
pub fn obstacle(actor: Option<&Actor>, card: &Card, mine: &[Nda], now: DateTime<Utc>) -> Option<Error> {
    check(actor, card, mine, now).err()
}

/// [`obstacle`], as a refusal.
pub fn check(actor: Option<&Actor>, card: &Card, mine: &[Nda], now: DateTime<Utc>) -> Result<(), Error> {
    let actor = actor.ok_or(Refusal::Unauthenticated)?;
    if actor.id == card.owner() {
        return Err(Error::NdaOwnPitch);
    }
    check_buyer(actor)?;
    if let Some(active) = active(mine, now) {
        return Err(Error::NdaAlreadyExists { id: active.id(), status: active.status });
    }
    if card.status != PitchStatus::Published {
        return Err(Error::PitchWrongState { status: card.status });
    }
    if !card.requires_nda {
        return Err(Error::NdaNotRequired);
    }
    let rejected =
        mine.iter().filter(|nda| nda.status == NdaStatus::Rejected).filter_map(|nda| nda.rejected_at).max();
    match rejected.map(|at| at + AFTER_REJECTION) {
        Some(until) if until > now => Err(Error::NdaRecentlyRejected { until }),
        _ => Ok(()),
    }
}

/// The request, offer or agreement that is in force.
pub fn active(mine: &[Nda], now: DateTime<Utc>) -> Option<&Nda> {
    mine.iter().find(|nda| {
        matches!(nda.status_at(now), NdaStatus::Pending | NdaStatus::Approved | NdaStatus::Signed)
    })
}
