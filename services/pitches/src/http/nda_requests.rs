//! A pitch as somebody wants to get into it.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use garde::Validate;
use pitchey_events::PitchId;
use pitchey_web::{Actor, Answer, ApiError, Command, Origin, PathId};
use serde::{Deserialize, Serialize};

use super::extract::private;
use super::ndas::{Nda, NdaWritten};
use crate::error::Error;
use crate::input::plain;
use crate::ops::Act;
use crate::ops::ndas::{look, request as op};
use crate::state::AppState;

/// For which pitch.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    #[garde(skip)]
    pitch_id: i32,
    /// To the owner.
    #[garde(custom(plain(2_000)))]
    message: Option<String>,
}

/// How far the caller has come with a pitch.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    #[serde(rename = "hasNDA")]
    has_nda: bool,
    /// The latest one.
    nda: Option<Nda>,
    /// The whole pitch is open now.
    can_access: bool,
}

/// Whether a request would be accepted.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanRequest {
    can_request: bool,
    /// Why not, for people.
    reason: Option<String>,
    /// Why not, for programs: the code that the request would be refused with.
    code: Option<&'static str>,
}

/// Requests an NDA. While one is under way, that one is the answer.
#[utoipa::path(tag = "ndas", request_body = Request, responses((status = 201, body = NdaWritten), (status = 200, body = NdaWritten)))]
#[post("/api/ndas/request")]
pub async fn request(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Request>,
) -> Result<HttpResponse, Error> {
    let pitch = PitchId(command.input.pitch_id);
    let prepared = op::prepare(&state, &actor, pitch).await;
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, input| {
        let message = input.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let moved = op::request(tx, &act, prepared?, pitch, message).await?;
        let text =
            if moved.repeated { "You have requested this NDA before." } else { "The NDA was requested." };
        let answer = Answer::created_if(!moved.repeated, text);
        Ok::<_, Error>(answer.with("nda", &Nda::at(moved.nda, act.now)))
    });
    answer.await
}

/// How far the caller has come with this pitch.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = Status)))]
#[get("/api/ndas/pitch/{id}/status")]
pub async fn status(
    state: Data<AppState>,
    actor: Actor,
    PathId(pitch): PathId<PitchId>,
) -> Result<HttpResponse, Error> {
    let now = state.clock.now();
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (nda, can_access) = look::status_of_pitch(&mut tx, &actor, pitch, now).await?;
    Ok(private(&Status { has_nda: nda.is_some(), nda: nda.map(|row| Nda::at(row, now)), can_access }))
}

/// Whether the caller could request an NDA for this pitch now.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = CanRequest)))]
#[get("/api/ndas/pitch/{id}/can-request")]
pub async fn can_request(
    state: Data<AppState>,
    actor: Actor,
    PathId(pitch): PathId<PitchId>,
) -> Result<HttpResponse, Error> {
    let obstacle = look::obstacle(&state, &actor, pitch).await?;
    Ok(private(&CanRequest {
        can_request: obstacle.is_none(),
        reason: obstacle.as_ref().map(ApiError::message),
        code: obstacle.as_ref().map(ApiError::code),
    }))
}
