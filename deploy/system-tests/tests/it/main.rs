//! The whole platform, through its gateway.

mod errors;
mod matrix;
mod the_flow;
mod world;
