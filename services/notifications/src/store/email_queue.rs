use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pitchey_db::Tx;
use pitchey_events::UserId;
use serde_json::Value;

use crate::schema::{email_queue, sql_types};
use crate::store::pg_enum;

pg_enum! {
    /// What became of a mail.
    Status = sql_types::EmailStatus {
        /// To be sent.
        Pending = "pending",
        /// The mail server took it.
        Sent = "sent",
        /// The recipient's server took it.
        Delivered = "delivered",
        /// The address takes no mail: never sent, or sent back.
        Bounced = "bounced",
        /// Given up.
        Failed = "failed",
        /// The recipient does not want it: never sent.
        Unsubscribed = "unsubscribed",
    }
}

/// A mail that a worker has claimed.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = email_queue)]
pub(crate) struct Mail {
    pub(crate) id: i64,
    pub(crate) to_email: String,
    pub(crate) from_email: String,
    pub(crate) subject: String,
    pub(crate) html_content: Option<String>,
    pub(crate) text_content: Option<String>,
    pub(crate) attempts: i32,
    pub(crate) error: Option<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) template: String,
    pub(crate) message_id: String,
    pub(crate) open_attempts: i16,
    pub(crate) user_id: Option<i32>,
}

/// One to be queued.
#[derive(Debug, Insertable)]
#[diesel(table_name = email_queue)]
pub(crate) struct New {
    pub(crate) to_email: String,
    pub(crate) from_email: String,
    pub(crate) subject: &'static str,
    pub(crate) html_content: Option<String>,
    pub(crate) text_content: Option<String>,
    pub(crate) status: Status,
    pub(crate) priority: i32,
    pub(crate) error: Option<String>,
    pub(crate) metadata: Value,
    pub(crate) scheduled_for: DateTime<Utc>,
    pub(crate) user_id: i32,
    pub(crate) template: &'static str,
    pub(crate) dedupe_key: String,
    pub(crate) message_id: String,
}

