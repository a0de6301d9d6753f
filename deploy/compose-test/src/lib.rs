#![doc = include_str!("../README.md")]

pub mod http;
pub mod load;
pub mod tally;

/// Why something is not as it has to be.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What went as it should, or why not.
pub type Result<T> = std::result::Result<T, Failure>;
