//! The contents page: every route of this service.

mod credits;
mod export;
mod history;
mod offers;
mod plans;
mod purchases;
mod webhooks;

use pitchey_web::{FieldError, Refusal};
use utoipa_actix_web::service_config::ServiceConfig;

pub use credits::Entry;
pub use history::Transaction;

/// Registers all routes.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(credits::balance)
        .service(credits::ledger)
        .service(offers::plans)
        .service(offers::packages)
        .service(purchases::purchase)
        .service(purchases::refund)
        .service(plans::subscribe)
        .service(plans::cancel)
        .service(plans::standing)
        .service(history::list)
        .service(export::export)
        .service(webhooks::stripe);
}

/// A word in the input that is none of those it may be.
fn unknown(field: &str, message: &str) -> Refusal {
    Refusal::Invalid(vec![FieldError::new(field, "unknown_value", message)])
}
