//! The relay's own connection to Postgres. It holds the lock of the leader and does all the leader's work, so who has lost it can't even read.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::dsl::sql;
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;
use pitchey_db::Databases;
use pitchey_events::Service;
use uuid::Uuid;

use super::Settled;
use crate::Backlog;
use crate::error::{Error, within};
use crate::message::Message;
use crate::schema::outbox;

/// Rows that questions about the whole outbox look at, the oldest: it may hold more than can be read in time.
const MOST_SEEN: i64 = 100_000;
/// Longer than the server lets a statement run.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);

// The server ends the session, and with it the leadership, of who says nothing for five seconds (a stopped process) or whose machine does not
// acknowledge packets for about as long.
//
// An outbox is empty whenever statistics are made of it, so Postgres would read all of it and sort, dead rows included. Here it goes by the key,
// and by plans that are made once.
const SETTINGS: &str = "
    SET idle_session_timeout = '5s';
    SET statement_timeout = '6s';
    SET lock_timeout = '6s';
    SET tcp_keepalives_idle = 2;
    SET tcp_keepalives_interval = 1;
    SET tcp_keepalives_count = 3;
    SET tcp_user_timeout = '5s';
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_sort = off;
    SET plan_cache_mode = force_generic_plan;
";

diesel::define_sql_function! { fn pg_try_advisory_lock(key: BigInt) -> Bool }
diesel::define_sql_function! { fn pg_advisory_unlock(key: BigInt) -> Bool }
diesel::define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt }

pub(super) struct Session {
    connection: AsyncPgConnection,
    producer: &'static str,
}

/// An event on its way.
#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox, check_for_backend(Pg))]
pub(super) struct Row {
    pub id: i64,
    event_id: Uuid,
    pub event_type: String,
    pub subject: String,
    subject_version: Option<i64>,
    traceparent: Option<String>,
    tracestate: Option<String>,
    payload: Json,
    occurred_at: DateTime<Utc>,
    pub attempts: i32,
}

impl Row {
    pub fn into_message(self, producer: Service) -> Message {
        Message {
            id: self.event_id,
            event_type: self.event_type,
            producer: producer.to_string(),
            subject: self.subject,
            subject_version: self.subject_version,
            occurred_at: self.occurred_at,
            traceparent: self.traceparent,
            tracestate: self.tracestate,
            body: self.payload.0,
        }
    }
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Double)]
    seconds: f64,
}

#[derive(QueryableByName)]
struct Measured {
    #[diesel(sql_type = BigInt)]
    depth: i64,
    #[diesel(sql_type = Double)]
    oldest: f64,
}

/// JSON as its text: the relay has no need to understand it.
#[derive(Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub(super) struct Json(Vec<u8>);

impl FromSql<Jsonb, Pg> for Json {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        match value.as_bytes() {
            [1, text @ ..] => Ok(Self(text.to_vec())),
            _ => Err("this version of jsonb is unknown".into()),
        }
    }
}

impl Session {
    pub async fn open(databases: &Databases, service: Service) -> Result<Self, Error> {
        // Taken out of the pool for good: it would otherwise be lent to somebody else with these settings.
        let mut connection = Object::take(databases.system.connection().await?);
        let producer = service.as_str();
        let listen = format!(
            "{SETTINGS} SET application_name = 'pitchey {producer} relay'; LISTEN \"{}\"",
            channel(producer)
        );
        within(ANSWER_LIMIT, "the relay's settings", connection.batch_execute(&listen)).await?;
        Ok(Self { connection, producer })
    }

    /// Whether this session leads, from now until its end.
    pub async fn try_lead(&mut self) -> Result<bool, Error> {
        let lock = diesel::select(pg_try_advisory_lock(hashtextextended(lock(self.producer), 0)));
        within(ANSWER_LIMIT, "the leader's lock", lock.get_result(&mut self.connection)).await
    }

    pub async fn release(&mut self) -> Result<(), Error> {
        let unlock = diesel::select(pg_advisory_unlock(hashtextextended(lock(self.producer), 0)));
        within(ANSWER_LIMIT, "the leader's lock", unlock.get_result::<bool>(&mut self.connection)).await?;
        Ok(())
    }

    /// The oldest rows but those of the subjects `without`. Never "newer than the last one": ids become visible out of order.
    pub async fn next(&mut self, without: &[String], limit: u16) -> Result<Vec<Row>, Error> {
        let next = next(&self.connection, self.producer, without, limit);
        within(ANSWER_LIMIT, "a window of the outbox", next).await
    }

