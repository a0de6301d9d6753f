//! Use cases. Each works in a transaction that somebody else opened and will commit, unless its description says otherwise.

pub mod billing;
pub mod buying;
pub mod erasure;
pub mod grants;
pub mod holds;
pub mod looking;
pub mod plans;
pub mod purchases;
pub mod reconcile;
pub mod subscribing;
pub mod subscriptions;
pub mod sweep;
pub mod webhooks;

use pitchey_db::Tx;
use pitchey_db::audit::{self, Origin};
use pitchey_events::UserId;
use serde_json::Value;

/// A row of the audit log about money.
pub fn record(
    tx: &mut Tx,
    actor: Option<UserId>,
    action: &str,
    entity_type: &str,
    entity_id: i64,
    new: Value,
) {
    let entry = audit::Entry {
        actor,
        action,
        entity_type: Some(entity_type),
        entity_id: Some(entity_id),
        new_values: Some(new),
        ..audit::Entry::default()
    };
    audit::record(tx, &Origin::default(), entry);
}
