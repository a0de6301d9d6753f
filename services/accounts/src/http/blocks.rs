use actix_web::{HttpResponse, delete, get, post, web};
use pitchey_events::UserId;
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Answer, COUNTED, Command, Cursor, Listed, Origin, Paging, PathId};

use super::{NoInput, active, one_more, place};
use crate::error::Error;
use crate::ops::blocks;
use crate::state::AppState;
use crate::store::user_blocks;
use crate::view;

/// Blocks a user: no messages, follows or NDA requests, either way. The other one is not told.
#[utoipa::path(tag = "user", params(("id" = i32, Path)), responses((status = 201), (status = 200)))]
#[post("/api/users/{id}/block")]
pub async fn block(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<UserId>,
    origin: Origin,
    command: Command<NoInput>,
) -> Result<HttpResponse, Error> {
    let user = active(&actor)?;
    command
        .run(&state.databases.user, async |tx, _| {
            let new = blocks::block(tx, user, id.0, &origin).await?;
            Ok(Answer::created_if(new, "You blocked this user.").with("blocked", &true))
        })
        .await
}

/// Takes a block back.
#[utoipa::path(tag = "user", params(("id" = i32, Path)), responses((status = 200)))]
#[delete("/api/users/{id}/block")]
pub async fn unblock(
    state: web::Data<AppState>,
    actor: Actor,
    id: PathId<UserId>,
    origin: Origin,
    command: Command<NoInput>,
) -> Result<HttpResponse, Error> {
    let user = active(&actor)?;
    command
        .run(&state.databases.user, async |tx, _| {
            blocks::unblock(tx, user, id.0, &origin).await?;
            Ok(Answer::ok("You do not block this user.").with("blocked", &false))
        })
        .await
}

/// Whom the user blocks.
#[utoipa::path(tag = "user", responses((status = 200, body = Listed<PublicUser>)))]
#[get("/api/users/blocked")]
pub async fn list(
    state: web::Data<AppState>,
    actor: Actor,
    paging: Paging,
) -> Result<web::Json<Listed<PublicUser>>, Error> {
    let (after, skip) = place::<i32>(&paging)?;
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let rows = user_blocks::blocked(&mut tx, actor.id, after.unwrap_or(0), skip, one_more(&paging)).await?;
    let counted = user_blocks::count(&mut tx, actor.id, COUNTED + 1).await?;
    tx.commit().await?;
    let page = Listed::page(&paging, rows, counted, |last| Cursor::after(&last.id));
    Ok(web::Json(page.map(view::public)))
}
