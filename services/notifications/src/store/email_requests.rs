use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use serde_json::Value;
use uuid::Uuid;

use crate::schema::email_requests;

/// A mail that an event asked for.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = email_requests)]
pub(crate) struct Request {
    pub(crate) id: i64,
    pub(crate) event_id: Uuid,
    pub(crate) user_id: i32,
    pub(crate) template: String,
    pub(crate) letter: Value,
    pub(crate) attempts: i32,
}

/// One to be written.
#[derive(Debug, Insertable)]
#[diesel(table_name = email_requests)]
pub(crate) struct New<'a> {
    pub(crate) event_id: Uuid,
    pub(crate) user_id: i32,
    pub(crate) template: &'a str,
    pub(crate) letter: Value,
    pub(crate) not_before: DateTime<Utc>,
}

/// Writes `new` unless the event asked for this user's mail already.
pub(crate) async fn insert(tx: &mut Tx, new: &New<'_>) -> QueryResult<()> {
    diesel::insert_into(email_requests::table).values(new).on_conflict_do_nothing().execute(tx).await?;
    Ok(())
}

/// Takes up to `limit` that are due and nobody's, for `worker` until `until`.
pub(crate) async fn claim(
    tx: &mut Tx,
    worker: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Request>> {
    let due: Vec<i64> = due(now, limit).load(tx).await?;
    diesel::update(email_requests::table.filter(email_requests::id.eq_any(due)))
        .set((email_requests::claimed_by.eq(worker), email_requests::claimed_until.eq(until)))
        .returning(Request::as_returning())
        .get_results(tx)
        .await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn due(now: DateTime<Utc>, limit: i64) -> _ {
    email_requests::table
        .filter(email_requests::held.is_null())
        .filter(email_requests::not_before.le(now))
        .filter(email_requests::claimed_until.is_null().or(email_requests::claimed_until.lt(now)))
        .order((email_requests::not_before, email_requests::id))
        .select(email_requests::id)
        .limit(limit)
        .for_update()
        .skip_locked()
}

/// Those of `ids` that still are `worker`'s, locked to the end of the transaction.
pub(crate) async fn still_claimed(tx: &mut Tx, worker: &str, ids: &[i64]) -> QueryResult<Vec<i64>> {
    email_requests::table
        .filter(email_requests::id.eq_any(ids))
        .filter(email_requests::claimed_by.eq(worker))
        .order(email_requests::id)
        .select(email_requests::id)
        .for_update()
        .load(tx)
        .await
}

/// Gives `ids` back, to be tried again at `at`.
pub(crate) async fn postpone(tx: &mut Tx, worker: &str, ids: &[i64], at: DateTime<Utc>) -> QueryResult<()> {
    let mine = email_requests::table
        .filter(email_requests::id.eq_any(ids))
        .filter(email_requests::claimed_by.eq(worker));
    diesel::update(mine)
        .set((
            email_requests::attempts.eq(email_requests::attempts + 1),
            email_requests::not_before.eq(at),
            email_requests::claimed_by.eq(None::<String>),
            email_requests::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Keeps `ids` for the digest called `rhythm`.
pub(crate) async fn hold(tx: &mut Tx, ids: &[i64], rhythm: &str) -> QueryResult<()> {
    diesel::update(email_requests::table.filter(email_requests::id.eq_any(ids)))
        .set((
            email_requests::held.eq(rhythm),
            email_requests::claimed_by.eq(None::<String>),
            email_requests::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets `ids`: they are in the queue, or nobody is there to get them.
pub(crate) async fn delete(tx: &mut Tx, ids: &[i64]) -> QueryResult<()> {
    diesel::delete(email_requests::table.filter(email_requests::id.eq_any(ids))).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use pitchey_clock::Clock;
    use pitchey_events::UserType;
    use pitchey_testkit::{Plan, TestDatabase};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_claim_passes_what_is_held_for_digests() {
        let db = TestDatabase::create().await;
        let user = db.user(UserType::Creator).await;
        db.execute(&format!(
            "INSERT INTO email_requests (event_id, user_id, template, letter, held)
             SELECT gen_random_uuid(), {user}, 'nda-requested', '{{}}', CASE WHEN n % 100 > 0 THEN 'weekly' END
             FROM generate_series(1, 5000) AS n;
             ANALYZE email_requests"
        ))
        .await;
        let mut connection = db.connect_as("pitchey_notifications_system").await;
        let plan = Plan::of(&mut connection, super::due(Clock::system().now(), 50)).await;
        plan.assert_uses_index("email_requests_due_idx");
        plan.assert_never_sorts();
        plan.assert_never_scans("email_requests");
    }
}
