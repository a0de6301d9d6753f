//! All SQL: free functions, a file a table.

pub mod comments;
pub mod discovery;
pub mod follows;
pub mod investments;
pub mod likes;
pub mod media;
pub mod ndas;
pub mod personal;
pub mod pitches;
#[cfg(test)]
mod plans;
pub mod policies;
#[cfg(test)]
mod proofs;
pub mod readings;
pub mod reports;
pub mod search;
pub mod share_links;
pub mod standing;
pub mod trending;
pub mod versions;
pub mod view_counts;
