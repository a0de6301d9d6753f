#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that can't be set up has failed, and says why"
)]

mod look;
mod person;
mod platform;
mod replica;

pub use look::{Appended, Audited};
pub use person::{As, PASSWORD, Person};
pub use pitchey_testkit::{Answer, Client, SOON, programs, wait_for, wait_until};
pub use platform::{Builder, Platform};
pub use replica::Replica;
