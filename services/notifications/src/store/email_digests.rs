use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;

use crate::schema::email_digests;

/// How often a digest comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rhythm {
    /// Each day.
    Daily,
    /// Each Monday.
    Weekly,
}

impl Rhythm {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// A digest that a worker has claimed.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName)]
pub(crate) struct Due {
    /// The day it is sent on.
    #[diesel(sql_type = Date)]
    pub(crate) period: NaiveDate,
    /// Whose.
    #[diesel(sql_type = Integer)]
    pub(crate) user_id: i32,
    /// Times that other services could not be asked.
    #[diesel(sql_type = Integer)]
    pub(crate) attempts: i32,
}

/// What became of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It is in the queue.
    Queued,
    /// There was nothing to tell.
    Empty,
    /// The preferences forbid it.
    Unwanted,
    /// Nobody is there to get it.
    Gone,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Empty => "empty",
            Self::Unwanted => "unwanted",
            Self::Gone => "gone",
        }
    }
}

/// Which digests are to be planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) rhythm: Rhythm,
    pub(crate) period: NaiveDate,
    /// What happened from then on, ...
    pub(crate) since: DateTime<Utc>,
    /// ... and before then, belongs into them.
    pub(crate) until: DateTime<Utc>,
}

/// A page of readers.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub(crate) struct Planned {
    /// The last of them.
    #[diesel(sql_type = Nullable<Integer>)]
    pub(crate) last: Option<i32>,
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub(crate) readers: i64,
    /// For how many of them nothing was planned before.
    #[diesel(sql_type = BigInt)]
    pub(crate) planned: i64,
}

/// Plans digests for up to `limit` readers with ids above `after`: who has something held back; for the weekly ones also who has not read what was
/// told in that time. Again is the same.
pub(crate) async fn plan(
    tx: &mut Tx,
    span: &Span,
    after: i32,
    limit: i64,
    now: DateTime<Utc>,
) -> QueryResult<Planned> {
    diesel::sql_query(
        "WITH readers AS (
             SELECT user_id FROM (
                 (SELECT DISTINCT user_id FROM email_requests WHERE held = $1 AND created_at < $4 AND user_id > $6
                  ORDER BY user_id LIMIT $7)
                 UNION
                 (SELECT DISTINCT user_id FROM notifications
                  WHERE $1 = 'weekly' AND read_at IS NULL AND created_at >= $3 AND created_at < $4 AND user_id > $6
                  ORDER BY user_id LIMIT $7)
             ) AS either ORDER BY user_id LIMIT $7
         ), planned AS (
             INSERT INTO email_digests (rhythm, period, user_id, not_before, created_at)
             SELECT $1, $2, user_id, $5, $5 FROM readers
             ON CONFLICT DO NOTHING
             RETURNING user_id
         )
         SELECT max(user_id) AS last, count(*) AS readers, (SELECT count(*) FROM planned) AS planned FROM readers",
    )
    .bind::<Text, _>(span.rhythm.as_str())
    .bind::<Date, _>(span.period)
    .bind::<Timestamptz, _>(span.since)
    .bind::<Timestamptz, _>(span.until)
    .bind::<Timestamptz, _>(now)
    .bind::<Integer, _>(after)
    .bind::<BigInt, _>(limit)
    .get_result(tx)
    .await
}

