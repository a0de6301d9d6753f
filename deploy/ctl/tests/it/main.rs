//! `ctl` as an operator meets it.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod backup;
mod database;
mod documents;
mod flags;
mod import;
mod maintenance;
mod report;
