//! Brings frames from the database to the sockets: those of users somebody has woken, and once a second those that nobody was heard of.

use std::collections::HashMap;
use std::time::Duration;

use pitchey_events::UserId;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::frame::{self, Shown};
use crate::error::Error;
use crate::keys::Keyring;
use crate::state::AppState;
use crate::store::frames::Frame;
use crate::store::{frames, keys};

/// How often numbers are compared, whatever was heard: this net works without a broker.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Users in one round.
const USERS: usize = 200;
/// Frames of one user in one round.
const FRAMES: i64 = 100;
/// After a failure.
const PAUSE: Duration = Duration::from_millis(200);

pub async fn run(state: AppState, stop: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = state.hub.rung() => {}
            _ = looks.tick() => {
                if let Err(error) = look(&state).await {
                    tracing::warn!(%error, "could not look for frames");
                }
            }
        }
        loop {
            let batch = state.hub.batch(USERS);
            if batch.is_empty() {
                break;
            }
            if let Err(error) = bring(&state, &batch).await {
                tracing::warn!(%error, "frames are late");
                tokio::time::sleep(PAUSE).await;
                state.hub.wake(&batch.iter().map(|(user, ..)| *user).collect::<Vec<_>>());
                break;
            }
        }
    }
}

/// Wakes who has frames that were not brought.
async fn look(state: &AppState) -> Result<(), Error> {
    let cursors = state.hub.cursors();
    if cursors.is_empty() {
        return Ok(());
    }
    let users: Vec<i32> = cursors.keys().copied().collect();
    let mut tx = state.databases.system.begin().await?;
    let newest = frames::newest(&mut tx, &users).await?;
    tx.commit().await?;
    let behind =
        newest.into_iter().filter(|(user, seq)| cursors.get(user).is_some_and(|cursor| cursor < seq));
    state.hub.wake(&behind.map(|(user, _)| UserId(user)).collect::<Vec<_>>());
    Ok(())
}

async fn bring(state: &AppState, batch: &[(UserId, i64, i64)]) -> Result<(), Error> {
    let mut tx = state.databases.system.begin().await?;
    tx.plan_once();
    let batch: Vec<_> = batch.iter().map(|&(user, seen, room)| (user, seen, room.min(FRAMES))).collect();
    let rows = frames::after(&mut tx, &batch).await?;
    let rings = rings(&mut tx, state, &rows).await?;
    tx.commit().await?;
    metrics::counter!("sockets_frames_total").increment(rows.len() as u64);
    let mut by_user: HashMap<i32, Vec<Shown>> = HashMap::new();
    for row in rows {
        let user = row.user_id;
        let (frame, delivered) = frame::render(row, &rings)?;
        let text = serde_json::to_string(&frame)?.into();
        by_user.entry(user).or_default().push(Shown { seq: frame.seq, text, delivered });
    }
    for (user, from, most) in batch {
        let Some(shown) = by_user.remove(&user.0) else { continue };
        let more = i64::try_from(shown.len()).unwrap_or(i64::MAX) >= most;
        state.hub.deliver(user, from, &shown);
        if more {
            state.hub.wake(&[user]);
        }
    }
    Ok(())
}

/// The keys of the conversations that `rows` tell of.
pub async fn rings(
    tx: &mut pitchey_db::Tx,
    state: &AppState,
    rows: &[Frame],
) -> Result<HashMap<i32, Keyring>, Error> {
    let sealed = rows.iter().filter(|row| row.encrypted_content.is_some());
    let mut conversations: Vec<i32> = sealed.filter_map(|row| row.conversation_id).collect();
    conversations.sort_unstable();
    conversations.dedup();
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    state.keys.unwrap_all(&keys::of(tx, &conversations).await?)
}
