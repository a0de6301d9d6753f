//! The tools that tests stand on, tested.

mod broker;
mod client;
mod collector;
mod databases;
mod deliveries;
mod emitted;
mod faults;
mod plan;
mod schema;
mod wait;
