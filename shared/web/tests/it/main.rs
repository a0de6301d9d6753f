//! The manners of every service, shown on a small one that writes a line into the audit log.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod errors;
mod repeating;
mod service;
