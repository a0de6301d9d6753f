//! The whole platform, through its gateway.

mod demo;
mod errors;
mod faults;
mod matrix;
mod the_flow;
mod traces;
mod world;
