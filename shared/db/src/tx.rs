use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::Text;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncConnectionCore, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use tokio::sync::Notify;

use crate::kept::{Kept, is_kept_anyway};
use crate::{Appended, Error};

/// How long a dropped transaction may take to be rolled back before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// An open transaction. Diesel's queries run on it like on a connection. Dropped without [`Tx::commit`], it is rolled back.
///
/// What needs no answer travels with the next statement: BEGIN, and what [`Tx::send`] got. Each round trip costs two processes more than most
/// statements do. So it begins and ends the transaction itself, which diesel's own manager would do one by one.
pub struct Tx {
    // None only after the transaction has ended.
    connection: Option<Object<AsyncPgConnection>>,
    waiting: Waiting,
    appended: Appended,
    has_events: bool,
    bells: Vec<Arc<Notify>>,
}

/// What goes with the next statement.
struct Waiting {
    /// `None`: it has gone.
    begin: Option<Sent>,
    statements: Vec<Sent>,
    /// They have begun to go. If that is so when the next statement comes, the one that took them along was given up, or failed.
    going: bool,
}

type Sent = Box<dyn for<'c> FnOnce(&'c AsyncPgConnection) -> BoxFuture<'c, QueryResult<()>> + Send + Sync>;

impl Tx {
    /// One that begins with `sql`, to which Postgres may take `wait`: it waits for nothing but the server itself.
    pub(crate) fn new(
        connection: Object<AsyncPgConnection>,
        sql: String,
        wait: Duration,
        appended: Appended,
    ) -> Self {
        let begin: Sent =
            Box::new(move |connection| async move { at_once(connection, &sql, wait).await }.boxed());
        Self {
            connection: Some(connection),
            waiting: Waiting { begin: Some(begin), statements: Vec::new(), going: false },
            appended,
            has_events: false,
            bells: Vec::new(),
        }
    }

    /// Sends `statement` without waiting for its answer: it goes with the next one, or with COMMIT, in order. If it fails, so does that.
    ///
    /// Its values must be of Postgres' own types: diesel would look up others first, and what comes next would overtake it.
    pub fn send(&mut self, statement: impl QueryFragment<Pg> + QueryId + Send + Sync + 'static) {
        self.waiting.statements.push(Box::new(move |mut connection| {
            let sending = AsyncConnectionCore::execute_returning_count(&mut connection, Kept(statement));
            sending.map(|sent| sent.map(|_| ())).boxed()
        }));
    }

    /// Makes it last. Afterwards, if events were appended, the relay is woken.
    ///
    /// # Errors
    /// The database's refusal; then nothing happened, unless the connection was lost or Postgres stood still on the way, when nobody knows.
    pub async fn commit(mut self) -> Result<(), Error> {
        // Not a simple query, which would overtake those that are yet to be prepared.
        diesel::sql_query("COMMIT").execute(&mut self).await?;
        drop(self.connection.take());
        if self.has_events {
            self.appended.ring();
        }
        for bell in &self.bells {
            bell.notify_one();
        }
        Ok(())
    }

    /// Takes it back, and waits until that is done.
    ///
    /// # Errors
    /// The connection was lost, or Postgres stands still: the database takes it back by itself.
    pub async fn rollback(mut self) -> Result<(), Error> {
        if self.waiting.begin.is_none() {
            roll_back(self.parts().0).await?;
        }
        drop(self.connection.take());
        Ok(())
    }

    /// The next statement waits for the lock called `name`, which is held until the transaction ends. A name begins with whose it is:
    /// `messaging/discussion/1/2`.
    pub fn lock(&mut self, name: &str) {
        self.take_lock("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name);
    }

    /// [`Tx::lock`], but others may hold it in the same way at the same time.
    pub fn lock_shared(&mut self, name: &str) {
        self.take_lock("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", name);
    }

    /// Statements of this transaction go by one plan a connection, whatever their values are: right for those by keys, which are planned as long as
    /// they run. Left to itself, Postgres plans many of them each time, as row level security and arrays look dearer to it in general than they are.
    pub fn plan_once(&mut self) {
        self.send(diesel::sql_query("SET LOCAL plan_cache_mode = force_generic_plan"));
    }

    fn take_lock(&mut self, sql: &'static str, name: &str) {
        self.send(diesel::sql_query(sql).bind::<Text, _>(name.to_owned()));
    }

    /// Remembers that events were appended: the relay is to be woken after the commit.
    pub const fn note_events(&mut self) {
        self.has_events = true;
    }

    /// Rings `bell` after the commit: a worker of this process has something to do.
    pub fn ring_after_commit(&mut self, bell: &Arc<Notify>) {
        self.bells.push(Arc::clone(bell));
    }

    /// The connection, and what is to be sent on it first.
    fn parts(&mut self) -> (&AsyncPgConnection, &mut Waiting) {
        match &self.connection {
            Some(connection) => (connection, &mut self.waiting),
            None => unreachable!("an open transaction has its connection"),
        }
    }
}

/// Waits for all that is `waiting`, and for `last`, which goes behind. Nothing goes before the answer is waited for.
fn after<'c, T: Send + 'c>(
    connection: &'c AsyncPgConnection,
    waiting: &'c mut Waiting,
    last: BoxFuture<'c, QueryResult<T>>,
) -> BoxFuture<'c, QueryResult<T>> {
    if waiting.begin.is_none() && waiting.statements.is_empty() && !waiting.going {
        return last;
    }
    async move {
        if std::mem::replace(&mut waiting.going, true) {
            // BEGIN may not have gone: what came now would last without its transaction.
            return Err(DieselError::BrokenTransactionManager);
        }
        let mut answer = None;
        let before = waiting.begin.take().into_iter().chain(waiting.statements.drain(..));
        let mut all: Vec<_> = before.map(|statement| Some(statement(connection))).collect();
        all.push(Some(last.map_ok(|got| answer = Some(got)).boxed()));
        in_order(all).await?;
        waiting.going = false;
        answer.ok_or(DieselError::BrokenTransactionManager)
    }
    .boxed()
}

