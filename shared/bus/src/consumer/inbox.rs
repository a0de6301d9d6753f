//! What makes an effect happen once: rows written in the effect's own transaction.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::sql_query;
use diesel::sql_types::{Array, Text};
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::Service;
use uuid::Uuid;

use crate::schema::seen_versions;

/// Remembers that `consumer` takes the events `ids`; returns those it had not taken before. Another transaction that is about to take one of
/// them is waited for. The bus does so for every event it delivers; a handler may for what an event holds, if that has ids of its own.
///
/// # Errors
/// The database's.
pub async fn take(tx: &mut Tx, consumer: Service, ids: &[Uuid]) -> QueryResult<HashSet<Uuid>> {
    // In one order everywhere, so that two transactions with some ids in common don't wait for each other.
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    #[derive(QueryableByName)]
    struct Fresh {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        event_id: Uuid,
    }
    // An array, as each number of rows would be a statement of its own.
    let fresh: Vec<Fresh> = sql_query(
        "INSERT INTO inbox (consumer, event_id) SELECT $1, event_id FROM unnest($2) AS event_id
         ON CONFLICT DO NOTHING RETURNING event_id",
    )
    .bind::<Text, _>(consumer.as_str())
    .bind::<Array<diesel::sql_types::Uuid>, _>(ids)
    .load(tx)
    .await?;
    Ok(fresh.into_iter().map(|fresh| fresh.event_id).collect())
}

/// Remembers the version of `subject`, unless `consumer` has seen a newer one; then it returns false. The same version is fine: several
/// states of a subject may change at once.
pub(super) async fn is_newest(
    tx: &mut Tx,
    consumer: Service,
    subject: &str,
    version: i64,
) -> QueryResult<bool> {
    let row = (
        seen_versions::consumer.eq(consumer.as_str()),
        seen_versions::subject.eq(subject),
        seen_versions::version.eq(version),
    );
    let changed = diesel::insert_into(seen_versions::table)
        .values(row)
        .on_conflict((seen_versions::consumer, seen_versions::subject))
        .do_update()
        .set(seen_versions::version.eq(excluded(seen_versions::version)))
        .filter(seen_versions::version.le(excluded(seen_versions::version)))
        .execute(tx)
        .await?;
    Ok(changed == 1)
}
