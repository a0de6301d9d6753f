//! The tools that tests stand on, tested.

mod broker;
mod client;
mod databases;
mod emitted;
mod faults;
mod plan;
mod schema;
mod wait;
