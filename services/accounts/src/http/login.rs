use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, get, post, web};
use garde::Validate;
use pitchey_events::UserType;
use pitchey_web::{Actor, Answer, Command, Origin, Refusal, ValidatedJson};
use serde::{Deserialize, Serialize};

use super::sessions::SessionView;
use super::{NoInput, fields};
use crate::error::Error;
use crate::ops::login::{self, Attempt};
use crate::ops::sessions::{self, LoggedIn};
use crate::state::AppState;
use crate::store::sessions::EndReason;
use crate::store::{sessions as rows, users};
use crate::view::OwnUser;

/// Who wants in.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct Login {
    /// Whatever its case.
    #[garde(custom(fields::line(255)))]
    email: String,
    /// All of it counts.
    #[garde(length(chars, max = 1_000))]
    password: String,
    /// Of the second factor, or a recovery code; only for who has set one up.
    #[garde(custom(fields::line(50)))]
    code: Option<String>,
}

/// Logs in, whatever the type.
#[utoipa::path(tag = "auth", request_body = Login, responses((status = 200, body = LoggedIn)))]
#[post("/api/auth/login")]
pub async fn log_in(
    state: web::Data<AppState>,
    origin: Origin,
    input: ValidatedJson<Login>,
) -> Result<HttpResponse, Error> {
    log_in_at(&state, &origin, &input.0, None).await
}

/// Logs in a creator.
#[utoipa::path(tag = "auth", request_body = Login, responses((status = 200, body = LoggedIn)))]
#[post("/api/auth/creator/login")]
pub async fn log_in_creator(
    state: web::Data<AppState>,
    origin: Origin,
    input: ValidatedJson<Login>,
) -> Result<HttpResponse, Error> {
    log_in_at(&state, &origin, &input.0, Some(UserType::Creator)).await
}

/// Logs in an investor.
#[utoipa::path(tag = "auth", request_body = Login, responses((status = 200, body = LoggedIn)))]
#[post("/api/auth/investor/login")]
pub async fn log_in_investor(
    state: web::Data<AppState>,
    origin: Origin,
    input: ValidatedJson<Login>,
) -> Result<HttpResponse, Error> {
    log_in_at(&state, &origin, &input.0, Some(UserType::Investor)).await
}

/// Logs in a production company.
#[utoipa::path(tag = "auth", request_body = Login, responses((status = 200, body = LoggedIn)))]
#[post("/api/auth/production/login")]
pub async fn log_in_production(
    state: web::Data<AppState>,
    origin: Origin,
    input: ValidatedJson<Login>,
) -> Result<HttpResponse, Error> {
    log_in_at(&state, &origin, &input.0, Some(UserType::Production)).await
}

/// No `Idempotency-Key`: tokens are not kept for repetitions, so a log-in is done again; and no hash of a password but the slow one is stored.
async fn log_in_at(
    state: &AppState,
    origin: &Origin,
    input: &Login,
    door: Option<UserType>,
) -> Result<HttpResponse, Error> {
    let begun = tokio::time::Instant::now();
    let (password, code) = (&input.password, input.code.as_deref());
    match login::log_in(state, Attempt { email: &input.email, password, door, code }, origin).await {
        Ok(logged_in) => Ok(with_tokens(&logged_in)),
        Err(refused) => {
            tokio::time::sleep_until(begun + state.quiet).await;
            Err(refused)
        }
    }
}

fn with_tokens(logged_in: &LoggedIn) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(logged_in)
}

/// What a log-in left to go on with.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refresh {
    /// Good for one refresh.
    #[garde(length(chars, min = 1, max = 200))]
    refresh_token: String,
}

/// Goes on with a session: new tokens for the refresh token. One that was replaced more than 30 seconds ago ends the session.
#[utoipa::path(tag = "auth", request_body = Refresh, responses((status = 200, body = LoggedIn)))]
#[post("/api/auth/session/refresh")]
pub async fn refresh(
    state: web::Data<AppState>,
    origin: Origin,
    input: ValidatedJson<Refresh>,
) -> Result<HttpResponse, Error> {
    let logged_in = sessions::refresh(&state, &input.0.refresh_token, &origin).await?;
    Ok(with_tokens(&logged_in))
}

/// Ends the session.
#[utoipa::path(tag = "auth", responses((status = 200)))]
#[post("/api/auth/logout")]
pub async fn log_out(
    state: web::Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<NoInput>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.databases.user, async |tx, _| {
            let (ids, now) = ([actor.session_id.0], state.clock.now());
            sessions::end(tx, actor.id, &ids, EndReason::Logout, now, &origin).await?;
            Ok(Answer::ok("You are logged out."))
        })
        .await
}

/// Who is logged in, and in which session.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Current {
    /// As only the user sees it.
    user: OwnUser,
    /// The session of the token that asked.
    session: SessionView,
    /// Whether the user acts as an admin here: for that, the session must have proved a second factor.
    admin: bool,
}

/// Who is logged in.
#[utoipa::path(tag = "auth", responses((status = 200, body = Current)))]
#[get("/api/auth/session")]
pub async fn current(state: web::Data<AppState>, actor: Actor) -> Result<web::Json<Current>, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let user = users::get(&mut tx, actor.id).await?.ok_or(Refusal::Unauthenticated)?;
    let session = rows::of_user(&mut tx, actor.id, actor.session_id).await?;
    tx.commit().await?;
    let session = session.filter(|row| row.is_live(state.clock.now())).ok_or(Refusal::Unauthenticated)?;
    let session = SessionView::of(session, actor.session_id);
    Ok(web::Json(Current { admin: actor.admin, user: OwnUser::of(user, &state.sealer)?, session }))
}
