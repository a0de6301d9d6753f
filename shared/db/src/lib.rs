#![doc = include_str!("../README.md")]

pub mod audit;
mod connect;
mod counted;
mod error;
mod kept;
pub mod migrations;
mod pool;
mod settings;
mod tx;
mod usage;
mod words;

pub use connect::{Place, connect};
pub use counted::Counted;
pub use error::{Error, OnConstraint};
pub use pool::{Appended, Databases, SystemDb, UserDb};
pub use settings::Database;
pub use tx::Tx;
