//! Use cases: each takes an open transaction.

pub(crate) mod count;
pub(crate) mod dashboards;
pub(crate) mod erase;
pub(crate) mod record;
pub(crate) mod upkeep;
