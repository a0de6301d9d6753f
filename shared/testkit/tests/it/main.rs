//! The tools that tests stand on, tested.

mod broker;
mod databases;
mod faults;
mod wait;
