//! Calls between services: signed, balanced, with deadlines.

mod calls;
mod generated;
