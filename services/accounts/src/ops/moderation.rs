//! What admins do to accounts. Each act leaves a row in the audit log; none is done to an admin, which only an operator can.

use chrono::{DateTime, Utc};
use pitchey_db::Tx;
use pitchey_db::audit::{self, Entry, Origin};
use pitchey_events::UserId;
use pitchey_web::Refusal;
use serde_json::json;

use super::sessions;
use super::users::announce;
use crate::error::Error;
use crate::store::act_as;
use crate::store::sessions::EndReason;
use crate::store::users::{self, Standing, User};

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// It may only read.
    Suspend,
    /// It has no session.
    Ban,
    /// All is as before.
    Reinstate,
}

impl Measure {
    const fn action(self) -> &'static str {
        match self {
            Self::Suspend => "user.suspended",
            Self::Ban => "user.banned",
            Self::Reinstate => "user.reinstated",
        }
    }

    /// How an account stands after it; what happened already keeps its time.
    fn applied(self, before: Standing, now: DateTime<Utc>) -> Standing {
        match self {
            Self::Suspend => Standing { suspended_at: before.suspended_at.or(Some(now)), ..before },
            Self::Ban => Standing { banned_at: before.banned_at.or(Some(now)), ..before },
            Self::Reinstate => Standing { suspended_at: None, banned_at: None, ..before },
        }
    }
}

/// Takes `measure` against `id`; one that was taken before changes nothing.
pub async fn take(
    tx: &mut Tx,
    measure: Measure,
    id: UserId,
    admin: UserId,
    reason: Option<&str>,
    now: DateTime<Utc>,
    origin: &Origin,
) -> Result<User, Error> {
    let (user, _) = users::lock(tx, id).await?.ok_or(Refusal::NotFound)?;
    if user.anonymised_at.is_some() {
        return Err(Refusal::NotFound.into());
    }
    if user.is_admin {
        return Err(Error::AdminProtected);
    }
    let before = Standing::of(&user);
    let after = measure.applied(before, now);
    if after == before {
        return Ok(user);
    }
    let user = users::set_standing(tx, id, after, now).await?;
    if measure == Measure::Ban {
        // Sessions belong to the user: row level security shows them to nobody else.
        act_as(tx, id).await?;
        sessions::end_all(tx, id, None, EndReason::Banned, now, origin).await?;
        act_as(tx, admin).await?;
    }
    let entry = Entry {
        actor: Some(admin),
        action: measure.action(),
        entity_type: Some("user"),
        entity_id: Some(id.0.into()),
        old_values: Some(values(before)),
        new_values: Some(json!({ "standing": values(after), "reason": reason })),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
    announce(tx, &user)?;
    Ok(user)
}

fn values(standing: Standing) -> serde_json::Value {
    json!({ "suspended": standing.suspended_at.is_some(), "banned": standing.banned_at.is_some() })
}

/// Leaves a row for an admin's look at people's data.
pub fn looked(tx: &mut Tx, admin: UserId, action: &str, user: Option<UserId>, origin: &Origin) {
    let entry = Entry {
        actor: Some(admin),
        action,
        entity_type: user.map(|_| "user"),
        entity_id: user.map(|id| id.0.into()),
        ..Entry::default()
    };
    audit::record(tx, origin, entry);
}
