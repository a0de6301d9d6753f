//! Asks accounts, again and again, whether the sessions behind the sockets live, and who has a block with whom. What was said is trusted for 900 ms;
//! without an answer, frames wait. So a revocation, a ban and a block hold within a second, with or without a broker.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pitchey_events::SessionId;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// Sessions in one question.
const AT_ONCE: usize = 500;

pub async fn run(state: AppState, every: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! { () = stop.cancelled() => return, _ = ticks.tick() => {} }
        let sessions = state.hub.sessions();
        join_all(sessions.chunks(AT_ONCE).map(|sessions| check(&state, sessions))).await;
    }
}

async fn check(state: &AppState, sessions: &[SessionId]) {
    let asked = Instant::now();
    match state.accounts.live_sessions(sessions).await {
        Ok(found) => state.hub.renew(asked, &sessions.iter().copied().collect::<HashSet<_>>(), &found),
        Err(error) => tracing::debug!(%error, "sockets wait for accounts"),
    }
}
