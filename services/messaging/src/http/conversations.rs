//! Conversations: list, detail, opening, members, archive.

use std::collections::HashMap;

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_db::Tx;
use pitchey_events::{ConversationId, HoldKey, PitchId, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Answer, Command, FieldError, Listed, Paging, PathId, Refusal, ValidatedQuery};
use serde::{Deserialize, Serialize};

use super::private;
use crate::error::Error;
use crate::input::text;
use crate::ops::open::Place;
use crate::ops::reading::{self, Overview};
use crate::ops::{Act, archive as archiving, audience, members as membership, open as opening};
use crate::state::AppState;
use crate::store::receipts::Delivered;
use crate::view::{Conversation, Message};
use crate::words::ConversationType;

/// Which part of the list.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Which {
    /// true: those that the caller has put away; false without.
    archived: Option<bool>,
}

/// Which part of the history.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
#[garde(allow_unvalidated)]
pub struct Before {
    /// Messages before this one: `meta.nextCursor` of the page before.
    before: Option<i64>,
}

/// Whom to talk to, and about what.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Open {
    /// The others.
    #[serde(default)]
    participant_ids: Vec<i32>,
    /// direct (for one other), group, or pitch_discussion; by the number of participants without.
    #[serde(rename = "type")]
    kind: Option<ConversationType>,
    #[garde(custom(text(255)))]
    title: Option<String>,
    pitch_id: Option<i32>,
}

/// Who comes and who goes.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Members {
    /// Joins.
    #[serde(default, alias = "participantIds")]
    user_ids: Vec<i32>,
    /// Leaves.
    #[serde(default)]
    remove: Vec<i32>,
}

/// Put away, or taken back.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[garde(allow_unvalidated)]
pub struct Archive {
    /// true without.
    archived: Option<bool>,
}

/// A conversation with a page of its messages, newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Page {
    conversation: Conversation,
    messages: Vec<Message>,
    meta: PageMeta,
}

/// How to go on.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageMeta {
    limit: i64,
    has_next: bool,
    /// Pass it as `before`.
    next_cursor: Option<String>,
}

/// What a write of a conversation answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ConversationWritten {
    message: String,
    conversation: Conversation,
}

/// The caller's conversations, the last moved first.
#[utoipa::path(tag = "messages", params(Which, ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Conversation>)))]
#[get("/api/messages/conversations")]
pub async fn list(
    state: Data<AppState>,
    actor: Actor,
    ValidatedQuery(which): ValidatedQuery<Which>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let archived = which.archived.unwrap_or(false);
    let page = reading::list(&mut tx, &state.keys, actor.id, archived, &paging).await?;
    tx.commit().await?;
    let ids = page.data.iter().flat_map(|one| one.members.iter().map(|member| member.user()));
    let users = state.users.find(ids).await;
    Ok(private(&page.map(|one| Conversation::of(one, actor.id, &users))))
}

/// One conversation with its newest messages, or those before `before`.
#[utoipa::path(tag = "messages", params(("id" = i32, Path), Before, ("limit" = Option<i64>, Query)), responses((status = 200, body = Page)))]
#[get("/api/conversations/{id}")]
pub async fn get(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<ConversationId>,
    ValidatedQuery(Before { before }): ValidatedQuery<Before>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let page = reading::page(&mut tx, &state.keys, actor.id, id, before, paging.limit).await?;
    let times = reading::read_times(&mut tx, actor.id, &page.messages).await?;
    tx.commit().await?;
    note_delivered(&state, actor.id, &page);
    let reader = page.overview.reader(actor.id);
    let messages = page.messages.into_iter().map(|said| {
        let at = times.get(&said.row.id).copied();
        Message::of(said, &reader, at)
    });
    let messages = messages.collect();
    let conversation = show(&state, &actor, page.overview).await;
    let meta = PageMeta {
        limit: paging.limit,
        has_next: page.next.is_some(),
        next_cursor: page.next.map(|id| id.to_string()),
    };
    Ok(private(&Page { conversation, messages, meta }))
}

