//! What happens to the pitches and the rest of a user whose account is deleted: drafts go, published pitches leave a tombstone, what the user said
//! and followed goes. Agreements and their signatures are somebody else's evidence and stay.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_db::audit::Origin;
use pitchey_events::{PitchId, PitchUnliked, UserId};

use super::ndas::end;
use super::{following, removal};
use crate::error::Error;
use crate::store::follows::{self, Target};
use crate::store::pitches::{self, Count};
use crate::store::{comments, investments, likes, ndas, policies, readings, reports, share_links};
use crate::words::NdaStatus;

/// Erases `user`. Doing it again finds nothing left to do.
pub async fn erase(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    let origin = Origin::default();
    // NDAs are locked before pitches.
    for status in [NdaStatus::Pending, NdaStatus::Approved] {
        let ids = ndas::of_deleted_user(tx, user, status).await?;
        end::expire(tx, &origin, &ids, status, now).await?;
    }
    let own = pitches::of_deleted_user(tx, user).await?;
    removal::with_account(tx, &own, now).await?;
    ndas::forget_messages(tx, user).await?;
    for target in follows::forget_follower(tx, user).await? {
        following::tell(tx, user, target).await?;
    }
    for follower in follows::forget_target(tx, Target::User(user)).await? {
        following::tell(tx, follower, Target::User(user)).await?;
    }
    reports::forget(tx, user).await?;
    share_links::forget(tx, user).await?;
    policies::forget(tx, user).await?;
    readings::forget(tx, user).await?;
    investments::forget(tx, user).await?;
    let mut liked = likes::forget(tx, user).await?;
    let commented = comments::forget(tx, user).await?;
    // Pitches are locked in the order of their ids, as by everybody.
    liked.sort_unstable();
    for pitch in liked {
        if let Some(owner) = pitches::owner(tx, PitchId(pitch)).await? {
            let event = PitchUnliked { pitch_id: PitchId(pitch), owner_id: owner, user_id: user };
            pitchey_bus::outbox::append(tx, &event)?;
        }
        pitches::count(tx, pitch, Count::Likes, -1).await?;
    }
    for (pitch, count) in commented {
        pitches::count(tx, pitch, Count::Comments, -count).await?;
    }
    Ok(())
}