    /// Deletes and delays the rows of a window, and takes the next one, in one round trip.
    pub async fn settle_then_next(
        &mut self,
        settled: &Settled,
        without: &[String],
        limit: u16,
    ) -> Result<Vec<Row>, Error> {
        let connection = &self.connection;
        let both = async {
            if !settled.failed.is_empty() {
                fail(connection, self.producer, &settled.failed).await?;
            }
            // Sent together, done one after the other.
            let done = delete(connection, self.producer, &settled.done);
            let (_, rows) = tokio::try_join!(done, next(connection, self.producer, without, limit))?;
            Ok::<_, diesel::result::Error>(rows)
        };
        within(ANSWER_LIMIT, "the deletion of a window", both).await
    }

    /// Subjects whose events the broker did not take lately, with the time they still have to wait. One that is not seen is only tried earlier.
    pub async fn waiting(&mut self) -> Result<Vec<(String, Duration)>, Error> {
        let waiting = sql_query(
            "SELECT subject, extract(epoch FROM next_attempt_at - now())::float8 AS seconds
             FROM (SELECT subject, next_attempt_at FROM outbox WHERE producer = $1 ORDER BY id LIMIT $2) AS seen
             WHERE next_attempt_at > now()",
        )
        .bind::<Text, _>(self.producer)
        .bind::<BigInt, _>(MOST_SEEN)
        .load::<Left>(&mut self.connection);
        let waiting = within(ANSWER_LIMIT, "what waits in the outbox", waiting).await?;
        Ok(waiting.into_iter().map(|left| (left.subject, seconds(left.seconds))).collect())
    }

    pub async fn backlog(&mut self) -> Result<Backlog, Error> {
        let backlog = sql_query(
            "SELECT count(*) AS depth, coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 AS oldest
             FROM (SELECT occurred_at FROM outbox WHERE producer = $1 ORDER BY id LIMIT $2) AS seen",
        )
        .bind::<Text, _>(self.producer)
        .bind::<BigInt, _>(MOST_SEEN)
        .get_result::<Measured>(&mut self.connection);
        let Measured { depth, oldest } = within(ANSWER_LIMIT, "the outbox's depth", backlog).await?;
        Ok(Backlog { depth: depth.unsigned_abs(), oldest: seconds(oldest) })
    }

    /// Shows the server that somebody is there, and that the server is.
    pub async fn touch(&mut self) -> Result<(), Error> {
        within(ANSWER_LIMIT, "a sign of life", self.connection.batch_execute("SELECT")).await
    }

    /// Outside of any transaction: NOTIFY inside one makes all writers queue at their commits.
    pub async fn poke_leader(&mut self) -> Result<(), Error> {
        let notify = format!("NOTIFY \"{}\"", channel(self.producer));
        within(ANSWER_LIMIT, "a poke", self.connection.batch_execute(&notify)).await
    }

    /// Until another replica pokes.
    pub async fn poked(&mut self) -> Result<(), Error> {
        let mut notifications = std::pin::pin!(self.connection.notifications_stream());
        match notifications.next().await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
            None => Err(Error::lost("the relay's connection to Postgres ended")),
        }
    }
}

fn channel(producer: &str) -> String {
    format!("pitchey.outbox.{producer}")
}

fn lock(producer: &str) -> String {
    format!("pitchey.relay.{producer}")
}

async fn next(
    mut connection: &AsyncPgConnection,
    producer: &str,
    without: &[String],
    limit: u16,
) -> QueryResult<Vec<Row>> {
    let oldest = outbox::table
        .filter(outbox::producer.eq(producer))
        .order(outbox::id)
        .limit(limit.into())
        .select(Row::as_select());
    if without.is_empty() {
        oldest.load(&mut connection).await
    } else {
        oldest.filter(outbox::subject.ne_all(without)).load(&mut connection).await
    }
}

async fn delete(mut connection: &AsyncPgConnection, producer: &str, ids: &[i64]) -> QueryResult<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let rows = outbox::table.filter(outbox::producer.eq(producer)).filter(outbox::id.eq_any(ids));
    diesel::delete(rows).execute(&mut connection).await
}

async fn fail(mut connection: &AsyncPgConnection, producer: &str, ids: &[i64]) -> QueryResult<usize> {
    let rows = outbox::table.filter(outbox::producer.eq(producer)).filter(outbox::id.eq_any(ids));
    let later =
        sql::<Nullable<Timestamptz>>("now() + least(60, power(2, least(attempts, 6))) * interval '1 second'");
    diesel::update(rows)
        .set((outbox::attempts.eq(outbox::attempts + 1), outbox::next_attempt_at.eq(later)))
        .execute(&mut connection)
        .await
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
