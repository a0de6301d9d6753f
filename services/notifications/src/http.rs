//! The contents page.

mod dev_mails;
mod notifications;
mod preferences;
mod unsubscribe;
mod webhook;

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;
use utoipa_actix_web::service_config::ServiceConfig;

/// Every route.
pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(notifications::list)
        .service(notifications::unread)
        .service(notifications::read_all)
        .service(notifications::read)
        .service(preferences::get)
        .service(preferences::put)
        .service(unsubscribe::ask)
        .service(unsubscribe::act)
        .service(webhook::report);
}

/// Every route, and the page that shows developers the mails.
pub fn development_routes(cfg: &mut ServiceConfig<'_>) {
    routes(cfg);
    cfg.service(dev_mails::list);
}

/// Whether somebody asks with a browser.
fn wants_html(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}
