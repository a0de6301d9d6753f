//! The migrations and roles of the platform, embedded at compile time.

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use pitchey_config::Trust;

use crate::Error;
use schema::__diesel_schema_migrations;

/// Every migration, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
/// The roles, and what they need in a database before its first migration. Safe to apply again.
pub const ROLES: &str = include_str!("../../../deploy/postgres/roles.sql");
/// Differs when a migration or the roles do.
pub const FINGERPRINT: &str = env!("PITCHEY_SCHEMA_FINGERPRINT");

/// Held while migrations run, so that several programs started at once wait for one another.
const LOCK: &str = "SELECT pg_advisory_lock(hashtext('pitchey.migrations'))";

/// A migration waits this long for a table that others use; whoever comes after it waits behind it.
const AS_OWNER: &str = "SET ROLE pitchey_owner; SET lock_timeout = '10s'";

mod schema {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> VarChar,
        }
    }
}

/// A migration and whether it has run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Folder name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// A migration failed; the ones before it stay.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

/// Creates the roles and runs what is pending, as the owner. `admin_url` names a superuser, or a member of `pitchey_owner` that may create roles.
///
/// # Errors
/// With the failing migration's name and the database's words.
pub async fn up(admin_url: &str) -> Result<Vec<String>, Failed> {
    let mut connection = connect(admin_url).await?;
    connection.batch_execute(ROLES).await.map_err(|error| Failed(format!("roles.sql: {error}")))?;
    as_owner(connection, |harness| {
        let done = harness.run_pending_migrations(MIGRATIONS).map_err(|error| Failed(error.to_string()))?;
        Ok(done.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Reverts the newest `steps` migrations, or all.
///
/// # Errors
/// With the failing migration's name and the database's words.
pub async fn down(admin_url: &str, steps: Option<usize>) -> Result<Vec<String>, Failed> {
    as_owner(connect(admin_url).await?, move |harness| {
        let mut undone = Vec::new();
        let applied = harness.applied_migrations().map_err(|error| Failed(error.to_string()))?.len();
        for _ in 0..steps.unwrap_or(applied).min(applied) {
            let version =
                harness.revert_last_migration(MIGRATIONS).map_err(|error| Failed(error.to_string()))?;
            undone.push(version.to_string());
        }
        Ok(undone)
    })
    .await
}

/// Every migration this program knows, and whether the database has it.
///
/// # Errors
/// When the database can't be asked.
pub async fn status(url: &str) -> Result<Vec<Status>, Failed> {
    let mut connection = connect(url).await?;
    let applied = applied(&mut connection).await.map_err(|error| Failed(error.to_string()))?;
    Ok(known()
        .into_iter()
        .map(|(version, name)| Status { applied: applied.contains(&version), name })
        .collect())
}

/// Fails if the database lacks a migration this program was built with. Newer ones are fine: that is how a deploy rolls.
pub(crate) async fn refuse_pending(connection: &mut AsyncPgConnection) -> Result<(), Error> {
    let applied = applied(connection).await?;
    let mut pending =
        known().into_iter().filter(|(version, _)| !applied.contains(version)).map(|(_, name)| name);
    match pending.next() {
        None => Ok(()),
        Some(first) => Err(Error::MigrationsPending { pending: 1 + pending.count(), first }),
    }
}

async fn applied(connection: &mut AsyncPgConnection) -> QueryResult<Vec<String>> {
    let versions =
        __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection).await;
    match versions {
        // A database that no migration has ever seen.
        Err(diesel::result::Error::DatabaseError(_, info))
            if info.message().contains("__diesel_schema_migrations") =>
        {
            Ok(Vec::new())
        }
        other => other,
    }
}

fn known() -> Vec<(String, String)> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS
        .migrations()
        .unwrap_or_else(|error| unreachable!("embedded migrations are well-formed: {error}"));
    let mut known: Vec<_> =
        migrations.iter().map(|m| (m.name().version().to_string(), m.name().to_string())).collect();
    known.sort();
    known
}

async fn connect(url: &str) -> Result<AsyncPgConnection, Failed> {
    // The URL says who may vouch for the server: `sslrootcert`.
    crate::connect(url, &Trust::default()).await.map_err(|error| Failed(format!("cannot connect: {error}")))
}

async fn as_owner<T: Send + 'static>(
    mut connection: AsyncPgConnection,
    work: impl FnOnce(&mut AsyncMigrationHarness<AsyncPgConnection>) -> Result<T, Failed> + Send + 'static,
) -> Result<T, Failed> {
    connection.batch_execute(LOCK).await.map_err(|error| Failed(error.to_string()))?;
    connection.batch_execute(AS_OWNER).await.map_err(|error| Failed(error.to_string()))?;
    // The harness blocks its thread; both locks and the role end with the connection.
    tokio::task::spawn_blocking(move || work(&mut AsyncMigrationHarness::new(connection)))
        .await
        .map_err(|panic| Failed(panic.to_string()))?
}
