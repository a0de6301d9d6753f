//! Following users; who follows whom; the watch list.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use garde::Validate;
use pitchey_events::{PitchId, UserId};
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Answer, Command, Cursor, Listed, Origin, Paging, PathId, Refusal};
use serde::Deserialize;

use super::extract::{Viewer, private};
use super::pitch_lists::owned_by;
use super::pitches::Nothing;
use crate::error::Error;
use crate::ops::reading::{place, shown};
use crate::ops::{Act, following};
use crate::projection::Pitch;
use crate::state::AppState;
use crate::store::follows::{self, Follow};

/// Follows a user.
#[utoipa::path(tag = "user", params(("id" = i32, Path)), responses((status = 201), (status = 200, description = "It was so before.")))]
#[post("/api/users/{id}/follow")]
pub async fn follow(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(user): PathId<UserId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let cleared = following::clear(&state, &actor, user).await;
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        let new = following::follow_user(tx, &act, user, cleared?).await?;
        let text = if new { "You follow this user now." } else { "You follow this user already." };
        Ok::<_, Error>(Answer::created_if(new, text).with("following", &true))
    });
    answer.await
}

/// Follows a user no more.
#[utoipa::path(tag = "user", params(("id" = i32, Path)), responses((status = 200)))]
#[delete("/api/users/{id}/follow")]
pub async fn unfollow(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(user): PathId<UserId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        following::unfollow_user(tx, &act, user).await?;
        Ok::<_, Error>(Answer::ok("You do not follow this user.").with("following", &false))
    });
    answer.await
}

/// Which side of follows.
#[derive(Clone, Copy)]
enum Side {
    Followers,
    Following,
}

/// Who follows a user.
#[utoipa::path(tag = "user", params(("id" = i32, Path), ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/users/{id}/followers")]
pub async fn followers(
    state: Data<AppState>,
    PathId(user): PathId<UserId>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    known(&state, user).await?;
    people(&state, user, Side::Followers, &paging).await
}

/// Whom a user follows.
#[utoipa::path(tag = "user", params(("id" = i32, Path), ("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/users/{id}/following")]
pub async fn following_of(
    state: Data<AppState>,
    PathId(user): PathId<UserId>,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    known(&state, user).await?;
    people(&state, user, Side::Following, &paging).await
}

/// Who follows the caller.
#[utoipa::path(tag = "user", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/user/followers")]
pub async fn own_followers(
    state: Data<AppState>,
    actor: Actor,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    people(&state, actor.id, Side::Followers, &paging).await
}

/// Whom the caller follows.
#[utoipa::path(tag = "user", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/user/following")]
pub async fn own_following(
    state: Data<AppState>,
    actor: Actor,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    people(&state, actor.id, Side::Following, &paging).await
}

/// Refuses ids that nobody has.
async fn known(state: &AppState, user: UserId) -> Result<(), Error> {
    match state.users.one(user).await {
        Some(_) => Ok(()),
        // Nobody has it, or nobody can say: then the question is asked once more, to tell the two apart.
        None if state.accounts.users_by_ids(&[user]).await?.is_empty() => Err(Refusal::NotFound.into()),
        None => Ok(()),
    }
}

async fn people(state: &AppState, user: UserId, side: Side, paging: &Paging) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(None).await?;
    let (rows, counted) = match side {
        Side::Followers => follows::followers(&mut tx, user, place(paging)?).await?,
        Side::Following => follows::following(&mut tx, user, place(paging)?).await?,
    };
    drop(tx);
    let page = Listed::page(paging, rows, counted, |row: &Follow| Cursor::after(&(row.at, row.id)));
    let ids: Vec<UserId> = page.data.iter().map(|row| UserId(row.user)).collect();
    Ok(private(&Listed { data: state.users.in_order(&ids).await, meta: page.meta }))
}

/// Which pitch.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watched {
    #[garde(skip)]
    pitch_id: i32,
}

/// The watch list: followed pitches that are published, the newest follow first.
#[utoipa::path(tag = "pitches", params(("page" = Option<i64>, Query), ("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)), responses((status = 200, body = Listed<Pitch>)))]
#[get("/api/watchlist")]
pub async fn watchlist(
    state: Data<AppState>,
    actor: Actor,
    Viewer(viewer): Viewer,
    paging: Paging,
) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (rows, counted) = follows::watched(&mut tx, actor.id, place(&paging)?).await?;
    let page = Listed::page(&paging, rows, counted, |(_, at, id)| Cursor::after(&(at, id)));
    let cards = page.data.into_iter().map(|(card, ..)| card).collect();
    let pitches = shown(&mut tx, &viewer, cards, state.clock.now()).await?;
    drop(tx);
    Ok(private(&Listed { data: owned_by(&state, pitches).await, meta: page.meta }))
}

/// Puts a pitch on the watch list.
#[utoipa::path(tag = "pitches", request_body = Watched, responses((status = 201), (status = 200, description = "It was there before.")))]
#[post("/api/watchlist")]
pub async fn watch(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Watched>,
) -> Result<HttpResponse, Error> {
    let pitch = PitchId(command.input.pitch_id);
    let cleared = following::clear_pitch(&state, &actor, pitch).await;
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        let new = following::watch(tx, &act, pitch, cleared?).await?;
        let text = if new { "It is on your watch list now." } else { "It is on your watch list already." };
        Ok::<_, Error>(Answer::created_if(new, text).with("following", &true).with("pitchId", &pitch))
    });
    answer.await
}

/// Takes a pitch from the watch list.
#[utoipa::path(tag = "pitches", params(("id" = i32, Path)), responses((status = 200)))]
#[delete("/api/watchlist/{id}")]
pub async fn unwatch(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(pitch): PathId<PitchId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, _| {
        following::unwatch(tx, &act, pitch).await?;
        Ok::<_, Error>(Answer::ok("It is not on your watch list.").with("following", &false))
    });
    answer.await
}
