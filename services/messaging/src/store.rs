//! All SQL: free functions, a file a table.

pub mod conversations;
pub mod export;
pub mod frames;
pub mod keys;
pub mod messages;
pub mod ndas;
pub mod participants;
#[cfg(test)]
mod plans;
pub mod rates;
pub mod receipts;
pub mod sockets;
pub mod typing;
