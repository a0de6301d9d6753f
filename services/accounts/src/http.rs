//! What accounts serves.

mod admin;
mod audit;
mod blocks;
mod companies;
mod fields;
mod login;
mod own_data;
mod passwords;
mod preferences;
mod profile;
mod registration;
mod second_factor;
mod sessions;
mod users;

use garde::Validate;
use pitchey_events::UserId;
use pitchey_web::{Actor, Paging, Refusal};
use serde::Deserialize;
use serde::de::DeserializeOwned;
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
        .service(preferences::get)
        .service(preferences::put)
        .service(second_factor::get)
        .service(second_factor::enrol)
        .service(second_factor::confirm)
        .service(second_factor::remove)
        .service(companies::own)
        .service(companies::request)
        .service(own_data::delete_account)
        .service(own_data::ask)
        .service(own_data::asked)
        .service(own_data::export)
        .service(own_data::agreed)
        .service(own_data::agree)
        .service(users::search)
        .service(blocks::list)
        .service(blocks::block)
        .service(blocks::unblock)
        .service(users::by_username)
        .service(users::by_id)
        .service(admin::list)
        .service(admin::one)
        .service(admin::suspend)
        .service(admin::reinstate)
        .service(admin::ban)
        .service(companies::list)
        .service(companies::one)
        .service(companies::decide)
        .service(audit::logs);
}

/// The input of a write that needs none.
#[derive(Deserialize, Validate)]
struct NoInput {}

/// The user, if it is an admin in a session that proved a second factor.
fn admin(actor: &Actor) -> Result<UserId, Error> {
    if actor.admin { active(actor) } else { Err(Refusal::Forbidden.into()) }
}

/// Rows to ask the store for: one more than are shown, to see whether there is more.
const fn one_more(paging: &Paging) -> i64 {
    paging.limit + 1
}

/// The place in a list by its cursor, else by its page: (sort key of the last row shown, rows to skip).
fn place<K: DeserializeOwned>(paging: &Paging) -> Result<(Option<K>, i64), Refusal> {
    match &paging.cursor {
        Some(cursor) => Ok((Some(cursor.key()?), 0)),
        None => Ok((None, paging.offset())),
    }
}

/// The user, if not suspended.
fn active(actor: &Actor) -> Result<UserId, Error> {
    if actor.suspended { Err(Refusal::Suspended.into()) } else { Ok(actor.id) }
}
