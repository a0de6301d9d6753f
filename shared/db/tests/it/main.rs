//! The database as it is migrated, and the doors to it.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't be set up has failed")]

mod ask;
mod documented;
mod doors;
mod faults;
mod locks;
mod migrations;
mod model;
mod ownership;
mod row_level_security;
mod transactions;
mod usage;
