#![doc = include_str!("../README.md")]

pub mod batches;
mod bus;
mod consumer;
mod context;
pub mod dead_letters;
mod error;
mod link;
mod listeners;
mod message;
pub mod outbox;
mod plan;
mod publisher;
mod receiver;
mod relay;
mod schema;
mod secure;
mod settings;
mod state;
mod subscriptions;
mod supervise;
mod tap;
mod topology;

pub use batches::{Batches, NotTaken};
pub use bus::{Backlog, Bus, Health, Monitor};
pub use consumer::by_hand::Delivered;
pub use consumer::inbox::take as take_once;
pub use error::Error;
pub use listeners::{Hears, Listeners};
pub use plan::{Catalogue, Plan};
pub use settings::Broker;
pub use subscriptions::{Consumes, Failure, Handles, HandlesMany, Subscriptions};
pub use tap::{Seen, Tap};
