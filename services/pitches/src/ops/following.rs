//! Following users and pitches.

use pitchey_bus::outbox;
use pitchey_db::Tx;
use pitchey_events::{PitchFollowed, PitchId, PitchUnfollowed, UserFollowed, UserId, UserUnfollowed};
use pitchey_identity::Actor;
use pitchey_web::Refusal;

use super::{Act, published};
use crate::error::Error;
use crate::state::AppState;
use crate::store::follows::{self, Target};
use crate::store::pitches;

/// What accounts said before the transaction: nothing stands between the two.
pub struct Cleared(());

/// Asks accounts whether `actor` may come near `other`. No answer is a refusal.
pub async fn clear(state: &AppState, actor: &Actor, other: UserId) -> Result<Cleared, Error> {
    if actor.suspended {
        return Err(Refusal::Suspended.into());
    }
    if actor.id == other {
        return Err(Error::SelfFollow);
    }
    let relation = state.accounts.relation(actor.id, other).await?;
    if relation.blocked || !relation.other.is_active || !relation.user.is_active {
        return Err(Error::NotPossible);
    }
    Ok(Cleared(()))
}

/// [`clear`], for the owner of a pitch that `actor` must be able to see. Opens and ends its own short transaction.
pub async fn clear_pitch(state: &AppState, actor: &Actor, pitch: PitchId) -> Result<Cleared, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let card = published(&mut tx, actor, pitch).await?;
    drop(tx);
    if card.owner() == actor.id {
        return Err(Error::OwnPitch);
    }
    clear(state, actor, card.owner()).await
}

/// Follows a user; `false`: did already.
pub async fn follow_user(tx: &mut Tx, act: &Act<'_>, user: UserId, _: Cleared) -> Result<bool, Error> {
    act.may_write()?;
    let new = follows::insert(tx, act.actor.id, Target::User(user), act.now).await?;
    if new {
        outbox::append(tx, &UserFollowed { user_id: user, follower_id: act.actor.id })?;
    }
    Ok(new)
}

/// Follows a user no more; `false`: did not.
pub async fn unfollow_user(tx: &mut Tx, act: &Act<'_>, user: UserId) -> Result<bool, Error> {
    act.may_write()?;
    let ended = follows::remove(tx, act.actor.id, Target::User(user)).await?;
    if ended {
        outbox::append(tx, &UserUnfollowed { user_id: user, follower_id: act.actor.id })?;
    }
    Ok(ended)
}

/// Puts a pitch on the watch list; `false`: it is there.
pub async fn watch(tx: &mut Tx, act: &Act<'_>, pitch: PitchId, _: Cleared) -> Result<bool, Error> {
    act.may_write()?;
    let card = published(tx, act.actor, pitch).await?;
    let new = follows::insert(tx, act.actor.id, Target::Pitch(pitch), act.now).await?;
    if new {
        let event = PitchFollowed {
            pitch_id: pitch,
            owner_id: card.owner(),
            pitch_title: card.title,
            follower_id: act.actor.id,
        };
        outbox::append(tx, &event)?;
    }
    Ok(new)
}

/// Takes a pitch from the watch list, whatever became of it; `false`: it was not there.
pub async fn unwatch(tx: &mut Tx, act: &Act<'_>, pitch: PitchId) -> Result<bool, Error> {
    act.may_write()?;
    let ended = follows::remove(tx, act.actor.id, Target::Pitch(pitch)).await?;
    if ended {
        tell_unfollowed(tx, act.actor.id, pitch).await?;
    }
    Ok(ended)
}

/// Ends what two users follow of each other, in both directions: one has blocked the other.
pub async fn part(tx: &mut Tx, one: UserId, other: UserId) -> Result<(), Error> {
    for (follower, followed) in [(one, other), (other, one)] {
        for target in follows::part(tx, follower, followed).await? {
            tell(tx, follower, target).await?;
        }
    }
    Ok(())
}

/// Tells that a follow is over.
pub async fn tell(tx: &mut Tx, follower: UserId, target: Target) -> Result<(), Error> {
    match target {
        Target::User(user) => {
            outbox::append(tx, &UserUnfollowed { user_id: user, follower_id: follower })?;
            Ok(())
        }
        Target::Pitch(pitch) => tell_unfollowed(tx, follower, pitch).await,
    }
}

async fn tell_unfollowed(tx: &mut Tx, follower: UserId, pitch: PitchId) -> Result<(), Error> {
    // A tombstone has an owner, too.
    let Some(owner) = pitches::owner(tx, pitch).await? else { return Ok(()) };
    let event = PitchUnfollowed { pitch_id: pitch, owner_id: owner, follower_id: follower };
    outbox::append(tx, &event)?;
    Ok(())
}
