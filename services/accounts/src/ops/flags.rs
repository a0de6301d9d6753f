//! Feature flags. Operators switch them, in a transaction of the owner of the tables; no door of the service does.

use chrono::{DateTime, Utc};
use pitchey_bus::outbox;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_db::{Error, Tx};
use pitchey_events::{FeatureFlagChanged, UserId};
use pitchey_flags::Flag;
use serde_json::{Value, json};

use crate::store::feature_flags;
pub use crate::store::feature_flags::{Own, Row};

/// Users with a setting of their own: every replica keeps them in memory.
const MOST_OWN: usize = 1_000;

/// What is to be different.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Off for everybody, or on for the share of them.
    pub enabled: Option<bool>,
    /// In percent of users, 0 to 100.
    pub share: Option<u8>,
    /// Users with a setting of their own; `None`: not any more.
    pub users: Vec<(UserId, Option<bool>)>,
}

/// Who wants it, and why.
#[derive(Clone, Copy, Debug)]
pub struct Operator<'a> {
    /// As they call themselves.
    pub name: &'a str,
    /// For whoever reads the audit log.
    pub reason: &'a str,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotSwitched {
    /// A share is 0 to 100 percent.
    #[error("a share is 0 to 100 percent")]
    NoShare,
    /// Nobody has this id.
    #[error("there is no user {0}")]
    NoSuchUser(UserId),
    /// Use a share.
    #[error("{MOST_OWN} users at most have settings of their own")]
    TooManyUsers,
    /// The database's.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<diesel::result::Error> for NotSwitched {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Every flag that was ever set, by name, also those that this program does not know.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx) -> Result<Vec<(Row, Own)>, Error> {
    Ok(feature_flags::all(tx).await?)
}

/// Makes `change` to `flag`, with its line in the audit log and its event. `None`: it is so already; then the transaction is not to be committed.
///
/// # Errors
/// See [`NotSwitched`].
pub async fn switch(
    tx: &mut Tx,
    flag: Flag,
    change: &Change,
    operator: Operator<'_>,
    now: DateTime<Utc>,
) -> Result<Option<(Row, Own)>, NotSwitched> {
    if change.share.is_some_and(|share| share > 100) {
        return Err(NotSwitched::NoShare);
    }
    let before = feature_flags::lock(tx, flag, operator.name, now).await?;
    let own_before = feature_flags::own(tx, flag).await?;
    let after = Row {
        description: flag.meaning().to_owned(),
        enabled: change.enabled.unwrap_or(before.enabled),
        share: change.share.map_or(before.share, i16::from),
        version: before.version + 1,
        updated_at: now,
        updated_by: operator.name.to_owned(),
        key: before.key.clone(),
    };
    let mut own = own_before.clone();
    for (user, enabled) in &change.users {
        match enabled {
            Some(enabled) => own.insert(*user, *enabled),
            None => own.remove(user),
        };
    }
    if own == own_before && (after.enabled, after.share) == (before.enabled, before.share) {
        return Ok(None);
    }
    if own.len() > MOST_OWN {
        return Err(NotSwitched::TooManyUsers);
    }
    feature_flags::set(tx, flag, &after).await?;
    for (user, enabled) in &change.users {
        feature_flags::set_own(tx, flag, *user, *enabled, NotSwitched::NoSuchUser(*user)).await?;
    }
    let mut new_values = values(&after, &own, change);
    new_values["by"] = json!(operator.name);
    new_values["reason"] = json!(operator.reason);
    let entry = Entry {
        action: "feature_flag.switched",
        entity_type: Some("feature_flag"),
        entity_key: Some(flag.to_string()),
        old_values: Some(values(&before, &own_before, change)),
        new_values: Some(new_values),
        ..Entry::default()
    };
    audit::record(tx, &Origin::default(), entry);
    outbox::append(tx, &FeatureFlagChanged { flag: flag.to_string(), version: after.version })?;
    Ok(Some((after, own)))
}

/// For the audit log: the flag, and those of its users whom the change is about.
fn values(row: &Row, own: &Own, change: &Change) -> Value {
    let users = change.users.iter().map(|(user, _)| (user.to_string(), json!(own.get(user))));
    json!({ "enabled": row.enabled, "share": row.share, "users": users.collect::<serde_json::Map<_, _>>() })
}
