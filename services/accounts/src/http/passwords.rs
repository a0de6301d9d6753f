use actix_web::{HttpResponse, post, web};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command, Origin};
use serde::Deserialize;

use super::fields;
use crate::error::Error;
use crate::ops::passwords;
use crate::passwords::acceptable;
use crate::state::AppState;

/// Whose password was forgotten.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Forgot {
    /// Whatever its case.
    #[garde(custom(fields::line(255)))]
    email: String,
}

/// Asks for a mail with which a new password can be set. The answer is the same for everybody.
#[utoipa::path(tag = "auth", request_body = Forgot, responses((status = 200)))]
#[post("/api/auth/forgot-password")]
pub async fn forgot(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<Forgot>,
) -> Result<HttpResponse, Error> {
    let answer = command.run(&state.databases.user, async |tx, input| {
        passwords::forgot(tx, &state, &input.email, &origin).await?;
        Ok(Answer::ok("If there is an account with this address, we sent a mail to it."))
    });
    state.quietly(answer).await
}

/// A new password, and the right to set it.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reset {
    /// From the link.
    #[garde(length(chars, min = 1, max = 200))]
    token: String,
    /// 10 to 200 characters, not a common one.
    #[garde(custom(acceptable))]
    new_password: String,
}

/// Sets a new password with a mailed token, and ends all sessions.
#[utoipa::path(tag = "auth", request_body = Reset, responses((status = 200)))]
#[post("/api/auth/reset-password")]
pub async fn reset(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<Reset>,
) -> Result<HttpResponse, Error> {
    // A repetition finds the token used, and its answer under its key: only the transaction knows which it is.
    let hash = passwords::prepare_reset(&state, &command.input.token, &command.input.new_password).await?;
    command
        .run(&state.databases.user, async |tx, input| {
            passwords::reset(tx, &state, &input.token, hash.as_deref(), &origin).await?;
            Ok(Answer::ok("Your password is changed. Please log in."))
        })
        .await
}

/// The old password and the new one.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The one that works now.
    #[garde(length(chars, max = 1_000))]
    current_password: String,
    /// 10 to 200 characters, not a common one.
    #[garde(custom(acceptable))]
    new_password: String,
}

/// Changes the password, and ends all other sessions.
#[utoipa::path(tag = "auth", request_body = Change, responses((status = 200)))]
#[post("/api/auth/change-password")]
pub async fn change(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Change>,
) -> Result<HttpResponse, Error> {
    // Looked at first: the old password of a change that was made is wrong by now, and would count as an attempt.
    if let Some(answer) = command.kept(&state.databases.user).await? {
        return Ok(answer);
    }
    let Change { current_password, new_password } = &command.input;
    let change = passwords::prepare_change(&state, actor.id, current_password, new_password, &origin).await?;
    command
        .run(&state.databases.user, async |tx, _| {
            passwords::change(tx, &state, actor.id, actor.session_id, change, &origin).await?;
            Ok(Answer::ok("Your password is changed; your other sessions have ended."))
        })
        .await
}
