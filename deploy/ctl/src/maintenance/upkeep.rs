//! What only the owner of the tables may do, for all of them: no role of a service may, and none should. See docs/decisions.md.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_clock::Clock;
use pitchey_db::SystemDb;
use pitchey_jobs::{Every, Jobs};

use crate::{Failure, migrate};

/// Whose jobs these are, in `maintenance_runs`.
pub(super) const OWNER: &str = "platform";
const VACUUM: &str = "vacuum";
const REINDEX: &str = "reindex";
const STATISTICS: &str = "statistics";
/// How often who waits for another run looks whether it has ended.
const TURN: Duration = Duration::from_millis(500);
/// All of them.
pub(super) const JOBS: [&str; 3] = [VACUUM, REINDEX, STATISTICS];

/// Whole tables: what is done to one is done to its partitions.
const TABLES: &str = "
    SELECT format('%I', relname) AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND pg_has_role('pitchey_owner', relowner, 'usage')
    ORDER BY relname";
/// What a REINDEX CONCURRENTLY leaves that was cut off: valid for nothing, and written with every row.
const LEFTOVERS: &str = "
    SELECT format('%I', relname) AS name FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND NOT indisvalid AND relkind = 'i' AND relname ~ '_cc(new|old)[0-9]*$'";

/// At hours when hardly anybody is there. What was missed is made up for at once: nothing here keeps readers or writers out.
pub(super) fn jobs(db: SystemDb, clock: Clock, url: &str) -> Jobs<String> {
    Jobs::new(OWNER, db, clock, url.to_owned())
        .once(VACUUM, Every::week(3), vacuum)
        .once(REINDEX, Every::month(4), reindex)
        .once(STATISTICS, Every::quarter(5), statistics)
}

/// Gives back what deleted rows took, freezes old ones, and counts anew what the planner goes by. Returns how many tables.
async fn vacuum(url: String, _: DateTime<Utc>) -> Result<i64, Failure> {
    each(&mut owner(&url).await?, TABLES, "VACUUM (ANALYZE)").await
}

/// Builds all indexes anew beside the old ones. Returns how many tables.
async fn reindex(url: String, _: DateTime<Utc>) -> Result<i64, Failure> {
    let mut connection = owner(&url).await?;
    each(&mut connection, LEFTOVERS, "DROP INDEX CONCURRENTLY").await?;
    each(&mut connection, TABLES, "REINDEX TABLE CONCURRENTLY").await
}

/// Counts anew what the planner goes by, also for partitioned tables as a whole, at which autovacuum never looks. Returns how many tables.
async fn statistics(url: String, _: DateTime<Utc>) -> Result<i64, Failure> {
    each(&mut owner(&url).await?, TABLES, "ANALYZE").await
}

/// A connection of the run's own, when no other run of these is under way: REINDEX CONCURRENTLY and what waits for its tables would wait for one another. That
/// is why nobody waits in the database here, either. It gives up on a table that is locked for long instead of being what everybody else waits for.
async fn owner(url: &str) -> Result<AsyncPgConnection, Failure> {
    #[derive(QueryableByName)]
    struct Turn {
        #[diesel(sql_type = Bool)]
        ours: bool,
    }
    let mut connection = migrate::connect(url).await?;
    loop {
        // Held until the connection ends.
        let turn: Turn = sql_query("SELECT pg_try_advisory_lock(hashtext('pitchey.maintenance')) AS ours")
            .get_result(&mut connection)
            .await?;
        if turn.ours {
            break;
        }
        tokio::time::sleep(TURN).await;
    }
    for setting in
        ["SET ROLE pitchey_owner", "SET lock_timeout = '10s'", "SET application_name = 'pitchey maintenance'"]
    {
        connection.batch_execute(setting).await?;
    }
    Ok(connection)
}

/// Does `what` to everything that `of` names, one after the other: none of these may be in a transaction. What keeps it from one keeps it from no
/// other; then the run has failed.
async fn each(connection: &mut AsyncPgConnection, of: &str, what: &str) -> Result<i64, Failure> {
    #[derive(QueryableByName)]
    struct Named {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let all: Vec<Named> = sql_query(of).load(connection).await?;
    let mut failed = Vec::new();
    for Named { name } in &all {
        if let Err(error) = connection.batch_execute(&format!("{what} {name}")).await {
            failed.push(format!("{what} {name}: {error}"));
        }
    }
    if failed.is_empty() {
        Ok(i64::try_from(all.len()).unwrap_or(i64::MAX))
    } else {
        Err(Failure::Failed(failed.join("; ")))
    }
}
