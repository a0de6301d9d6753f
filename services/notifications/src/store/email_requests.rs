use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Jsonb, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::UserId;
use serde::Serialize;
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
#[derive(Debug, Serialize)]
pub(crate) struct New {
    pub(crate) event_id: Uuid,
    pub(crate) user_id: i32,
    pub(crate) template: &'static str,
    pub(crate) letter: Value,
}

/// Writes `new`, those of a user in their order, but none that an event asked for already; due from `now`.
pub(crate) fn insert(tx: &mut Tx, new: &[New], now: DateTime<Utc>) -> QueryResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_value(new).map_err(|error| DieselError::SerializationError(error.into()))?;
    // One text for any number of rows.
    tx.send(
        diesel::sql_query(
            "INSERT INTO email_requests (event_id, user_id, template, letter, not_before, created_at)
         SELECT event_id, user_id, template, letter, $2, $2
         FROM ROWS FROM (jsonb_to_recordset($1) AS (event_id uuid, user_id integer, template text, letter jsonb))
              WITH ORDINALITY AS new (event_id, user_id, template, letter, number)
         ORDER BY user_id, number
         ON CONFLICT (event_id, user_id) DO NOTHING",
        )
        .bind::<Jsonb, _>(rows)
        .bind::<Timestamptz, _>(now),
    );
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

/// Keeps those of `ids` that are `worker`'s for the digest called `rhythm`.
pub(crate) async fn hold(tx: &mut Tx, worker: &str, ids: &[i64], rhythm: &str) -> QueryResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mine = email_requests::table
        .filter(email_requests::id.eq_any(ids))
        .filter(email_requests::claimed_by.eq(worker));
    diesel::update(mine)
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

/// What waits for the digest called `rhythm` of each of `users`, from before `until`; the oldest first.
pub(crate) async fn held(
    tx: &mut Tx,
    rhythm: &str,
    users: &[i32],
    until: DateTime<Utc>,
) -> QueryResult<Vec<Request>> {
    email_requests::table
        .filter(email_requests::held.eq(rhythm))
        .filter(email_requests::user_id.eq_any(users))
        .filter(email_requests::created_at.lt(until))
        .order((email_requests::user_id, email_requests::id))
        .select(Request::as_select())
        .load(tx)
        .await
}

/// All that is asked for `user`, sent or not yet.
pub(crate) async fn of(tx: &mut Tx, user: UserId) -> QueryResult<Vec<Request>> {
    email_requests::table
        .filter(email_requests::user_id.eq(user.0))
        .order(email_requests::id)
        .select(Request::as_select())
        .load(tx)
        .await
}

/// Forgets all of a user who is gone.
pub(crate) async fn erase(tx: &mut Tx, user: UserId) -> QueryResult<usize> {
    diesel::delete(email_requests::table.filter(email_requests::user_id.eq(user.0))).execute(tx).await
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
