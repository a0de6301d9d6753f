//! One pitch: reading, writing, moving through its life.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post, put};
use garde::Validate;
use pitchey_events::{PitchId, ViewSource};
use pitchey_web::{Actor, Answer, Command, Origin, PathId, Refusal, ValidatedQuery};
use serde::{Deserialize, Serialize};

use super::extract::{IfMatch, Viewer, private, public as for_all};
use crate::error::Error;
use crate::input::PitchInput;
use crate::ops::lifecycle::{self, Move};
use crate::ops::reading::{self, Reading};
use crate::ops::{Act, promotion, removal, writing};
use crate::projection::{Access, Pitch, Viewer as Looker, project};
use crate::state::AppState;
use crate::store::pitches::{Card, Protected};
use crate::views;

/// What a write of a pitch answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PitchWritten {
    message: String,
    pitch: Pitch,
}

/// Put away or back.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Archive {
    /// True puts it away, false takes it back to where it was.
    #[garde(skip)]
    archived: bool,
}

/// Nothing needs to be said.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
pub struct Nothing {}

/// How somebody came here.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::IntoParams)]
pub struct Way {
    /// What stood in a shared link, which is counted as opened.
    #[garde(skip)]
    share: Option<String>,
    /// What led here, as `search`, `feed`, `trending`; for the owner's statistics.
    #[garde(skip)]
    source: Option<String>,
}

impl Way {
    /// Has it counted that `viewer` was shown `pitch`.
    fn note(&self, state: &AppState, pitch: &Pitch, viewer: &Looker, origin: &Origin, protected: bool) {
        let read = |token| state.share_tokens.read(PitchId(pitch.id()), token, state.clock.now());
        let link = self.share.as_deref().and_then(read);
        let source = match (&link, self.source.as_deref()) {
            (Some(_), _) => ViewSource::Share,
            (None, Some(word)) => word.parse().unwrap_or(ViewSource::Other),
            (None, None) => ViewSource::Direct,
        };
        if let Some(link) = link {
            state.opens.note(link);
        }
        views::note(state, pitch, viewer, origin, protected, source);
    }
}

/// The public part of a published pitch, whoever asks.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), Way), responses((status = 200, body = Pitch)))]
#[get("/api/pitches/public/{id}")]
pub async fn public(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    ValidatedQuery(way): ValidatedQuery<Way>,
) -> Result<HttpResponse, Error> {
    let pitch = anonymous(&state, id).await?;
    way.note(&state, &pitch, &viewer, &origin, false);
    Ok(for_all(&pitch))
}

async fn anonymous(state: &AppState, id: PitchId) -> Result<Pitch, Error> {
    // Boxed: the cache holds what it is given several times over.
    let load = Box::pin(async {
        let mut tx = state.databases.user.begin(None).await?;
        let pitch = reading::public(&mut tx, id, state.clock.now()).await?;
        drop(tx);
        let owner = state.users.one(pitch.user_id().into()).await;
        Ok(pitch.with_owner(owner))
    });
    state.public.pitch(id, load).await
}

/// A pitch: its public part, and its protected part for whom it is open.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("X-Access-Reason" = Option<String>, Header), Way), responses((status = 200, body = Pitch)))]
#[get("/api/pitches/{id}")]
pub async fn get(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    ValidatedQuery(way): ValidatedQuery<Way>,
) -> Result<HttpResponse, Error> {
    let Some(actor) = &viewer.actor else {
        let pitch = anonymous(&state, id).await?;
        way.note(&state, &pitch, &viewer, &origin, false);
        return Ok(for_all(&pitch));
    };
    let reading = Reading { viewer: &viewer, origin: &origin, now: state.clock.now() };
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let found = reading::detail(&mut tx, &reading, id).await?;
    tx.commit().await?;
    let (pitch, access) = found.ok_or(Refusal::NotFound)?;
    way.note(&state, &pitch, &viewer, &origin, matches!(access, Access::Signer { .. }));
    let owner = state.users.one(pitch.user_id().into()).await;
    let linked = pitch.linked(|id| state.links.make(id, actor, reading.now).url);
    Ok(private(&linked.with_owner(owner)))
}

/// A new draft.
#[utoipa::path(tag = "pitches", request_body = PitchInput, responses((status = 201, body = PitchWritten)))]
#[post("/api/pitches")]
pub async fn create(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<PitchInput>,
) -> Result<HttpResponse, Error> {
    let writer = Writer::new(&state, &actor, &origin).await;
    let answer = command.run(&state.databases.user, async |tx, input| {
        let written = writing::create(tx, &writer.act(), &input).await?;
        Ok::<_, Error>(writer.answer(Answer::created("The pitch was created."), written))
    });
    Ok(unkept(answer.await?))
}

