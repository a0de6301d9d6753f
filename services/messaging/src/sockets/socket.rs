//! One socket: what comes out of its queue goes to the client, and both sides prove that they are there.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, Session};
use futures_util::StreamExt;
use pitchey_events::UserId;

use super::line::{End, Opened};
use crate::state::AppState;
use crate::store;

/// How long a client may take to take its close frame.
const PATIENCE: Duration = Duration::from_secs(1);
/// Messages from a client in ten seconds: it has nothing to say here but that it is alive.
const CHATTER: u32 = 100;

/// A place among the user's five, given back when dropped.
pub struct Place {
    pub state: AppState,
    pub user: UserId,
    pub slot: i16,
}

impl Drop for Place {
    fn drop(&mut self) {
        let (state, place) = (self.state.clone(), (self.user, self.slot));
        self.state.runtime.spawn(async move {
            let leaving = async {
                let _turn = state.turnstile.go().await;
                let mut tx = state.databases.system.begin().await?;
                store::sockets::leave_places(&mut tx, &[place], state.hub.replica()).await?;
                Ok::<_, crate::error::Error>(tx.commit().await?)
            };
            if let Err(error) = leaving.await {
                tracing::warn!(%error, "a place stays taken while this replica runs");
            }
        });
    }
}

/// Serves the socket until either side ends it.
pub async fn serve(place: Place, opened: Opened, session: Session, stream: MessageStream) {
    let (hub, user, id) = (place.state.hub.clone(), place.user, opened.id);
    let end = talk(&place, opened, session.clone(), stream).await;
    hub.close(user, id);
    if let Some(end) = end {
        let (code, words) = end.told();
        let reason = CloseReason { code: CloseCode::from(code), description: Some(words.to_owned()) };
        let _ = tokio::time::timeout(PATIENCE, session.close(Some(reason))).await;
        tracing::debug!(%user, ?end, "closed a socket");
    }
}

/// Why this side ends it; `None`: the client did.
async fn talk(
    place: &Place,
    mut opened: Opened,
    mut session: Session,
    mut stream: MessageStream,
) -> Option<End> {
    let (hub, user) = (&place.state.hub, place.user);
    let heartbeat = hub.heartbeat();
    let mut beats = tokio::time::interval_at(tokio::time::Instant::now() + heartbeat, heartbeat);
    let (mut heard, mut window, mut chatter) = (Instant::now(), Instant::now(), 0);
    loop {
        tokio::select! {
            biased;
            end = opened.line.ended() => return Some(end),
            _ = beats.tick() => {
                if heard.elapsed() > heartbeat * 2 {
                    return Some(End::Silent);
                }
                let ping = session.ping(b"");
                tokio::select! { sent = ping => sent.ok()?, end = opened.line.ended() => return Some(end) }
            }
            frame = opened.queue.recv() => {
                let text = session.text(frame?);
                tokio::select! { sent = text => sent.ok()?, end = opened.line.ended() => return Some(end) }
                if opened.line.take_stalled() {
                    hub.wake(&[user]);
                }
            }
            message = stream.next() => {
                heard = Instant::now();
                if window.elapsed() > Duration::from_secs(10) {
                    (window, chatter) = (heard, 0);
                }
                chatter += 1;
                if chatter > CHATTER {
                    return Some(End::Flood);
                }
                match message {
                    Some(Ok(Message::Ping(bytes))) => pong(&mut session, &bytes).await?,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    // Clients write by HTTP; here they only show that they live.
                    Some(Ok(_)) => {}
                }
            }
        }
    }
}

async fn pong(session: &mut Session, bytes: &Bytes) -> Option<()> {
    session.pong(bytes).await.ok()
}
