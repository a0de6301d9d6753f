//! What accounts promises, through its doors: HTTP as the gateway calls it, gRPC, the database and its outbox.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod app;
mod database;
mod login;
mod passwords;
mod profile;
mod refresh;
mod registration;
mod rpc;
mod sessions;
mod throttle;
