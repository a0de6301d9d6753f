//! What time does. Two replicas may do it at once: what one has done the other does not find.

use pitchey_events::{ConversationId, UserId};

use crate::error::Error;
use crate::state::AppState;
use crate::store::{conversations, frames, participants, sockets, typing};

/// Memberships ended at a time.
const BATCH: i64 = 100;

/// Ends memberships whose NDA has run out. Returns how many. Opens and ends its own transactions.
pub async fn end_memberships(state: &AppState) -> Result<usize, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.system.begin().await?;
    let overdue = participants::overdue(&mut tx, now, BATCH).await?;
    let mut ended = 0;
    for (conversation, user) in overdue {
        let conversation = ConversationId(conversation);
        conversations::lock(&mut tx, conversation).await?;
        ended += usize::from(participants::end(&mut tx, conversation, UserId(user), now).await?);
    }
    tx.commit().await?;
    Ok(ended)
}

/// Forgets what nobody needs any more: old frames, unused tickets, lost replicas, old indicators. Opens and ends its own transactions.
pub async fn tidy(state: &AppState) -> Result<i64, Error> {
    let now = state.clock.now();
    let mut forgotten = 0;
    loop {
        let mut tx = state.databases.system.begin().await?;
        let frames = frames::forget_old(&mut tx, now).await?;
        tx.commit().await?;
        forgotten += frames;
        if frames == 0 {
            break;
        }
    }
    let mut tx = state.databases.system.begin().await?;
    forgotten += sockets::forget_old(&mut tx, now).await?;
    forgotten += typing::forget(&mut tx, None, now).await?;
    tx.commit().await?;
    Ok(i64::try_from(forgotten).unwrap_or(i64::MAX))
}
