//! Who may write to whom. Decided from what accounts and pitches say now; no answer is a no.

use pitchey_events::{UserId, UserType};
use pitchey_identity::Actor;
use pitchey_rpc::{PublicUser, Relation, Standing};
use pitchey_web::Refusal;

use crate::error::Error;
use crate::state::AppState;

/// What opening a conversation costs creators and production companies, in credits.
pub const OPENING_COST: i32 = 2;

/// Refuses who may not open conversations at all.
pub fn may_open(actor: &Actor) -> Result<(), Error> {
    if actor.suspended {
        return Err(Refusal::Suspended.into());
    }
    if actor.admin {
        return Ok(());
    }
    if actor.user_type == UserType::Viewer {
        return Err(Error::MessagingNotAllowed);
    }
    if actor.email_verified { Ok(()) } else { Err(Error::EmailNotVerified) }
}

/// Whether opening costs this user something.
pub fn pays(actor: &Actor) -> bool {
    !actor.admin && matches!(actor.user_type, UserType::Creator | UserType::Production)
}

/// Refuses unless `actor` may open a conversation with `other`. Asks accounts, and pitches where that matters.
pub async fn may_write_to(state: &AppState, actor: &Actor, other: UserId) -> Result<(), Error> {
    may_open(actor)?;
    let relation = state.accounts.relation(actor.id, other).await?;
    if relation.blocked || !relation.user.is_active || !relation.other.is_active {
        return Err(Error::MessageNotPossible);
    }
    if actor.admin || alike(&relation) {
        return Ok(());
    }
    let standing = state.pitches.standing(actor.id, other).await?;
    if connected(&relation.user, &standing) { Ok(()) } else { Err(Error::MessagingNotAllowed) }
}

fn alike(relation: &Relation) -> bool {
    relation.user.user_type == relation.other.user_type
}

fn connected(user: &PublicUser, standing: &Standing) -> bool {
    let buyer = user.company_verified && matches!(user.user_type, UserType::Investor | UserType::Production);
    standing.signed_nda_between || standing.mutual_follow || (buyer && standing.other_has_published_pitch)
}
