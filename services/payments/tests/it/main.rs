//! What the payments service promises, through its doors: HTTP as the gateway calls it, gRPC as other services do, events, the database and its
//! outbox, with localstripe as Stripe beside it.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod app;
mod contracts;
mod credits;
mod faults;
mod flags;
mod holds;
mod plans;
mod privacy;
mod proofs;
mod purchases;
mod stripe;
mod webhooks;
