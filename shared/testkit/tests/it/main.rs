//! The tools that tests stand on, tested.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod broker;
mod client;
mod collector;
mod databases;
mod deliveries;
mod emitted;
mod faults;
mod plan;
mod schema;
mod wait;
