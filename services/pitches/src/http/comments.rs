//! Comments.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, post, put};
use garde::Validate;
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Answer, Command, Cursor, Listed, Origin, Paging, PathId, Refusal, Timestamp};
use serde::{Deserialize, Serialize};

use super::extract::{Viewer, private};
use super::pitches::Nothing;
use crate::error::Error;
use crate::input::written;
use crate::ops::{Act, comments as op, reading};
use crate::state::AppState;
use crate::store::comments as store;

/// What somebody says about a pitch.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    id: i64,
    pitch_id: i32,
    user_id: i32,
    content: String,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
    /// Its author changed it.
    edited: bool,
    /// The author; left out while nobody can say who that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<PublicUser>,
}

impl Comment {
    fn of(row: store::Comment, user: Option<PublicUser>) -> Self {
        Self {
            id: row.id,
            pitch_id: row.pitch_id,
            user_id: row.author_id,
            content: row.content,
            created_at: row.created_at.into(),
            updated_at: row.edited_at.unwrap_or(row.created_at).into(),
            edited: row.edited_at.is_some(),
            user,
        }
    }
}

/// What to say.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Said {
    /// 1 to 2,000 characters.
    #[garde(custom(written(2_000)))]
    content: String,
}

/// What a write of a comment answers.
#[derive(Serialize, utoipa::ToSchema)]
pub struct CommentWritten {
    message: String,
    comment: Comment,
}

/// Comments on a pitch, newest first.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Comment>)))]
#[get("/api/pitches/{id}/comments")]
pub async fn list(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    PathId(id): PathId<PitchId>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let place = reading::place(&paging)?;
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    reading::visible(&mut tx, &viewer, id, state.clock.now()).await?;
    let (rows, counted) = store::of_pitch(&mut tx, id, place).await?;
    drop(tx);
    let page = Listed::page(&paging, rows, counted, |row| Cursor::after(&(row.created_at, row.id)));
    let authors = state.users.find(page.data.iter().map(|row| UserId(row.author_id))).await;
    Ok(private(&page.map(|row| {
        let author = authors.get(&UserId(row.author_id)).cloned();
        Comment::of(row, author)
    })))
}

/// Comments on a published pitch.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), request_body = Said, responses((status = 201, body = CommentWritten)))]
#[post("/api/pitches/{id}/comments")]
pub async fn write(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Said>,
) -> Result<HttpResponse, Error> {
    let cleared = op::clear(&state, &actor, id).await;
    let author = state.users.one(actor.id).await;
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, said| {
        let comment = op::write(tx, &act, id, said.content.trim(), cleared?).await?;
        let answer = Answer::created("The comment was written.");
        Ok::<_, Error>(answer.with("comment", &Comment::of(comment, author)))
    });
    let answer = answer.await?;
    state.public.forget_pitch(id).await;
    Ok(answer)
}

/// Changes one's own comment.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("cid" = i64, Path)), request_body = Said, responses((status = 200, body = CommentWritten)))]
#[put("/api/pitches/{id}/comments/{cid}")]
pub async fn edit(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    path: Path<(String, String)>,
    command: Command<Said>,
) -> Result<HttpResponse, Error> {
    let (pitch, id) = ids(&path)?;
    let author = state.users.one(actor.id).await;
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, said| {
        let comment = op::edit(tx, &act, pitch, id, said.content.trim()).await?;
        let answer = Answer::ok("The comment was changed.");
        Ok::<_, Error>(answer.with("comment", &Comment::of(comment, author)))
    });
    answer.await
}

/// Removes a comment: its author, the owner of the pitch, or an admin.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("cid" = i64, Path)), responses((status = 200)))]
#[delete("/api/pitches/{id}/comments/{cid}")]
pub async fn remove(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    path: Path<(String, String)>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let (pitch, id) = ids(&path)?;
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        op::remove(tx, &act, pitch, id).await?;
        Ok::<_, Error>(Answer::ok("The comment was removed."))
    });
    let answer = answer.await?;
    state.public.forget_pitch(pitch).await;
    Ok(answer)
}

/// What is not a number names nothing.
fn ids(path: &(String, String)) -> Result<(PitchId, i64), Refusal> {
    match (path.0.parse(), path.1.parse()) {
        (Ok(pitch), Ok(id)) => Ok((pitch, id)),
        _ => Err(Refusal::NotFound),
    }
}
