//! Writing, changing and taking back messages.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, post, put};
use garde::Validate;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, MessageId, UserId};
use pitchey_web::{Actor, Answer, Command, FieldError, PathId, Refusal};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::input::{LONGEST, MessageInput, text};
use crate::ops::open::Place;
use crate::ops::send::{Outgoing, Sent};
use crate::ops::{Act, Said, audience, edit as changing, open, reading, send as sending};
use crate::state::AppState;
use crate::store::{conversations, messages as store};
use crate::view::{self, Reader};

/// A message to somebody.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Send {
    /// To whom: the conversation with this user, which is opened if there is none.
    #[garde(skip)]
    receiver_id: i32,
    #[serde(flatten)]
    #[garde(dive)]
    message: MessageInput,
}

/// Another text.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Edit {
    /// 1 to 5,000 characters.
    #[garde(custom(text(LONGEST)))]
    content: Option<String>,
}

/// What a write of a message answers.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageWritten {
    message: String,
    message_data: view::Message,
}

/// Writes to somebody. The first message opens the conversation, which may cost credits.
#[utoipa::path(tag = "messages", request_body = Send, responses((status = 201, body = MessageWritten)))]
#[post("/api/messages/send")]
pub async fn send(
    state: Data<AppState>,
    actor: Actor,
    command: Command<Send>,
) -> Result<HttpResponse, Error> {
    let other = UserId(command.input.receiver_id);
    let outgoing = command.input.message.clone().outgoing();
    let prepared = prepare(&state, &actor, other, outgoing).await;
    let act = Act::new(&state, &actor);
    let mut told = Vec::new();
    let write = async |tx: &mut Tx, _| {
        let (place, outgoing) = prepared?;
        let conversation = match &place {
            Place::There(conversation, _) => conversation.id(),
            Place::Cleared { hold, .. } => open::direct(tx, &act, other, None, *hold).await?.0.id(),
        };
        let sent = sending::send(tx, &act, conversation, place.audience(), &outgoing).await?;
        Ok::<_, Error>(answer(&act, sent, &mut told))
    };
    let answer = command.run_restoring(&state.databases.user, write, restoring(&act)).await;
    state.hub.wake(&told);
    answer
}

async fn prepare(
    state: &AppState,
    actor: &Actor,
    other: UserId,
    outgoing: Result<Outgoing, Refusal>,
) -> Result<(Place, Outgoing), Error> {
    let outgoing = outgoing?;
    audience::knows_pitch(state, actor, outgoing.pitch).await?;
    Ok((open::place(state, actor, other).await?, outgoing))
}

/// Writes to a conversation.
#[utoipa::path(tag = "messages", params(("id" = i32, Path)), request_body = MessageInput, responses((status = 201, body = MessageWritten)))]
#[post("/api/conversations/{id}/messages")]
pub async fn post(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<ConversationId>,
    command: Command<MessageInput>,
) -> Result<HttpResponse, Error> {
    let prepared = async {
        let outgoing = command.input.clone().outgoing()?;
        let (_, audience) = audience::around(&state, &actor, id).await?;
        audience::knows_pitch(&state, &actor, outgoing.pitch).await?;
        Ok::<_, Error>((audience, outgoing))
    };
    let prepared = prepared.await;
    let act = Act::new(&state, &actor);
    let mut told = Vec::new();
    let write = async |tx: &mut Tx, _| {
        let (audience, outgoing) = prepared?;
        let sent = sending::send(tx, &act, id, &audience, &outgoing).await?;
        Ok::<_, Error>(answer(&act, sent, &mut told))
    };
    let answer = command.run_restoring(&state.databases.user, write, restoring(&act)).await;
    state.hub.wake(&told);
    answer
}

fn answer(act: &Act<'_>, sent: Sent, told: &mut Vec<UserId>) -> Answer {
    let pair = sent.conversation.user_low_id.zip(sent.conversation.user_high_id);
    *told = sent.told;
    shown(act, Answer::created("The message was sent."), sent.said, pair)
}

