#![doc = include_str!("../README.md")]

mod context;
mod keys;
mod signature;

pub use context::{Actor, Context, Principal};
pub use keys::{BadKey, Identity};
pub use signature::{HEADER, Refused, Request, Signer, Verified, Verifier};

#[cfg(test)]
mod tests;
