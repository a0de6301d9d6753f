//! What accounts does with the events of others: nothing yet.

use pitchey_bus::Consumes;

/// The list.
pub fn subscriptions() -> Consumes {
    Consumes::nothing()
}
