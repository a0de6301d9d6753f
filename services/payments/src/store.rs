//! All SQL of this service.

pub mod audits;
pub mod cents;
pub mod credits;
pub mod events;
pub mod holds;
pub mod invoices;
pub mod ledger;
pub mod plans;
pub mod subscriptions;
pub mod transactions;

#[cfg(test)]
mod explained;
