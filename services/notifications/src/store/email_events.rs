use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use serde_json::Value;

use crate::schema::email_events;

/// What became of a mail, in the words of the table's check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server took it.
    Sent,
    /// It is to be tried again.
    Deferred,
    /// The address takes no mail.
    Bounced,
    /// It never will be sent.
    Failed,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
        }
    }
}

/// Remembers that `event` happened to the mail called `email`.
pub(crate) async fn insert(
    tx: &mut Tx,
    email: i64,
    event: Event,
    at: DateTime<Utc>,
    metadata: Option<Value>,
) -> QueryResult<()> {
    diesel::insert_into(email_events::table)
        .values((
            email_events::email_id.eq(email),
            email_events::event.eq(event.as_str()),
            email_events::timestamp.eq(at),
            email_events::metadata.eq(metadata),
        ))
        .execute(tx)
        .await?;
    Ok(())
}
