use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use deadpool::Runtime;
use deadpool::managed::{Hook, HookError, PoolError, Timeouts};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use pitchey_events::UserId;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;

use crate::connect::{Place, connect};
use crate::{Database, Error, Tx, migrations, usage};

/// A connection that rested this long is tried out before it is handed on: a restart of Postgres leaves dead ones, and BEGIN only goes with the first
/// statement. Under load they rest less, and that their end is noticed at once is enough.
const TRUSTED_IDLE: Duration = Duration::from_millis(100);
/// A connection that rested this long is closed.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Rung after each commit that appended events; the relay listens.
#[derive(Clone, Default)]
pub struct Appended(Arc<Notify>);

impl Appended {
    /// Rings.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until it rings, or returns at once if it has since the last call.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// Both roles' doors to the database.
#[derive(Clone)]
pub struct Databases {
    /// For requests of users.
    pub user: UserDb,
    /// For consumers, jobs and gRPC.
    pub system: SystemDb,
    /// Rung when a transaction of either committed events.
    pub appended: Appended,
}

impl Databases {
    /// Makes the pools, waits for Postgres as long as it takes, and checks the schema. Must be called on the runtime that is to drive the
    /// connections; the pools may then be used from any other.
    ///
    /// # Errors
    /// [`Error::MigrationsPending`], or [`Error::Url`].
    pub async fn open(settings: &Database) -> Result<Self, Error> {
        let appended = Appended::default();
        let door = |role, url: &SecretString, size, name| {
            // Else it would be waited for.
            Place::read(url.expose_secret())
                .and_then(|place| place.tls(&settings.trust))
                .map_err(|what| Error::Url { name, what })?;
            Door::new(role, url, size, settings, appended.clone())
        };
        let databases = Self {
            user: UserDb(door("user", &settings.user_url, settings.user_pool, "USER_URL")?),
            system: SystemDb(door("system", &settings.system_url, settings.system_pool, "SYSTEM_URL")?),
            appended: appended.clone(),
        };
        let doors = [&databases.user.0, &databases.system.0];
        tokio::spawn(usage::tell(doors.map(|door| (door.role, door.pool.weak()))));
        let check =
            || async { migrations::refuse_pending(&mut *databases.system.0.connection().await?).await };
        check
            .retry(
                ExponentialBuilder::default()
                    .with_max_delay(Duration::from_secs(5))
                    .with_jitter()
                    .without_max_times(),
            )
            .when(|error| matches!(error, Error::Unavailable(_)))
            .notify(|error, after| tracing::warn!(%error, ?after, "waiting for Postgres"))
            .await?;
        Ok(databases)
    }
}

/// The door of the user role: row level security applies, as one user or as nobody.
#[derive(Clone)]
pub struct UserDb(Door);

impl UserDb {
    /// Opens a transaction as `user`, or as nobody, who sees no row that belongs to somebody. The user is set with BEGIN, which goes with
    /// the first statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had in time. One whose end was not noticed yet, or whose server stands still, is found out by
    /// the first statement.
    pub async fn begin(&self, user: Option<UserId>) -> Result<Tx, Error> {
        match user {
            Some(UserId(id)) => self.0.begin(format!("BEGIN; SET LOCAL app.uid = '{id}'")).await,
            None => self.0.begin("BEGIN".to_owned()).await,
        }
    }

    /// A connection outside of any transaction, as nobody: single statements on what is public.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none is to be had in time.
    pub async fn connection(&self) -> Result<Object<AsyncPgConnection>, Error> {
        self.0.connection().await
    }
}

/// The door of the system role: all rows of the service's tables.
#[derive(Clone)]
pub struct SystemDb(Door);

impl SystemDb {
    /// Opens a transaction.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had in time.
    pub async fn begin(&self) -> Result<Tx, Error> {
        self.0.begin("BEGIN".to_owned()).await
    }

    /// A connection outside of any transaction, for single statements.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none is to be had in time.
    pub async fn connection(&self) -> Result<Object<AsyncPgConnection>, Error> {
        self.0.connection().await
    }

    /// (connections in use, connections open, most allowed), of this door.
    pub fn usage(&self) -> (usize, usize, usize) {
        let status = self.0.pool.status();
        (status.size - status.available, status.size, status.max_size)
    }
}

#[derive(Clone)]
struct Door {
    /// As metrics name it.
    role: &'static str,
    pool: Pool<AsyncPgConnection>,
    wait: Duration,
    appended: Appended,
}

impl Door {
    fn new(
        role: &'static str,
        url: &SecretString,
        size: usize,
        settings: &Database,
        appended: Appended,
    ) -> Result<Self, Error> {
        let (runtime, trust, wait) =
            (tokio::runtime::Handle::current(), settings.trust.clone(), settings.wait());
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        // The task that drives a connection must not live on an actix worker, where a slow handler would stall it.
        config.custom_setup = Box::new(move |url| {
            let (url, trust, runtime) = (url.to_owned(), trust.clone(), runtime.clone());
            Box::pin(async move {
                runtime
                    .spawn(async move { connect(&url, &trust).await })
                    .await
                    .map_err(|stopped| diesel::ConnectionError::BadConnection(stopped.to_string()))?
            })
        });
        let manager = AsyncDieselConnectionManager::new_with_config(url.expose_secret(), config);
        let pool = Pool::builder(manager)
            .max_size(size)
            .timeouts(Timeouts { wait: Some(wait), create: Some(wait), recycle: Some(wait) })
            .runtime(Runtime::Tokio1)
            .post_recycle(Hook::async_fn(|connection: &mut AsyncPgConnection, metrics| {
                Box::pin(async move {
                    let idle = metrics.last_used();
                    if idle > MAX_IDLE {
                        return Err(HookError::message("idle for too long"));
                    }
                    if idle > TRUSTED_IDLE {
                        connection
                            .batch_execute("")
                            .await
                            .map_err(|lost| HookError::message(lost.to_string()))?;
                    }
                    Ok(())
                })
            }))
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { role, pool, wait, appended })
    }

    /// A server that stands still answers nothing, not even that it is away. The pool's own limits come first where they apply.
    async fn connection(&self) -> Result<Object<AsyncPgConnection>, Error> {
        let limit = self.wait * 2 + Duration::from_millis(100);
        tokio::time::timeout(limit, self.get())
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable(format!("no answer within {limit:?}"))))
    }

    async fn begin(&self, sql: String) -> Result<Tx, Error> {
        Ok(Tx::new(self.connection().await?, sql, self.wait, self.appended.clone()))
    }

    async fn get(&self) -> Result<Object<AsyncPgConnection>, Error> {
        let begun = Instant::now();
        let got = self.pool.get().await;
        usage::waited(self.role, begun.elapsed());
        got.map_err(|error| {
            if matches!(error, PoolError::Timeout(_)) {
                metrics::counter!("db_pool_timeouts_total").increment(1);
            }
            Error::Unavailable(error.to_string())
        })
    }
}
