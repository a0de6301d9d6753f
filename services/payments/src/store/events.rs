//! `stripe_events`: the inbox of webhooks.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::schema::stripe_events as events;

/// Notes that an event came. `false`: it had come before, or is being applied by somebody who then commits.
pub async fn remember(
    tx: &mut Tx,
    id: &str,
    kind: &str,
    object: &str,
    created_at: DateTime<Utc>,
    applied: bool,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let new = diesel::insert_into(events::table)
        .values((
            events::event_id.eq(id),
            events::kind.eq(kind),
            events::object_id.eq(object),
            events::created_at.eq(created_at),
            events::received_at.eq(now),
            events::outcome.eq(if applied { "applied" } else { "ignored" }),
        ))
        .on_conflict_do_nothing()
        .execute(tx)
        .await?;
    Ok(new == 1)
}
