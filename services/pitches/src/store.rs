//! All SQL: free functions, a file a table.

pub mod counted;
pub mod maintenance;
pub mod ndas;
pub mod pitches;
#[cfg(test)]
mod plans;
pub mod policies;
pub mod standing;
pub mod versions;
