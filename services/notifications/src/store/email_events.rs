use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text, Timestamptz};
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
    /// The recipient's server took it.
    Delivered,
    /// It was looked at.
    Opened,
    /// A link in it was followed.
    Clicked,
    /// The recipient called it spam.
    Complained,
    /// The recipient wants no more of this kind.
    Unsubscribed,
    /// The address takes no mail, or did not take this one.
    Bounced,
    /// It never will be sent.
    Failed,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Complained => "complained",
            Self::Unsubscribed => "unsubscribed",
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

/// What a provider says happened to the mail called `email`. False if it said so before: `provider_event_id` names it.
pub(crate) async fn told_by_provider(
    tx: &mut Tx,
    provider_event_id: &str,
    email: i64,
    event: Event,
    at: DateTime<Utc>,
    metadata: Value,
) -> QueryResult<bool> {
    // Should the mail be gone, what was said of it stays.
    let inserted = diesel::sql_query(
        "INSERT INTO email_events (email_id, event, \"timestamp\", metadata, provider_event_id)
         VALUES ((SELECT id FROM email_queue WHERE id = $1), $2, $3, $4, $5)
         ON CONFLICT (provider_event_id) DO NOTHING",
    )
    .bind::<BigInt, _>(email)
    .bind::<Text, _>(event.as_str())
    .bind::<Timestamptz, _>(at)
    .bind::<Jsonb, _>(metadata)
    .bind::<Text, _>(provider_event_id)
    .execute(tx)
    .await?;
    Ok(inserted == 1)
}

/// How many mails to `address` bounced softly since `since`. Whoever counts for the same address at the same time waits, and counts this one, too.
pub(crate) async fn soft_bounces(tx: &mut Tx, address: &str, since: DateTime<Utc>) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        mails: i64,
    }
    tx.lock(&format!("soft bounces/{}", address.to_lowercase()));
    let counted: Counted = diesel::sql_query(
        "SELECT count(DISTINCT email_id) AS mails FROM email_events
         WHERE event = 'bounced' AND metadata ->> 'kind' = 'soft' AND \"timestamp\" >= $2
           AND email_id IN (SELECT id FROM email_queue WHERE lower(to_email) = lower($1))",
    )
    .bind::<Text, _>(address)
    .bind::<Timestamptz, _>(since)
    .get_result(tx)
    .await?;
    Ok(counted.mails)
}

/// Forgets up to `limit` that are older than `before`.
pub(crate) async fn forget(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    let old = email_events::table
        .filter(email_events::timestamp.lt(before))
        .order(email_events::timestamp)
        .select(email_events::id)
        .limit(limit);
    let ids: Vec<i64> = old.load(tx).await?;
    diesel::delete(email_events::table.filter(email_events::id.eq_any(ids))).execute(tx).await
}
