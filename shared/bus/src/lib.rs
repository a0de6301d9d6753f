#![doc = include_str!("../README.md")]

mod bus;
mod listeners;
mod message;
pub mod outbox;
mod plan;
mod schema;
mod settings;
mod subscriptions;

pub use bus::{Backlog, Bus, Health};
pub use listeners::{Hears, Listeners};
pub use plan::{Catalogue, Plan};
pub use settings::Broker;
pub use subscriptions::{Consumes, Failure, Handles, Subscriptions};
