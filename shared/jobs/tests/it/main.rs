//! Jobs over a real Postgres, with several replicas.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod by_hand;
mod once;
mod telling;
mod world;
