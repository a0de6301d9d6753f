//! Calls between services: signed, balanced, with deadlines.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod calls;
mod generated;
