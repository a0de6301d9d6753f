//! The whole platform, through its gateway.

mod the_flow;