/// Waits for all of `going`, or for the first that fails: those behind it fail only because of it, or have not gone at all.
///
/// diesel-async sends in the order of polling, and a statement that is yet to be prepared holds up those behind it.
async fn in_order(mut going: Vec<Option<BoxFuture<'_, QueryResult<()>>>>) -> QueryResult<()> {
    let mut failed = None;
    std::future::poll_fn(|context| {
        for place in 0..going.len() {
            match going[place].as_mut().map(|statement| statement.poll_unpin(context)) {
                Some(Poll::Ready(Ok(()))) => going[place] = None,
                Some(Poll::Ready(Err(error))) => {
                    failed = Some(error);
                    going.truncate(place);
                    break;
                }
                Some(Poll::Pending) | None => {}
            }
        }
        if going.iter().any(Option::is_some) {
            return Poll::Pending;
        }
        Poll::Ready(failed.take().map_or(Ok(()), Err))
    })
    .await
}

async fn roll_back(connection: &AsyncPgConnection) -> QueryResult<()> {
    at_once(connection, "ROLLBACK", PATIENCE).await
}

/// Runs what waits for nothing but the server itself, which may take `wait`.
async fn at_once(mut connection: &AsyncPgConnection, sql: &str, wait: Duration) -> QueryResult<()> {
    let answer = tokio::time::timeout(wait, connection.batch_execute(sql)).await;
    answer.unwrap_or_else(|_| {
        let silent = Box::new(format!("no answer within {wait:?}"));
        Err(DieselError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, silent))
    })
}

impl Drop for Tx {
    fn drop(&mut self) {
        // An early return in an op ends here: the connection is healthy and worth keeping, once it is rolled back. Nobody else may have it before;
        // if the rollback takes long, a query was given up half-way, and the server is still at it.
        let Some(connection) = self.connection.take() else { return };
        if self.waiting.begin.is_some() {
            return;
        }
        let mut open = Open(Some(connection));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let Some(connection) = &mut open.0 else { return };
                match roll_back(connection).await {
                    Ok(()) => drop(open.0.take()),
                    Err(error) => tracing::debug!(%error, "the connection of a dropped transaction is lost"),
                }
            });
        }
    }
}

/// A connection with an open transaction. The pool never gets it back so.
struct Open(Option<Object<AsyncPgConnection>>);

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

impl SimpleAsyncConnection for Tx {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        let (mut connection, waiting) = self.parts();
        // It would overtake those that are yet to be prepared.
        after(connection, waiting, std::future::ready(Ok(())).boxed()).await?;
        connection.batch_execute(query).await
    }
}

impl AsyncConnectionCore for Tx {
    type ExecuteFuture<'conn, 'query> =
        <AsyncPgConnection as AsyncConnectionCore>::ExecuteFuture<'conn, 'query>;
    type LoadFuture<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::LoadFuture<'conn, 'query>;
    type Stream<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Stream<'conn, 'query>;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = <AsyncPgConnection as AsyncConnectionCore>::Backend;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let (mut connection, waiting) = self.parts();
        let query = source.as_query();
        let last = if is_kept_anyway(&query) {
            AsyncConnectionCore::load(&mut connection, query)
        } else {
            AsyncConnectionCore::load(&mut connection, Kept(query))
        };
        after(connection, waiting, last)
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let (mut connection, waiting) = self.parts();
        let last = if is_kept_anyway(&source) {
            AsyncConnectionCore::execute_returning_count(&mut connection, source)
        } else {
            AsyncConnectionCore::execute_returning_count(&mut connection, Kept(source))
        };
        after(connection, waiting, last)
    }
}
