//! What is left of a user who is gone: tombstones in other people's conversations.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_events::{ConversationId, UserId};

use crate::error::Error;
use crate::store::{conversations, frames, messages, participants, sockets, typing};

/// Ends all memberships, erases everything that the user said, and forgets the rest.
pub async fn erase(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    for id in participants::active_of(tx, user).await? {
        let id = ConversationId(id);
        conversations::lock(tx, id).await?;
        participants::end(tx, id, user, now).await?;
    }
    messages::bury_all(tx, user, now).await?;
    typing::forget(tx, Some(user), now).await?;
    frames::forget(tx, user).await?;
    sockets::forget(tx, user).await?;
    Ok(())
}
