//! The contents page.

mod dev_mails;
mod notifications;
mod preferences;

use utoipa_actix_web::service_config::ServiceConfig;

/// Every route.
pub fn routes(cfg: &mut ServiceConfig<'_>) {
    cfg.service(notifications::list)
        .service(notifications::unread)
        .service(notifications::read_all)
        .service(notifications::read)
        .service(preferences::get)
        .service(preferences::put);
}

/// Every route, and the page that shows developers the mails.
pub fn development_routes(cfg: &mut ServiceConfig<'_>) {
    routes(cfg);
    cfg.service(dev_mails::list);
}