/// Takes up to `limit` of one rhythm that are due and nobody's, for `worker` until `until`.
pub(crate) async fn claim(
    tx: &mut Tx,
    rhythm: Rhythm,
    worker: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Due>> {
    // The key has three columns, so the rows are named by their place.
    diesel::sql_query(
        "UPDATE email_digests AS claimed SET claimed_by = $2, claimed_until = $4
         FROM (SELECT rhythm, period, user_id FROM email_digests
               WHERE outcome IS NULL AND rhythm = $1 AND not_before <= $3 AND (claimed_until IS NULL OR claimed_until < $3)
               ORDER BY not_before, rhythm, period, user_id LIMIT $5 FOR UPDATE SKIP LOCKED) AS due
         WHERE (claimed.rhythm, claimed.period, claimed.user_id) = (due.rhythm, due.period, due.user_id)
         RETURNING claimed.period, claimed.user_id, claimed.attempts",
    )
    .bind::<Text, _>(rhythm.as_str())
    .bind::<Text, _>(worker)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(until)
    .bind::<BigInt, _>(limit)
    .load(tx)
    .await
}

/// Notes what became of the digests of `users`; returns whose were still `worker`'s: only these are to be queued. In one transaction with that.
pub(crate) async fn settle(
    tx: &mut Tx,
    rhythm: Rhythm,
    period: NaiveDate,
    worker: &str,
    outcome: Outcome,
    users: &[i32],
) -> QueryResult<Vec<i32>> {
    diesel::update(claimed(rhythm, period, worker, users))
        .set((
            email_digests::outcome.eq(outcome.as_str()),
            email_digests::claimed_by.eq(None::<String>),
            email_digests::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .returning(email_digests::user_id)
        .get_results(tx)
        .await
}

/// Gives those of `users` back, to be tried again at `at`.
pub(crate) async fn postpone(
    tx: &mut Tx,
    rhythm: Rhythm,
    period: NaiveDate,
    worker: &str,
    users: &[i32],
    at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(claimed(rhythm, period, worker, users))
        .set((
            email_digests::attempts.eq(email_digests::attempts + 1),
            email_digests::not_before.eq(at),
            email_digests::claimed_by.eq(None::<String>),
            email_digests::claimed_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx)
        .await?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn claimed<'a>(rhythm: Rhythm, period: NaiveDate, worker: &'a str, users: &'a [i32]) -> _ {
    let word: &'static str = rhythm.as_str();
    email_digests::table
        .filter(email_digests::rhythm.eq(word))
        .filter(email_digests::period.eq(period))
        .filter(email_digests::user_id.eq_any(users))
        .filter(email_digests::claimed_by.eq(worker))
        .filter(email_digests::outcome.is_null())
}

/// What a user was told in the app and has not read.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Unread {
    #[diesel(sql_type = Integer)]
    pub(crate) user_id: i32,
    #[diesel(sql_type = Text)]
    pub(crate) title: String,
    /// The pitch it is about, or 0.
    #[diesel(sql_type = Integer)]
    pub(crate) pitch_id: i32,
}

/// The newest unread of each of `users` since `since`, `each` at most.
pub(crate) async fn unread(
    tx: &mut Tx,
    users: &[i32],
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    each: i64,
) -> QueryResult<Vec<Unread>> {
    diesel::sql_query(
        "SELECT readers.user_id, unread.title, unread.pitch_id
         FROM unnest($1) AS readers (user_id)
         CROSS JOIN LATERAL (
             SELECT title::text, coalesce((data ->> 'pitchId')::integer, 0) AS pitch_id FROM notifications
             WHERE notifications.user_id = readers.user_id AND read_at IS NULL AND created_at >= $2 AND created_at < $3
             ORDER BY created_at DESC, id DESC LIMIT $4
         ) AS unread",
    )
    .bind::<Array<Integer>, _>(users)
    .bind::<Timestamptz, _>(since)
    .bind::<Timestamptz, _>(until)
    .bind::<BigInt, _>(each)
    .load(tx)
    .await
}

/// Forgets up to `limit` that were planned before `before` and are settled.
pub(crate) async fn forget(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM email_digests WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM email_digests WHERE created_at < $1 AND outcome IS NOT NULL ORDER BY created_at LIMIT $2))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(tx)
    .await
}

#[cfg(test)]
mod tests {
    use pitchey_events::UserType;
    use pitchey_testkit::{Plan, TestDatabase};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_claim_takes_what_is_due_from_the_index() {
        let db = TestDatabase::create().await;
        let mut users = Vec::new();
        for _ in 0..20 {
            users.push(db.user(UserType::Creator).await);
        }
        db.execute(&format!(
            "INSERT INTO email_digests (rhythm, period, user_id, outcome)
             SELECT 'daily', '2026-01-01'::date + n / 20, {} + n % 20, CASE WHEN n % 100 > 0 THEN 'queued' END
             FROM generate_series(0, 9999) AS n;
             ANALYZE email_digests",
            users[0]
        ))
        .await;
        let mut connection = db.connect_as("pitchey_notifications_system").await;
        let query = diesel::sql_query(
            "SELECT rhythm, period, user_id FROM email_digests
             WHERE outcome IS NULL AND rhythm = 'daily' AND not_before <= now() AND (claimed_until IS NULL OR claimed_until < now())
             ORDER BY not_before, rhythm, period, user_id LIMIT 500 FOR UPDATE SKIP LOCKED",
        );
        let plan = Plan::of(&mut connection, query).await;
        plan.assert_uses_index("email_digests_due_idx");
        plan.assert_never_scans("email_digests");
    }
}
