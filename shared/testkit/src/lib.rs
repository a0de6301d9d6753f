#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't be set up has failed")]

pub mod actors;
mod answer;
mod authority;
pub mod broker;
mod client;
mod collector;
mod database;
mod deliveries;
mod emitted;
mod environment;
pub mod identity;
mod off_runtime;
mod plan;
mod ports;
mod processes;
mod programs;
pub mod schema;
mod servers;
mod size;
mod wait;

pub use answer::Answer;
pub use authority::Authority;
pub use broker::Broker;
pub use client::{Client, Request, http};
pub use collector::{Collector, Span};
pub use database::TestDatabase;
pub use deliveries::Deliveries;
pub use emitted::{Emitted, Happened};
pub use plan::Plan;
pub use ports::Ports;
pub use programs::programs;
pub use servers::{Server, Servers};
pub use size::size;
pub use wait::{SOON, wait_for, wait_until};
