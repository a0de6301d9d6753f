//! Blocks: they stop messages, follows and NDA requests both ways, and hide each from the other's search. The blocked user is not told.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::{UserBlocked, UserId, UserUnblocked};
use pitchey_web::Refusal;

use crate::error::Error;
use crate::store::{user_blocks, users};

/// Whether the block is new.
pub async fn block(tx: &mut Tx, blocker: UserId, blocked: UserId, origin: &Origin) -> Result<bool, Error> {
    if blocker == blocked {
        return Err(Error::OwnBlock);
    }
    let other = users::get(tx, blocked).await?.filter(|user| user.may_log_in());
    other.ok_or(Refusal::NotFound)?;
    let new = user_blocks::insert(tx, blocker, blocked).await?;
    if new {
        audit::record(tx, origin, entry("user.blocked", blocker, blocked));
        outbox::append(tx, &UserBlocked { blocker_id: blocker, blocked_id: blocked })?;
    }
    Ok(new)
}

/// Takes a block back; without one there is nothing to do.
pub async fn unblock(tx: &mut Tx, blocker: UserId, blocked: UserId, origin: &Origin) -> Result<(), Error> {
    if user_blocks::delete(tx, blocker, blocked).await? {
        audit::record(tx, origin, entry("user.unblocked", blocker, blocked));
        outbox::append(tx, &UserUnblocked { blocker_id: blocker, blocked_id: blocked })?;
    } else if users::get(tx, blocked).await?.is_none() {
        return Err(Refusal::NotFound.into());
    }
    Ok(())
}

fn entry(action: &str, blocker: UserId, blocked: UserId) -> Entry<'_> {
    Entry {
        actor: Some(blocker),
        action,
        entity_type: Some("user"),
        entity_id: Some(blocked.0.into()),
        ..Entry::default()
    }
}
