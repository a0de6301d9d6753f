//! What accounts can do: each takes an open transaction, or opens those it needs because the acting user is not known yet.

pub mod blocks;
pub mod closing;
pub mod companies;
pub mod consents;
pub mod exports;
pub mod flags;
pub mod login;
pub mod mail;
pub mod moderation;
pub mod passwords;
pub mod profile;
pub mod registration;
pub mod second_factor;
pub mod sessions;
pub mod sweep;
pub mod throttle;
pub mod users;
