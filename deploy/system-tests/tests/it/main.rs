//! The whole platform, through its gateway.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't be set up has failed")]

mod dead_letters;
mod demo;
mod errors;
mod faults;
mod matrix;
mod money;
mod proofs;
mod the_flow;
mod traces;
mod upgrade;
mod world;
