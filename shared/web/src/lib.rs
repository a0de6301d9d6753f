#![doc = include_str!("../README.md")]

mod body;
mod command;
mod error;
mod extract;
mod health;
mod idempotency;
mod middleware;
mod paging;
mod relayed;
mod server;
mod time;

pub use body::{ValidatedJson, ValidatedQuery, decode};
pub use command::{Answer, Command};
pub use error::{ApiError, ErrorBody, FieldError, RateLimit, Refusal, error_response};
pub use extract::{Actor, Context, Origin, PathId, Principal};
pub use health::{Health, Healthy};
pub use idempotency::forget_keys;
pub use paging::{COUNTED, Cursor, Listed, Meta, Paging};
pub use relayed::Relayed;
pub use server::{Server, Started, openapi};
pub use time::Timestamp;
