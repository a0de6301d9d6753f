//! Use cases: they take an open transaction.

pub(crate) mod notifications;
pub(crate) mod preferences;
pub(crate) mod tell;
