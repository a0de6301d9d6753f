#![doc = include_str!("../README.md")]

mod accounts;
mod analytics;
mod catalogue;
mod envelope;
mod ids;
mod messaging;
mod notifications;
mod payments;
mod pitches;
mod views;

pub use accounts::*;
pub use analytics::*;
pub use catalogue::{CATALOGUE, Entry, Kind, Service, entry};
pub use envelope::{Envelope, Event, Subject};
pub use ids::*;
pub use messaging::*;
pub use notifications::*;
pub use payments::*;
pub use pitches::*;
pub use views::*;
