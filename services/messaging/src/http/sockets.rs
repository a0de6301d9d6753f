//! Sockets, their tickets, and what to ask where there are no sockets.

use std::collections::HashSet;
use std::time::Instant;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, get};
use bytestring::ByteString;
use garde::Validate;
use pitchey_events::UserId;
use pitchey_web::{Actor, FieldError, Principal, Refusal, Timestamp, ValidatedQuery};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::private;
use crate::error::Error;
use crate::ops::sockets as op;
use crate::sockets::{self, Frame, presence, pump};
use crate::state::AppState;
use crate::store::frames;

/// Frames in one answer of the fall-back.
const POLLED: i64 = 100;
/// Longest message that is read from a socket, in bytes.
const LONGEST: usize = 4 * 1024;

/// A ticket for one socket.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Goes into `/ws?ticket=`; works once.
    ticket: String,
    #[schema(value_type = String)]
    expires_at: Timestamp,
}

/// How to open a socket.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Opening {
    /// From /api/ws/token, for who can't send a header.
    ticket: Option<String>,
    /// The last `seq` that was seen: what came after is sent first.
    since: Option<i64>,
}

/// From where on.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Since {
    /// The last `seq` that was seen; without one, nothing is sent but the newest number.
    since: Option<i64>,
}

/// Frames since the last look.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Polled {
    /// In order, at most 100.
    frames: Vec<Frame>,
    /// Number of the newest frame there is.
    last_seq: i64,
    /// What came after `since` is not there any more: read anew, and go on from `lastSeq`.
    resync: bool,
}

/// A ticket that opens a socket within a minute.
#[utoipa::path(tag = "messages", responses((status = 200, body = Ticket)))]
#[get("/api/ws/token")]
pub async fn token(state: Data<AppState>, actor: Actor) -> Result<HttpResponse, Error> {
    let (ticket, expires_at) = op::ticket(&state, &actor).await?;
    Ok(private(&Ticket { ticket, expires_at: expires_at.into() }))
}

/// A socket: frames as they come. Opened with a ticket or a bearer token.
#[utoipa::path(tag = "messages", params(Opening), responses((status = 101, description = "frames {seq, type, event, data, timestamp}")))]
#[get("/ws")]
pub async fn open(
    state: Data<AppState>,
    principal: Principal,
    ValidatedQuery(opening): ValidatedQuery<Opening>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Error> {
    let (response, session, stream) = actix_ws::handle(&request, payload).map_err(|error| {
        let wrong = FieldError::new("Upgrade", "invalid", format!("This address is a WebSocket: {error}"));
        Refusal::Invalid(vec![wrong])
    })?;
    let turn = state.turnstile.come().await?;
    let (user, session_id) = match (&opening.ticket, principal.actor()) {
        (Some(ticket), _) => op::redeem(&state, ticket).await?,
        (None, Some(actor)) => (actor.id, actor.session_id),
        (None, None) => return Err(Refusal::Unauthenticated.into()),
    };
    let asked = Instant::now();
    let found = state.accounts.live_sessions(&[session_id]).await?;
    if !found.live.contains(&session_id) {
        return Err(Refusal::Unauthenticated.into());
    }
    let blocked: HashSet<UserId> = found
        .blocks
        .iter()
        .filter_map(|(one, other)| match user {
            user if user == *one => Some(*other),
            user if user == *other => Some(*one),
            _ => None,
        })
        .collect();
    let (place, newest, whole) = op::place(&state, user, session_id, opening.since).await?;
    let since = opening.since.filter(|_| whole).unwrap_or(newest);
    let opened = state.hub.open(user, session_id, since, asked, blocked);
    let mut session = session;
    let ready = json!({ "seq": since, "type": "system", "event": "ready", "data": {
        "lastSeq": newest, "heartbeatSeconds": state.hub.heartbeat().as_secs() } });
    let first: ByteString = ready.to_string().into();
    let stream = stream.max_frame_size(LONGEST);
    actix_web::rt::spawn(async move {
        let mut greeted = session.text(first).await.is_ok();
        if !whole {
            greeted &= session.text(sockets::resync(newest)).await.is_ok();
        }
        if greeted && let Err(error) = presence::introduce(&place.state, user).await {
            tracing::warn!(%error, "a newcomer does not learn who is there");
        }
        drop(turn);
        sockets::serve(place, opened, session, stream).await;
    });
    Ok(response)
}

/// The frames after `since`, for who can't hold a socket.
#[utoipa::path(tag = "messages", params(Since), responses((status = 200, body = Polled)))]
#[get("/api/poll")]
pub async fn poll(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(Since { since }): ValidatedQuery<Since>,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (last_seq, whole) = frames::standing(&mut tx, actor.id, since.unwrap_or(0)).await?;
    let Some(since) = since.filter(|_| whole) else {
        return Ok(private(&Polled { frames: Vec::new(), last_seq, resync: since.is_some() }));
    };
    let rows = frames::after(&mut tx, &[(actor.id, since, POLLED)]).await?;
    let rings = pump::rings(&mut tx, &state, &rows).await?;
    tx.commit().await?;
    let (mut frames, mut arrived) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let (frame, delivered) = sockets::render(row, &rings)?;
        frames.push(frame);
        arrived.extend(delivered.map(|one| (one, true)));
    }
    state.hub.note_delivered(arrived);
    Ok(private(&Polled { frames, last_seq, resync: false }))
}
