#![doc = include_str!("../README.md")]

mod accounts;
mod catalogue;
mod envelope;
mod ids;
mod pitches;

pub use accounts::*;
pub use catalogue::{CATALOGUE, Entry, Kind, Service, entry};
pub use envelope::{Envelope, Event, Subject};
pub use ids::*;
pub use pitches::*;