/// The key under which an answer names its message while it is kept: what was said is not to lie in the database.
const KEPT: &str = "messageId";

fn shown(act: &Act<'_>, answer: Answer, said: Said, pair: Pair) -> Answer {
    let id = said.row.id;
    answer.with("messageData", &own(act, said, pair)).keeping(KEPT, &id)
}

/// Makes the answer to a repetition of what was kept of it.
fn restoring<'a>(act: &'a Act<'a>) -> impl AsyncFnOnce(&mut Tx, Answer) -> Result<Answer, Error> + 'a {
    async move |tx: &mut Tx, mut kept: Answer| {
        let id = kept.take::<i64>(KEPT).ok_or(Refusal::NotFound)?;
        let row = store::find(tx, MessageId(id)).await?.ok_or(Refusal::NotFound)?;
        let conversation = conversations::find(tx, row.conversation()).await?.ok_or(Refusal::NotFound)?;
        let said = reading::open(tx, act.keys, vec![row]).await?.pop().ok_or(Refusal::NotFound)?;
        let pair = conversation.user_low_id.zip(conversation.user_high_id);
        Ok(kept.with("messageData", &own(act, said, pair)))
    }
}

/// An own message, as it is answered.
fn own(act: &Act<'_>, said: Said, pair: Option<(i32, i32)>) -> view::Message {
    view::Message::of(said, &Reader { user: act.actor.id, pair, up_to: 0, at: None }, None)
}

/// Changes the text of an own message, within 15 minutes.
#[utoipa::path(tag = "messages", params(("id" = i64, Path)), request_body = Edit, responses((status = 200, body = MessageWritten)))]
#[put("/api/messages/{id}")]
pub async fn edit(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<MessageId>,
    command: Command<Edit>,
) -> Result<HttpResponse, Error> {
    let content = command.input.content.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let prepared = around_message(&state, &actor, id, &content).await;
    let act = Act::new(&state, &actor);
    let mut told = Vec::new();
    let write = async |tx: &mut Tx, _| {
        let (audience, pair) = prepared?;
        let changed = changing::edit(tx, &act, id, &audience, &content).await?;
        told = changed.told;
        Ok::<_, Error>(shown(&act, Answer::ok("The message was changed."), changed.said, pair))
    };
    let answer = command.run_restoring(&state.databases.user, write, restoring(&act)).await;
    state.hub.wake(&told);
    answer
}

type Pair = Option<(i32, i32)>;

async fn around_message(
    state: &AppState,
    actor: &Actor,
    id: MessageId,
    content: &str,
) -> Result<(audience::Audience, Pair), Error> {
    if content.is_empty() {
        let missing = FieldError::new("content", "required", "This field is required.");
        return Err(Refusal::Invalid(vec![missing]).into());
    }
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = store::find(&mut tx, id).await?;
    tx.commit().await?;
    let found = found.ok_or(Refusal::NotFound)?;
    let (conversation, audience) = audience::around(state, actor, found.conversation()).await?;
    Ok((audience, conversation.user_low_id.zip(conversation.user_high_id)))
}

/// Takes an own message back; a tombstone stays.
#[utoipa::path(tag = "messages", params(("id" = i64, Path)), responses((status = 200, body = MessageWritten)))]
#[delete("/api/messages/{id}")]
pub async fn delete(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<MessageId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act::new(&state, &actor);
    let mut told = Vec::new();
    let answer = command.run(&state.databases.user, async |tx, _| {
        let changed = changing::delete(tx, &act, id).await?;
        told = changed.told;
        let text =
            if changed.repeated { "The message was deleted before." } else { "The message was deleted." };
        Ok::<_, Error>(Answer::ok(text).with("messageData", &own(&act, changed.said, None)))
    });
    let answer = answer.await;
    state.hub.wake(&told);
    answer
}

/// No input.
#[derive(Clone, Copy, Debug, Default, Deserialize, Validate)]
pub struct Nothing {}
