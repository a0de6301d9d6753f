//! The audit log: who did what, written in the transaction of the act.

use diesel::prelude::*;
use pitchey_events::UserId;
use serde_json::Value;

use crate::Tx;
use schema::audit_log;

/// Where a request came from, as the audit log keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub ip: Option<String>,
    /// What the client calls itself, cut to 500 characters.
    pub user_agent: Option<String>,
    /// The request's id, which the client got too.
    pub request_id: Option<String>,
}

/// One line of the audit log.
#[derive(Clone, Debug, Default)]
pub struct Entry<'a> {
    /// Who acted; `None` for the platform itself and for people not logged in.
    pub actor: Option<UserId>,
    /// What was done: `nda.approved`.
    pub action: &'a str,
    /// To what kind of thing: `nda`.
    pub entity_type: Option<&'a str>,
    /// Its id, if it is a number.
    pub entity_id: Option<i64>,
    /// Its id, if it is not a number.
    pub entity_key: Option<String>,
    /// What it was before; never secrets or protected text.
    pub old_values: Option<Value>,
    /// What it is now; never secrets or protected text.
    pub new_values: Option<Value>,
}

/// Writes `entry` with the act: neither is there without the other.
pub fn record(tx: &mut Tx, origin: &Origin, entry: Entry<'_>) {
    tx.send(diesel::insert_into(audit_log::table).values((
        audit_log::user_id.eq(entry.actor.map(|id| id.0)),
        audit_log::action.eq(entry.action.to_owned()),
        audit_log::entity_type.eq(entry.entity_type.map(str::to_owned)),
        audit_log::entity_id.eq(entry.entity_id),
        audit_log::entity_key.eq(entry.entity_key),
        audit_log::old_values.eq(entry.old_values),
        audit_log::new_values.eq(entry.new_values),
        audit_log::ip_address.eq(origin.ip.clone()),
        audit_log::user_agent.eq(origin.user_agent.clone()),
        audit_log::request_id.eq(origin.request_id.clone()),
    )));
}

mod schema {
    diesel::table! {
        audit_log (id) {
            id -> BigInt,
            user_id -> Nullable<Integer>,
            action -> VarChar,
            entity_type -> Nullable<VarChar>,
            entity_id -> Nullable<BigInt>,
            entity_key -> Nullable<Text>,
            old_values -> Nullable<Jsonb>,
            new_values -> Nullable<Jsonb>,
            ip_address -> Nullable<VarChar>,
            user_agent -> Nullable<Text>,
            request_id -> Nullable<Text>,
        }
    }
}
