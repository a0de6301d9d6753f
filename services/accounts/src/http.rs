//! What accounts serves.

mod fields;
mod login;
mod passwords;
mod profile;
mod registration;
mod sessions;
mod users;

use garde::Validate;
use pitchey_events::UserId;
use pitchey_web::{Actor, Refusal};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::error::Error;

/// The contents page. Literal paths come before those with an id.
pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(registration::register)
        .service(registration::register_creator)
        .service(registration::register_investor)
        .service(registration::register_production)
        .service(registration::verify_email)
        .service(registration::resend_verification)
        .service(login::log_in)
        .service(login::log_in_creator)
        .service(login::log_in_investor)
        .service(login::log_in_production)
        .service(login::refresh)
        .service(login::log_out)
        .service(login::current)
        .service(passwords::forgot)
        .service(passwords::reset)
        .service(passwords::change)
        .service(profile::get)
        .service(profile::put)
        .service(sessions::list)
        .service(sessions::revoke)
        .service(users::by_username)
        .service(users::by_id);
}

/// The input of a write that needs none.
#[derive(Deserialize, Validate)]
struct NoInput {}

/// The user, if not suspended.
fn active(actor: &Actor) -> Result<UserId, Error> {
    if actor.suspended { Err(Refusal::Suspended.into()) } else { Ok(actor.id) }
}
