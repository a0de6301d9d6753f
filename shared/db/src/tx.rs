use std::sync::Arc;

use std::time::Duration;

use diesel::QueryResult;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::sql_types::Text;
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{
    AnsiTransactionManager, AsyncConnectionCore, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
};
use tokio::sync::Notify;

use crate::kept::{Kept, is_kept_anyway};
use crate::{Appended, Error};

/// How long a dropped transaction may take to be rolled back before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// An open transaction. Diesel's queries run on it like on a connection. Dropped without [`Tx::commit`], it is rolled back.
pub struct Tx {
    // None only after commit, or in drop.
    connection: Option<Object<AsyncPgConnection>>,
    appended: Appended,
    has_events: bool,
    bells: Vec<Arc<Notify>>,
}

impl Tx {
    pub(crate) async fn begin(
        mut connection: Object<AsyncPgConnection>,
        sql: &str,
        appended: Appended,
    ) -> Result<Self, Error> {
        AnsiTransactionManager::begin_transaction_sql(&mut *connection, sql).await?;
        Ok(Self { connection: Some(connection), appended, has_events: false, bells: Vec::new() })
    }

    /// Makes it last. Afterwards, if events were appended, the relay is woken.
    ///
    /// # Errors
    /// The database's refusal; then nothing happened, unless the connection was lost on the way, when nobody knows.
    pub async fn commit(mut self) -> Result<(), Error> {
        let mut connection = self.take();
        AnsiTransactionManager::commit_transaction(&mut *connection).await?;
        drop(connection);
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
    /// The connection was lost: the database takes it back by itself.
    pub async fn rollback(mut self) -> Result<(), Error> {
        let mut connection = self.take();
        Ok(AnsiTransactionManager::rollback_transaction(&mut *connection).await?)
    }

    /// Waits for the lock called `name`, and holds it until the transaction ends. A name begins with whose it is: `messaging/discussion/1/2`.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock(&mut self, name: &str) -> QueryResult<()> {
        self.take_lock("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).await
    }

    /// [`Tx::lock`], but others may hold it in the same way at the same time.
    ///
    /// # Errors
    /// The database's.
    pub async fn lock_shared(&mut self, name: &str) -> QueryResult<()> {
        self.take_lock("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", name).await
    }

    async fn take_lock(&mut self, sql: &str, name: &str) -> QueryResult<()> {
        diesel::sql_query(sql).bind::<Text, _>(name).execute(self).await?;
        Ok(())
    }

    /// Remembers that events were appended: the relay is to be woken after the commit.
    pub const fn note_events(&mut self) {
        self.has_events = true;
    }

    /// Rings `bell` after the commit: a worker of this process has something to do.
    pub fn ring_after_commit(&mut self, bell: &Arc<Notify>) {
        self.bells.push(Arc::clone(bell));
    }

    fn take(&mut self) -> Object<AsyncPgConnection> {
        self.connection.take().unwrap_or_else(|| unreachable!("an open transaction has its connection"))
    }

    fn connection(&mut self) -> &mut AsyncPgConnection {
        self.connection.as_mut().unwrap_or_else(|| unreachable!("an open transaction has its connection"))
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // An early return in an op ends here: the connection is healthy and worth keeping. Without a runtime, or if this task is lost, the
        // pool sees the open transaction and discards the connection, which has the same effect. So it does if the rollback takes long: then
        // a query was given up half-way, and the server is still at it.
        if let (Some(mut connection), Ok(runtime)) =
            (self.connection.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move {
                let rollback = AnsiTransactionManager::rollback_transaction(&mut *connection);
                match tokio::time::timeout(PATIENCE, rollback).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "the connection of a dropped transaction was lost");
                    }
                    Err(_) => tracing::debug!("the connection of a dropped transaction is still busy"),
                }
            });
        }
    }
}

impl SimpleAsyncConnection for Tx {
    fn batch_execute(&mut self, query: &str) -> impl Future<Output = QueryResult<()>> + Send {
        self.connection().batch_execute(query)
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
        let query = source.as_query();
        if is_kept_anyway(&query) {
            AsyncConnectionCore::load(self.connection(), query)
        } else {
            AsyncConnectionCore::load(self.connection(), Kept(query))
        }
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        if is_kept_anyway(&source) {
            AsyncConnectionCore::execute_returning_count(self.connection(), source)
        } else {
            AsyncConnectionCore::execute_returning_count(self.connection(), Kept(source))
        }
    }
}
