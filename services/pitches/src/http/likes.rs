//! Likes.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Answer, Command, Cursor, Listed, Origin, Paging, PathId};

use super::extract::{Viewer, private};
use super::pitches::Nothing;
use crate::error::Error;
use crate::ops::reading::{self, place};
use crate::ops::{Act, likes as op};
use crate::state::AppState;
use crate::store::likes;

/// Likes a pitch.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 201), (status = 200, description = "It was so before.")))]
#[post("/api/pitches/{id}/like")]
pub async fn like(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        let liked = op::like(tx, &act, id).await?;
        let text = if liked.changed { "You like this pitch." } else { "You liked this pitch before." };
        Ok::<_, Error>(
            Answer::created_if(liked.changed, text).with("liked", &true).with("likeCount", &liked.count),
        )
    });
    let answer = answer.await?;
    state.public.forget_pitch(id).await;
    Ok(answer)
}

/// Takes a like back.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200)))]
#[delete("/api/pitches/{id}/like")]
pub async fn unlike(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        let liked = op::unlike(tx, &act, id).await?;
        let answer = Answer::ok("You do not like this pitch.");
        Ok::<_, Error>(answer.with("liked", &false).with("likeCount", &liked.count))
    });
    let answer = answer.await?;
    state.public.forget_pitch(id).await;
    Ok(answer)
}

/// Who likes a pitch, newest first.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path), ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/pitches/{id}/likes")]
pub async fn list(
    state: Data<AppState>,
    Viewer(viewer): Viewer,
    PathId(id): PathId<PitchId>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(viewer.actor.as_ref().map(|actor| actor.id)).await?;
    reading::visible(&mut tx, &viewer, id, state.clock.now()).await?;
    let (rows, counted) = likes::of_pitch(&mut tx, id, place(&paging)?).await?;
    drop(tx);
    let page =
        Listed::page(&paging, rows, counted, |(user, at): &(i32, DateTime<Utc>)| Cursor::after(&(at, user)));
    let ids: Vec<UserId> = page.data.iter().map(|(user, _)| UserId(*user)).collect();
    Ok(private(&Listed { data: state.users.in_order(&ids).await, meta: page.meta }))
}
