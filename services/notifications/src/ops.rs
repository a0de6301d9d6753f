//! Use cases: they take an open transaction.

pub(crate) mod digests;
pub(crate) mod erase;
pub(crate) mod notifications;
pub(crate) mod preferences;
pub(crate) mod reports;
pub(crate) mod retention;
pub(crate) mod tell;
pub(crate) mod unsubscribe;
