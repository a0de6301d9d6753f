use actix_web::{HttpResponse, delete, get, post, web};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command, Origin, Timestamp};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::fields;
use crate::error::Error;
use crate::ops::{passwords, second_factor};
use crate::state::AppState;

/// Whether a code is asked for at log-in.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactor {
    /// It is.
    enabled: bool,
    /// Since when.
    enabled_at: Option<Timestamp>,
    /// Codes left for who loses the device.
    recovery_codes_left: i64,
}

/// The user's second factor.
#[utoipa::path(tag = "user", responses((status = 200, body = SecondFactor)))]
#[get("/api/user/totp")]
pub async fn get(state: web::Data<AppState>, actor: Actor) -> Result<web::Json<SecondFactor>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let (since, left) = second_factor::standing(&mut tx, actor.id).await?;
    tx.commit().await?;
    Ok(web::Json(SecondFactor {
        enabled: since.is_some(),
        enabled_at: since.map(Timestamp),
        recovery_codes_left: left,
    }))
}

/// The own password again.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Password {
    /// The one that works now.
    #[garde(length(chars, max = 1_000))]
    password: String,
}

/// Begins to set up a second factor: answers a secret for an authenticator app, to be confirmed with a code of it.
#[utoipa::path(tag = "user", request_body = Password, responses((status = 200)))]
#[post("/api/user/totp")]
pub async fn enrol(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Password>,
) -> Result<HttpResponse, Error> {
    let proof = passwords::prove(&state, actor.id, &command.input.password, &origin).await?;
    command
        .run(&state.databases.user, async |tx, _| {
            let enrolment = second_factor::enrol(tx, &state, actor.id, proof, &origin).await?;
            Ok(Answer::ok("Please add this to your authenticator app and confirm with a code of it.")
                .with("secret", &enrolment.secret.expose_secret())
                .with("otpauthUrl", &enrolment.url.expose_secret())
                .secret())
        })
        .await
}

/// A code of the app.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Code {
    /// Six digits.
    #[garde(custom(fields::line(50)))]
    code: String,
}

/// Confirms the second factor: from now on it is asked for. Answers recovery codes, which are shown only now.
#[utoipa::path(tag = "user", request_body = Code, responses((status = 200)))]
#[post("/api/user/totp/confirm")]
pub async fn confirm(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Code>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.databases.user, async |tx, input| {
            let (user, session) = (actor.id, actor.session_id);
            let codes = second_factor::confirm(tx, &state, user, session, &input.code, &origin).await?;
            Ok(Answer::ok("The second factor is set up. Please keep the recovery codes in a safe place.")
                .with("recoveryCodes", &codes)
                .secret())
        })
        .await
}

/// What removing a second factor takes.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Removal {
    /// The own password.
    #[garde(length(chars, max = 1_000))]
    password: String,
    /// A code of the app, or a recovery code.
    #[garde(custom(fields::line(50)))]
    #[serde(default)]
    code: String,
}

/// Removes the second factor.
#[utoipa::path(tag = "user", request_body = Removal, responses((status = 200)))]
#[delete("/api/user/totp")]
pub async fn remove(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Removal>,
) -> Result<HttpResponse, Error> {
    let proof = passwords::prove(&state, actor.id, &command.input.password, &origin).await?;
    command
        .run(&state.databases.user, async |tx, input| {
            second_factor::remove(tx, &state, actor.id, proof, &input.code, &origin).await?;
            Ok(Answer::ok("The second factor is removed."))
        })
        .await
}