/// Merges the given keys; null clears.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("If-Match" = Option<String>, Header)), request_body = PitchInput, responses((status = 200, body = PitchWritten)))]
#[put("/api/pitches/{id}")]
pub async fn edit(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    IfMatch(version): IfMatch,
    command: Command<PitchInput>,
) -> Result<HttpResponse, Error> {
    let writer = Writer::new(&state, &actor, &origin).await;
    let answer = command.run(&state.databases.user, async |tx, input| {
        let written = writing::edit(tx, &writer.act(), id, &input, version).await?;
        Ok::<_, Error>(writer.answer(Answer::ok("The pitch was saved."), written))
    });
    let answer = answer.await?;
    state.public.forget(id).await;
    Ok(unkept(answer))
}

/// Archives, or takes back from the archive.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), request_body = Archive, responses((status = 200, body = PitchWritten)))]
#[patch("/api/pitches/{id}")]
pub async fn archive(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Archive>,
) -> Result<HttpResponse, Error> {
    let (to, message) = if command.input.archived {
        (Move::Archive, "The pitch was archived.")
    } else {
        (Move::Restore, "The pitch was taken from the archive.")
    };
    go(&state, &actor, &origin, id, to, message, command).await
}

/// Makes it public.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200, body = PitchWritten)))]
#[post("/api/pitches/{id}/publish")]
pub async fn publish(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    go(&state, &actor, &origin, id, Move::Publish, "The pitch was published.", command).await
}

/// Back to a draft. Signed NDAs keep their access.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200, body = PitchWritten)))]
#[post("/api/pitches/{id}/unpublish")]
pub async fn unpublish(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    go(&state, &actor, &origin, id, Move::Unpublish, "The pitch is a draft again.", command).await
}

/// Takes it from view.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200, body = PitchWritten)))]
#[post("/api/pitches/{id}/hide")]
pub async fn hide(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    go(&state, &actor, &origin, id, Move::Hide, "The pitch is hidden.", command).await
}

/// Shows it among the featured for a week, for credits. While that lasts, it is the answer to the next.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200, body = PitchWritten)))]
#[post("/api/pitches/{id}/promote")]
pub async fn promote(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let writer = Writer::new(&state, &actor, &origin).await;
    let prepared = promotion::prepare(&state, &writer.act(), id).await;
    let answer = command.run(&state.databases.user, async |tx, _| {
        let (written, new) = promotion::promote(tx, &writer.act(), id, prepared?).await?;
        let text = if new { "The pitch is promoted." } else { "The pitch was promoted before." };
        Ok::<_, Error>(writer.answer(Answer::ok(text), written))
    });
    let answer = answer.await?;
    state.public.forget(id).await;
    Ok(unkept(answer))
}

/// Deletes it; if it was ever published, a tombstone stays.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200)))]
#[delete("/api/pitches/{id}")]
pub async fn delete(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        removal::delete(tx, &act, &[id.0]).await?;
        Ok::<_, Error>(Answer::ok("The pitch was deleted."))
    });
    let answer = answer.await?;
    state.public.forget(id).await;
    Ok(answer)
}

async fn go<T>(
    state: &AppState,
    actor: &Actor,
    origin: &Origin,
    id: PitchId,
    to: Move,
    message: &str,
    command: Command<T>,
) -> Result<HttpResponse, Error> {
    let writer = Writer::new(state, actor, origin).await;
    let paid = lifecycle::prepare(state, &writer.act(), id, to).await;
    let answer = command.run(&state.databases.user, async |tx, _| {
        let written = lifecycle::go(tx, &writer.act(), id, to, paid?).await?;
        Ok::<_, Error>(writer.answer(Answer::ok(message), written))
    });
    let answer = answer.await?;
    state.public.forget(id).await;
    Ok(unkept(answer))
}

/// The owner at work, with what the answer needs to know.
struct Writer<'a> {
    actor: &'a Actor,
    origin: &'a Origin,
    now: chrono::DateTime<chrono::Utc>,
    user: Option<pitchey_rpc::PublicUser>,
}

impl<'a> Writer<'a> {
    async fn new(state: &AppState, actor: &'a Actor, origin: &'a Origin) -> Self {
        Self { actor, origin, now: state.clock.now(), user: state.users.one(actor.id).await }
    }

    fn act(&self) -> Act<'_> {
        Act { actor: self.actor, origin: self.origin, now: self.now }
    }

    fn answer(&self, answer: Answer, (card, protected): (Card, Protected)) -> Answer {
        let viewer = Looker { actor: Some(self.actor.0.clone()), reason: None };
        let pitch = project(card, Some(protected), &viewer, &Access::Owner, &[], self.now);
        answer.with("pitch", &pitch.with_owner(self.user.clone()))
    }
}

/// Marks an answer that holds protected text.
fn unkept(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}
