//! Who gets a socket. Whose a ticket is isn't known before it is found, and places are counted over all replicas: this runs as the system, in
//! transactions of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use pitchey_events::{SessionId, UserId};
use pitchey_web::Actor;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::sockets::Place;
use crate::state::AppState;
use crate::store::{frames, sockets as store};

/// How long a ticket is good.
const TICKET: TimeDelta = TimeDelta::seconds(60);

/// A ticket for one socket of `actor`, and until when it is good.
pub async fn ticket(state: &AppState, actor: &Actor) -> Result<(String, DateTime<Utc>), Error> {
    let ticket = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    let expires_at = state.clock.now() + TICKET;
    let mut tx = state.databases.system.begin().await?;
    store::keep_ticket(&mut tx, &digest(&ticket), actor.id, actor.session_id, expires_at).await?;
    tx.commit().await?;
    Ok((ticket, expires_at))
}

/// Whose `ticket` it is. It is used up.
pub async fn redeem(state: &AppState, ticket: &str) -> Result<(UserId, SessionId), Error> {
    let mut tx = state.databases.system.begin().await?;
    let used = store::use_ticket(&mut tx, &digest(ticket), state.clock.now()).await?;
    tx.commit().await?;
    used.ok_or(Error::TicketInvalid)
}

fn digest(ticket: &str) -> String {
    let digest = Sha256::digest(ticket.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One of the user's five places, with (the newest number, whether everything after `since` is there).
pub async fn place(
    state: &AppState,
    user: UserId,
    session: SessionId,
    since: Option<i64>,
) -> Result<(Place, i64, bool), Error> {
    let mut tx = state.databases.system.begin().await?;
    let slot = store::take_place(&mut tx, user, session, state.hub.replica()).await?;
    let slot = slot.ok_or(Error::TooManySockets)?;
    let (newest, whole) = frames::standing(&mut tx, user, since.unwrap_or(0)).await?;
    tx.commit().await?;
    Ok((Place { state: state.clone(), user, slot }, newest, since.is_none() || whole))
}
