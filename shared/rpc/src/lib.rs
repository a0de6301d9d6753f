#![doc = include_str!("../README.md")]

mod accounts;
mod client;
mod error;
mod payments;
mod pitches;
mod privacy;
mod server;
mod users;

pub use accounts::{Accounts, LiveSessions, MailToken, PublicUser, Recipient, Relation, Session};
pub use client::Targets;
pub use error::{Error, refusal};
pub use payments::{Balance, Held, Payments};
pub use pitches::{PitchCard, Pitches, Sight, SignedNda, Standing};
pub use privacy::{Keeper, Parts, Privacy, privacy_server};
pub use server::{Caller, Server, Started};
pub use users::Users;

/// Messages and service traits, generated from `proto/`.
#[allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic, reason = "generated")]
pub mod proto {
    /// Served by accounts.
    pub mod accounts {
        include!("gen/pitchey.accounts.v1.rs");
    }
    /// Served by payments.
    pub mod payments {
        include!("gen/pitchey.payments.v1.rs");
    }
    /// Served by pitches.
    pub mod pitches {
        include!("gen/pitchey.pitches.v1.rs");
    }
    /// Served by every service that keeps something about users.
    pub mod privacy {
        include!("gen/pitchey.privacy.v1.rs");
    }
}
