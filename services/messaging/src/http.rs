//! The contents page: every route of this service.

mod conversations;
mod messages;
mod positions;
mod sockets;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers all routes; literal paths come before `{id}`.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(conversations::list)
        .service(positions::unread)
        .service(messages::send)
        .service(positions::read_message)
        .service(messages::edit)
        .service(messages::delete)
        .service(conversations::open)
        .service(conversations::get)
        .service(messages::post)
        .service(positions::read_all)
        .service(positions::typing)
        .service(conversations::archive)
        .service(conversations::change_members)
        .service(sockets::token)
        .service(sockets::open)
        .service(sockets::poll);
}

/// An answer that depends on who asks: no cache may keep it.
fn private(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "private, no-store")).json(body)
}
