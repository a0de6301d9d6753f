//! What accounts promises, through its doors: HTTP as the gateway calls it, gRPC, the database and its outbox.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod admin;
mod app;
mod blocks;
mod companies;
mod consents;
mod contract;
mod database;
mod deletion;
mod export;
mod flags;
mod login;
mod passwords;
mod preferences;
mod profile;
mod refresh;
mod registration;
mod rpc;
mod search;
mod second_factor;
mod sessions;
mod throttle;