/// Queues `mails`, but none twice.
pub(crate) async fn insert(tx: &mut Tx, mails: &[New]) -> QueryResult<()> {
    // Each number of rows is a statement of its own.
    for mails in mails.chunks(50) {
        diesel::insert_into(email_queue::table)
            .values(mails)
            .on_conflict(email_queue::dedupe_key)
            .do_nothing()
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Takes up to `limit` that are due and nobody's, the most urgent first, for `worker` until `until`.
pub(crate) async fn claim(
    tx: &mut Tx,
    worker: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Mail>> {
    let due: Vec<i64> = due(now, limit).load(tx).await?;
    diesel::update(email_queue::table.filter(email_queue::id.eq_any(due)))
        .set((email_queue::claimed_by.eq(worker), email_queue::claimed_until.eq(until)))
        .returning(Mail::as_returning())
        .get_results(tx)
        .await
}

#[diesel::dsl::auto_type(no_type_alias)]
fn due(now: DateTime<Utc>, limit: i64) -> _ {
    // As a literal: a plan for any status could not use the partial index.
    let pending: SqlLiteral<Bool> = sql::<Bool>("status = 'pending'");
    email_queue::table
        .filter(pending)
        .filter(email_queue::scheduled_for.le(now))
        .filter(email_queue::claimed_until.is_null().or(email_queue::claimed_until.lt(now)))
        .order((email_queue::priority, email_queue::scheduled_for, email_queue::id))
        .select(email_queue::id)
        .limit(limit)
        .for_update()
        .skip_locked()
}

/// Begins an attempt with those of `ids` that are still `worker`'s, and says which they are: whoever was suspended for longer than the
/// claim lasted must not send what another one has.
pub(crate) async fn begin_attempt(
    tx: &mut Tx,
    worker: &str,
    ids: &[i64],
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Vec<i64>> {
    let mine = email_queue::table
        .filter(email_queue::id.eq_any(ids))
        .filter(email_queue::status.eq(Status::Pending))
        .filter(email_queue::claimed_by.eq(worker))
        .filter(email_queue::claimed_until.gt(now));
    diesel::update(mine)
        .set((
            email_queue::attempts.eq(email_queue::attempts + 1),
            email_queue::open_attempts.eq(email_queue::open_attempts + 1),
            email_queue::claimed_until.eq(until),
        ))
        .returning(email_queue::id)
        .get_results(tx)
        .await
}

/// The server took it. Whose claim it is does not matter: it is sent. False if that was known.
pub(crate) async fn sent(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> QueryResult<bool> {
    let pending =
        email_queue::table.filter(email_queue::id.eq(id)).filter(email_queue::status.eq(Status::Pending));
    let updated = diesel::update(pending)
        .set((
            email_queue::status.eq(Status::Sent),
            email_queue::sent_at.eq(now),
            email_queue::error.eq(None::<String>),
            email_queue::open_attempts.eq(0),
            email_queue::claimed_by.eq(None::<String>),
            email_queue::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(updated == 1)
}

/// To be tried again at `at`; `ended`: an attempt was begun, and its end is known. False if it is no longer `worker`'s.
pub(crate) async fn defer(
    tx: &mut Tx,
    worker: &str,
    id: i64,
    at: DateTime<Utc>,
    error: &str,
    ended: bool,
) -> QueryResult<bool> {
    let updated = diesel::update(claimed(worker, id))
        .set((
            email_queue::scheduled_for.eq(at),
            email_queue::error.eq(error),
            email_queue::open_attempts.eq(email_queue::open_attempts - i16::from(ended)),
            email_queue::claimed_by.eq(None::<String>),
            email_queue::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(updated == 1)
}

/// Not to be tried again. False if it is no longer `worker`'s.
pub(crate) async fn give_up(
    tx: &mut Tx,
    worker: &str,
    id: i64,
    status: Status,
    error: &str,
) -> QueryResult<bool> {
    let updated = diesel::update(claimed(worker, id))
        .set((
            email_queue::status.eq(status),
            email_queue::error.eq(error),
            email_queue::open_attempts.eq(0),
            email_queue::claimed_by.eq(None::<String>),
            email_queue::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(updated == 1)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn claimed<'a>(worker: &'a str, id: i64) -> _ {
    let pending: Status = Status::Pending;
    email_queue::table
        .filter(email_queue::id.eq(id))
        .filter(email_queue::status.eq(pending))
        .filter(email_queue::claimed_by.eq(worker))
}

/// A mail that somebody else speaks of.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = email_queue)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) to_email: String,
    pub(crate) status: Status,
}

/// The one with this Message-ID, locked to the end of the transaction.
pub(crate) async fn by_message_id(tx: &mut Tx, message_id: &str) -> QueryResult<Option<Known>> {
    email_queue::table
        .filter(email_queue::message_id.eq(message_id))
        .select(Known::as_select())
        .for_no_key_update()
        .first(tx)
        .await
        .optional()
}

/// Notes what a provider said of a mail that was sent.
pub(crate) async fn set_status(tx: &mut Tx, id: i64, status: Status, error: Option<&str>) -> QueryResult<()> {
    diesel::update(email_queue::table.find(id))
        .set((email_queue::status.eq(status), error.map(|error| email_queue::error.eq(error))))
        .execute(tx)
        .await?;
    Ok(())
}

/// A mail as its recipient's export tells of it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = email_queue)]
pub(crate) struct Told {
    pub(crate) id: i64,
    pub(crate) to_email: String,
    pub(crate) template: String,
    pub(crate) subject: String,
    pub(crate) text_content: Option<String>,
    pub(crate) status: Status,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
}

/// Up to `limit` of `user`'s after `after`, by id.
pub(crate) async fn after(tx: &mut Tx, user: UserId, after: i64, limit: i64) -> QueryResult<Vec<Told>> {
    email_queue::table
        .filter(email_queue::user_id.eq(user.0))
        .filter(email_queue::id.gt(after))
        .order(email_queue::id)
        .select(Told::as_select())
        .limit(limit)
        .load(tx)
        .await
}

/// Drops the bodies, and the lines of digests, of up to `limit` mails from before `before` that are no longer to be sent.
pub(crate) async fn forget_bodies(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    diesel::sql_query(
        "UPDATE email_queue SET html_content = NULL, text_content = NULL, metadata = metadata - 'digest'
         WHERE id = ANY (ARRAY(
             SELECT id FROM email_queue WHERE html_content IS NOT NULL AND created_at < $1 AND status <> 'pending'
             ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(tx)
    .await
}

/// Of a user who is gone: what is not sent yet never is, and what is left names nobody.
pub(crate) async fn erase(tx: &mut Tx, user: UserId) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE email_queue SET to_email = 'user-' || user_id || '@deleted.invalid', html_content = NULL, text_content = NULL,
                error = NULL, metadata = metadata - 'digest' - 'placeholders', claimed_by = NULL, claimed_until = NULL,
                status = CASE status WHEN 'pending' THEN 'failed' ELSE status END
         WHERE user_id = $1",
    )
    .bind::<Integer, _>(user.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// How much waits, and since when.
#[derive(Clone, Copy, Debug, Default, QueryableByName)]
pub(crate) struct Backlog {
    /// Mails to be sent.
    #[diesel(sql_type = BigInt)]
    pub(crate) mails: i64,
    /// When the first of them was due.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) mails_since: Option<DateTime<Utc>>,
    /// Mails to be addressed.
    #[diesel(sql_type = BigInt)]
    pub(crate) requests: i64,
    /// When the first of them was asked for.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) requests_since: Option<DateTime<Utc>>,
}

/// For the metrics.
pub(crate) async fn backlog(connection: &mut AsyncPgConnection) -> QueryResult<Backlog> {
    diesel::sql_query(
        "SELECT mails.*, requests.* FROM
            (SELECT count(*) AS mails, min(scheduled_for) AS mails_since FROM email_queue WHERE status = 'pending') AS mails,
            (SELECT count(*) AS requests, min(created_at) AS requests_since FROM email_requests WHERE held IS NULL) AS requests",
    )
    .get_result(connection)
    .await
}

#[cfg(test)]
mod tests {
    use pitchey_clock::Clock;
    use pitchey_testkit::{Plan, TestDatabase};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_claim_takes_the_most_urgent_from_the_index() {
        let db = TestDatabase::create().await;
        db.execute(
            "INSERT INTO email_queue (to_email, from_email, subject, template, dedupe_key, message_id, status, priority)
             SELECT 'a@example.test', 'b@example.test', 'x', 'welcome', n::text, n::text,
                    CASE WHEN n % 10 = 0 THEN 'pending'::email_status ELSE 'sent' END, 1 + n % 10
             FROM generate_series(1, 5000) AS n;
             ANALYZE email_queue",
        )
        .await;
        let mut connection = db.connect_as("pitchey_notifications_system").await;
        let plan = Plan::of(&mut connection, super::due(Clock::system().now(), 20)).await;
        plan.assert_uses_index("email_queue_claim_idx");
        plan.assert_never_sorts();
        plan.assert_never_scans("email_queue");
    }
}
