//! Stripe, as far as it is used: its API over HTTP, its objects, and the signatures of its webhooks.

mod client;
mod objects;
mod signature;

pub use client::{Client, Error};
pub use objects::{Charge, Dispute, Event, Intent, Invoice, Subscription};
pub use signature::Secrets;