/// What is shown for the first time has been delivered.
fn note_delivered(state: &AppState, user: UserId, page: &reading::Page) {
    let mine = page.overview.members.iter().find(|member| member.user() == user && member.is_active);
    let Some(mine) = mine else { return };
    let delivered = mine.last_delivered_message_id.unwrap_or(0);
    let news = page.messages.iter().filter(|said| said.row.id > delivered && said.row.sender() != user);
    state.hub.note_delivered(news.map(|said| {
        let row = &said.row;
        let one = Delivered { conversation: row.conversation(), user, message: row.id, sender: row.sender() };
        // Whether there is a block is not known here: nobody is told.
        (one, true)
    }));
}

async fn show(state: &AppState, actor: &Actor, overview: Overview) -> Conversation {
    let users = state.users.find(overview.members.iter().map(|member| member.user())).await;
    Conversation::of(overview, actor.id, &users)
}

/// What other services said before a conversation is opened.
enum Prepared {
    Direct(UserId, Place),
    Group(Vec<UserId>, Option<HoldKey>),
    Discussion(Option<UserId>),
}

/// Opens a conversation, which may cost credits; the one that there is already is the answer to its repetition.
#[utoipa::path(tag = "messages", request_body = Open, responses((status = 201, body = ConversationWritten), (status = 200, body = ConversationWritten)))]
#[post("/api/conversations")]
pub async fn open(
    state: Data<AppState>,
    actor: Actor,
    command: Command<Open>,
) -> Result<HttpResponse, Error> {
    let prepared = prepare(&state, &actor, &command.input).await;
    let act = Act::new(&state, &actor);
    let mut told = Vec::new();
    let users = state.users.find(all(&actor, &command.input)).await;
    let write = async |tx: &mut Tx, input: Open| {
        act.may_write()?;
        let pitch = input.pitch_id.map(PitchId);
        let (conversation, new) = match prepared? {
            Prepared::Direct(_, Place::There(conversation, _)) => (conversation, false),
            Prepared::Direct(other, Place::Cleared { hold, .. }) => {
                opening::direct(tx, &act, other, pitch, hold).await?
            }
            Prepared::Group(others, hold) => {
                let title = input.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
                (opening::new_group(tx, &act, &others, title, pitch, hold).await?, true)
            }
            Prepared::Discussion(other) => (opening::discussion(tx, &act, pitch, other).await?, false),
        };
        if new {
            told = opening::greet(tx, &act, &conversation).await?;
        }
        let overview = reading::one(tx, act.keys, act.actor.id, conversation.id()).await?;
        let text = if new { "The conversation was opened." } else { "There is this conversation already." };
        Ok::<_, Error>(shown(&act, Answer::created_if(new, text), overview, &users))
    };
    let answer = command.run_restoring(&state.databases.user, write, restoring(&act, &users)).await;
    state.hub.wake(&told);
    answer
}

fn all(actor: &Actor, input: &Open) -> Vec<UserId> {
    std::iter::once(actor.id).chain(opening::others(actor, &input.participant_ids)).collect()
}

async fn prepare(state: &AppState, actor: &Actor, input: &Open) -> Result<Prepared, Error> {
    let others = opening::others(actor, &input.participant_ids);
    let kind = input.kind.unwrap_or(if others.len() > 1 {
        ConversationType::Group
    } else {
        ConversationType::Direct
    });
    let wrong = |message: &str| Refusal::Invalid(vec![FieldError::new("participantIds", "invalid", message)]);
    if kind != ConversationType::PitchDiscussion {
        audience::knows_pitch(state, actor, input.pitch_id.map(PitchId)).await?;
    }
    match (kind, others.as_slice()) {
        (ConversationType::PitchDiscussion, []) => Ok(Prepared::Discussion(None)),
        (ConversationType::PitchDiscussion, [other]) => Ok(Prepared::Discussion(Some(*other))),
        (ConversationType::PitchDiscussion, _) => Err(wrong("A discussion has two members.").into()),
        (ConversationType::Direct, [other]) => {
            Ok(Prepared::Direct(*other, opening::place(state, actor, *other).await?))
        }
        (ConversationType::Direct, _) => Err(wrong("A direct conversation is with one other.").into()),
        (ConversationType::Group, []) => Err(wrong("A group has at least two members.").into()),
        (ConversationType::Group, _) => {
            opening::within_size(others.len() + 1)?;
            let hold = opening::group(state, actor, &others).await?;
            Ok(Prepared::Group(others, hold))
        }
    }
}

