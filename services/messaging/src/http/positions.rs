//! How far somebody has read, and who types.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_events::{ConversationId, MessageId};
use pitchey_web::{Actor, Answer, Command, PathId, Refusal};
use serde::{Deserialize, Serialize};

use super::messages::Nothing;
use super::private;
use crate::error::Error;
use crate::ops::{Act, audience, positions, typing as typings};
use crate::state::AppState;
use crate::store::{conversations, messages};

/// How much there is to read.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unread {
    unread_count: i64,
    /// By conversation, those with something; exact up to 1,000 each.
    by_conversation: BTreeMap<String, i64>,
}

/// Up to where.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct UpTo {
    /// A message; without one, everything.
    up_to: Option<i64>,
}

/// Whether somebody types.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[garde(allow_unvalidated)]
pub struct Typing {
    /// `false` when it is over; true without.
    typing: Option<bool>,
}

/// How much the caller has to read.
#[utoipa::path(tag = "messages", responses((status = 200, body = Unread)))]
#[get("/api/messages/unread-count")]
pub async fn unread(state: Data<AppState>, actor: Actor) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let counts = conversations::unread(&mut tx, actor.id).await?;
    let unread_count = counts.iter().map(|(_, count)| count).sum();
    let by_conversation = counts.into_iter().map(|(id, count)| (id.to_string(), count)).collect();
    Ok(private(&Unread { unread_count, by_conversation }))
}

/// Marks a message, and all before it, as read.
#[utoipa::path(tag = "messages", params(("id" = i64, Path)), responses((status = 200)))]
#[post("/api/messages/{id}/read")]
pub async fn read_message(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<MessageId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let message = messages::find(&mut tx, id).await?;
    tx.commit().await?;
    let conversation = message.ok_or(Refusal::NotFound)?.conversation();
    mark(&state, &actor, conversation, Some(id), command).await
}

/// Marks a conversation as read, up to a message or all of it.
#[utoipa::path(tag = "messages", params(("id" = i32, Path)), request_body = UpTo, responses((status = 200)))]
#[post("/api/conversations/{id}/read")]
pub async fn read_all(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<ConversationId>,
    command: Command<UpTo>,
) -> Result<HttpResponse, Error> {
    let up_to = command.input.up_to.map(MessageId);
    mark(&state, &actor, id, up_to, command).await
}

async fn mark<T>(
    state: &AppState,
    actor: &Actor,
    conversation: ConversationId,
    up_to: Option<MessageId>,
    command: Command<T>,
) -> Result<HttpResponse, Error> {
    let audience = audience::around_if_known(state, actor, conversation).await;
    let act = Act::new(state, actor);
    let mut told = Vec::new();
    let answer = command.run(&state.databases.user, async |tx, _| {
        let read = positions::read(tx, &act, conversation, up_to, &audience?).await?;
        told = read.told;
        let text = if read.repeated { "This was read before." } else { "Marked as read." };
        let answer = Answer::ok(text).with("conversationId", &conversation);
        Ok::<_, Error>(answer.with("upTo", &read.up_to.map(|message| message.id)))
    });
    let answer = answer.await;
    state.hub.wake(&told);
    answer
}

/// Shows the others that the caller types, for six seconds.
#[utoipa::path(tag = "messages", params(("id" = i32, Path)), request_body = Typing, responses((status = 200)))]
#[post("/api/conversations/{id}/typing")]
pub async fn typing(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<ConversationId>,
    command: Command<Typing>,
) -> Result<HttpResponse, Error> {
    let typing = command.input.typing.unwrap_or(true);
    let audience = audience::around(&state, &actor, id).await;
    let act = Act::new(&state, &actor);
    let answer = command.run(&state.databases.user, async |tx, _| {
        typings::note(tx, &act, id, typing, &audience?.1).await?;
        Ok::<_, Error>(Answer::ok("Noted.").with("typing", &typing))
    });
    answer.await
}
