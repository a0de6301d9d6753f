#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't be set up has failed")]

pub mod broker;
mod database;
mod environment;
mod processes;
mod servers;
mod wait;

pub use broker::Broker;
pub use database::TestDatabase;
pub use servers::{Server, Servers};
pub use wait::{SOON, wait_for, wait_until};