/// Puts a conversation away until its next message, or takes it back.
#[utoipa::path(tag = "messages", params(("id" = i32, Path)), request_body = Archive, responses((status = 200, body = ConversationWritten)))]
#[post("/api/conversations/{id}/archive")]
pub async fn archive(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<ConversationId>,
    command: Command<Archive>,
) -> Result<HttpResponse, Error> {
    let act = Act::new(&state, &actor);
    let users = known(&state, &actor, id, &[]).await?;
    let write = async |tx: &mut Tx, input: Archive| {
        let archived = input.archived.unwrap_or(true);
        archiving::archive(tx, &act, id, archived).await?;
        let overview = reading::one(tx, act.keys, act.actor.id, id).await?;
        let text = if archived { "The conversation was put away." } else { "The conversation is back." };
        Ok::<_, Error>(shown(&act, Answer::ok(text), overview, &users))
    };
    command.run_restoring(&state.databases.user, write, restoring(&act, &users)).await
}

/// Changes who is in a group: owners add and remove, everybody may leave.
#[utoipa::path(tag = "messages", params(("id" = i32, Path)), request_body = Members, responses((status = 200, body = ConversationWritten)))]
#[post("/api/conversations/{id}/participants")]
pub async fn change_members(
    state: Data<AppState>,
    actor: Actor,
    PathId(id): PathId<ConversationId>,
    command: Command<Members>,
) -> Result<HttpResponse, Error> {
    let joining = opening::others(&actor, &command.input.user_ids);
    let leaving: Vec<UserId> = command.input.remove.iter().copied().map(UserId).collect();
    let cleared = async {
        opening::within_size(joining.len() + 1)?;
        opening::may_write_to_all(&state, &actor, &joining).await
    };
    let cleared = cleared.await;
    let act = Act::new(&state, &actor);
    let users = known(&state, &actor, id, &joining).await?;
    let write = async |tx: &mut Tx, _| {
        // Whose group it is comes first: a stranger does not learn whom one may write to.
        let changed = membership::change(tx, &act, id, &joining, &leaving).await?;
        cleared?;
        let overview = reading::one(tx, act.keys, act.actor.id, changed.id()).await?;
        Ok::<_, Error>(shown(&act, Answer::ok("The members were changed."), overview, &users))
    };
    command.run_restoring(&state.databases.user, write, restoring(&act, &users)).await
}

type Users = HashMap<UserId, PublicUser>;

/// The key under which an answer names its conversation while it is kept: its last message is not to lie in the database.
const KEPT: &str = "conversationId";

fn shown(act: &Act<'_>, answer: Answer, overview: Overview, users: &Users) -> Answer {
    let id = overview.conversation.id;
    answer.with("conversation", &Conversation::of(overview, act.actor.id, users)).keeping(KEPT, &id)
}

/// Makes the answer to a repetition of what was kept of it.
fn restoring<'a>(
    act: &'a Act<'a>,
    users: &'a Users,
) -> impl AsyncFnOnce(&mut Tx, Answer) -> Result<Answer, Error> + 'a {
    async move |tx: &mut Tx, mut kept: Answer| {
        let id = kept.take::<i32>(KEPT).ok_or(Refusal::NotFound)?;
        let overview = reading::one(tx, act.keys, act.actor.id, ConversationId(id)).await?;
        Ok(kept.with("conversation", &Conversation::of(overview, act.actor.id, users)))
    }
}

/// What is known of the members of a conversation and of `more`: asked before the transaction that shows them.
async fn known(state: &AppState, actor: &Actor, id: ConversationId, more: &[UserId]) -> Result<Users, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = crate::store::participants::of(&mut tx, id).await?;
    tx.commit().await?;
    let ids = found.iter().map(|member| member.user()).chain(more.iter().copied());
    Ok(state.users.find(ids).await)
}
