use actix_web::{HttpResponse, post, web};
use garde::Validate;
use pitchey_events::UserType;
use pitchey_rpc::PublicUser;
use pitchey_web::{Actor, Answer, Command, Origin};
use serde::{Deserialize, Serialize};

use super::{NoInput, active, fields};
use crate::error::Error;
use crate::ops::registration::{self, Registration, Resent};
use crate::passwords::acceptable;
use crate::state::AppState;
use crate::view::OwnUser;

/// Who wants to become a user.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    /// The address to log in with.
    #[garde(email, custom(fields::line(254)))]
    email: String,
    /// Unique, regardless of case.
    #[garde(custom(fields::username))]
    username: String,
    /// 10 to 200 characters, not a common one.
    #[garde(custom(acceptable))]
    password: String,
    /// `viewer` unless given. The doors made for one type ignore it.
    #[garde(skip)]
    #[schema(value_type = Option<String>)]
    user_type: Option<UserType>,
    /// First name.
    #[garde(custom(fields::line(100)))]
    first_name: Option<String>,
    /// Last name.
    #[garde(custom(fields::line(100)))]
    last_name: Option<String>,
    /// Company, for productions and investors.
    #[garde(custom(fields::line(200)))]
    company_name: Option<String>,
}

/// The new user.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Registered {
    /// For people.
    message: String,
    /// As only the user sees it.
    user: OwnUser,
}

/// Becomes a user of the given type.
#[utoipa::path(tag = "auth", request_body = Register, responses((status = 201, body = Registered)))]
#[post("/api/auth/register")]
pub async fn register(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<Register>,
) -> Result<HttpResponse, Error> {
    let user_type = command.input.user_type.unwrap_or(UserType::Viewer);
    register_as(&state, &origin, command, user_type).await
}

/// Becomes a creator.
#[utoipa::path(tag = "auth", request_body = Register, responses((status = 201, body = Registered)))]
#[post("/api/auth/creator/register")]
pub async fn register_creator(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<Register>,
) -> Result<HttpResponse, Error> {
    register_as(&state, &origin, command, UserType::Creator).await
}

/// Becomes an investor.
#[utoipa::path(tag = "auth", request_body = Register, responses((status = 201, body = Registered)))]
#[post("/api/auth/investor/register")]
pub async fn register_investor(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<Register>,
) -> Result<HttpResponse, Error> {
    register_as(&state, &origin, command, UserType::Investor).await
}

/// Becomes a production company.
#[utoipa::path(tag = "auth", request_body = Register, responses((status = 201, body = Registered)))]
#[post("/api/auth/production/register")]
pub async fn register_production(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<Register>,
) -> Result<HttpResponse, Error> {
    register_as(&state, &origin, command, UserType::Production).await
}

async fn register_as(
    state: &AppState,
    origin: &Origin,
    command: Command<Register>,
    user_type: UserType,
) -> Result<HttpResponse, Error> {
    let password_hash = state.passwords.hash(&command.input.password).await?;
    command
        .run(&state.databases.user, async |tx, input| {
            let new = Registration {
                email: &input.email,
                username: &input.username,
                password_hash: &password_hash,
                user_type,
                first_name: input.first_name.as_deref(),
                last_name: input.last_name.as_deref(),
                company_name: input.company_name.as_deref(),
            };
            let user = registration::register(tx, state, new, origin).await?;
            Ok(Answer::created("Welcome. Please follow the link in the mail we sent you.")
                .with("user", &user))
        })
        .await
}

/// A token from a mail.
#[derive(Deserialize, Validate, utoipa::ToSchema)]
pub struct MailedToken {
    /// From the link.
    #[garde(length(chars, min = 1, max = 200))]
    token: String,
}

/// The user whose address was proved.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Verified {
    /// For people.
    message: String,
    /// As anybody sees it.
    user: PublicUser,
}

/// Proves the e-mail address.
#[utoipa::path(tag = "auth", request_body = MailedToken, responses((status = 200, body = Verified)))]
#[post("/api/auth/verify-email")]
pub async fn verify_email(
    state: web::Data<AppState>,
    origin: Origin,
    command: Command<MailedToken>,
) -> Result<HttpResponse, Error> {
    command
        .run(&state.databases.user, async |tx, input| {
            let user = registration::verify_email(tx, &state, &input.token, &origin).await?;
            Ok(Answer::ok("Your e-mail address is verified.").with("user", &user))
        })
        .await
}

/// Asks for the verification mail again.
#[utoipa::path(tag = "auth", responses((status = 200)))]
#[post("/api/auth/resend-verification")]
pub async fn resend_verification(
    state: web::Data<AppState>,
    actor: Actor,
    command: Command<NoInput>,
) -> Result<HttpResponse, Error> {
    let user = active(&actor)?;
    command
        .run(&state.databases.user, async |tx, _| {
            Ok(match registration::resend_verification(tx, &state, user).await? {
                Resent::Promised => Answer::ok("We sent you the mail again."),
                Resent::AlreadyVerified => Answer::ok("Your e-mail address is verified already."),
            })
        })
        .await
}
