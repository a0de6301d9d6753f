//! The database as it is migrated, and the doors to it.

mod ask;
mod documented;
mod doors;
mod faults;
mod migrations;
mod model;
mod ownership;
mod row_level_security;
mod transactions;
