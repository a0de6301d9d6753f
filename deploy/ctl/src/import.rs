//! `ctl import`: brings a database of schema 2.0.0 in.
//!
//! Table by table, in batches, each a transaction. Ids stay. What is here already stays as it is, so that an import that was interrupted, or is
//! repeated, goes on where something is missing. What the rules of this schema do not allow is mended where a rule for it exists; where none
//! does, the row is left out. Both are reported.

mod conversations;
mod mending;
mod money;
mod people;
mod pitches;
mod records;
mod report;
mod table;

use chrono::{DateTime, Utc};
use clap::Args;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_clock::Clock;
use pitchey_config::Trust;
use pitchey_seal::Sealer;
use secrecy::SecretString;

use crate::{Failure, cli, migrate, settings};
use mending::Mending;
use report::Report;
use table::Table;

/// From where, and how.
#[derive(Debug, Args)]
pub struct Import {
    /// Where to.
    #[command(flatten)]
    database: cli::Database,
    /// URL of the database to bring in; it is only read.
    #[arg(
        long,
        value_name = "URL",
        env = "IMPORT_FROM",
        hide_env_values = true,
        value_parser = settings::database_url
    )]
    from: String,
    /// Rows in a transaction.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    batch: i64,
}

pitchey_config::settings! {
    /// What only this command needs.
    struct Keys {
        /// As in the services' own settings: what is personal is sealed on the way in.
        pii_key: SecretString,
    }
}

/// Parents before what refers to them.
fn tables() -> Vec<Table> {
    [people::TABLES, pitches::TABLES, conversations::TABLES, money::TABLES, records::TABLES].concat()
}

pub(crate) async fn run(arguments: Import) -> Result<(), Failure> {
    let keys = pitchey_config::load::<Keys>("ctl")?;
    let sealer = Sealer::new(&keys.pii_key).map_err(|error| Failure::Usage(error.to_string()))?;
    let now = Clock::system().now();
    let mut from = pitchey_db::connect(&arguments.from, &Trust::default())
        .await
        .map_err(|error| Failure::Failed(format!("cannot connect to --from: {error}")))?;
    // One picture of it, whatever happens there meanwhile.
    from.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TIME ZONE 'UTC'").await?;
    let mut to = migrate::connect(&arguments.database.url).await?;
    to.batch_execute("SET ROLE pitchey_owner; SET TIME ZONE 'UTC'").await?;
    begin(&mut from, &mut to, now).await?;
    make_partitions(&mut from, &mut to, now).await?;

    let mut mending = Mending::new(&mut from, sealer, now).await?;
    let mut report = Report::default();
    for table in tables() {
        let before = report.inserted();
        table.bring(&mut from, &mut to, arguments.batch, &mut mending, &mut report).await?;
        let (read, there) = (report.read(), table.count(&mut to).await?);
        println!("{:<26} {read:>9} read {:>9} new {there:>9} here", table.name, report.inserted() - before);
    }
    finish(&mut to, now).await?;
    print!("{report}");
    Ok(())
}

/// Takes the database for this import: a first one wants no users there, a further one wants the same source.
async fn begin(
    from: &mut AsyncPgConnection,
    to: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    #[derive(QueryableByName)]
    struct Source {
        #[diesel(sql_type = Text)]
        name: String,
    }
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        yes: bool,
    }
    let source: Source = sql_query(
        "SELECT coalesce((SELECT md5(id || email) FROM users ORDER BY id LIMIT 1), 'nobody') AS name",
    )
    .get_result(from)
    .await
    .map_err(|error| Failure::Failed(format!("--from is no database of schema 2.0.0: {error}")))?;
    let known: Answer = sql_query(
        "SELECT EXISTS (SELECT FROM maintenance_runs WHERE service = 'ctl' AND job = 'import' AND period = $1) AS yes",
    )
    .bind::<Text, _>(&source.name)
    .get_result(to)
    .await?;
    if known.yes {
        return Ok(());
    }
    let used: Answer = sql_query("SELECT EXISTS (SELECT FROM users) AS yes").get_result(to).await?;
    if used.yes {
        return Err(Failure::Failed(
            "this database has users of its own, whose ids the imported ones would take; it wants an empty one".into(),
        ));
    }
    sql_query(
        "INSERT INTO maintenance_runs (service, job, period, started_at) VALUES ('ctl', 'import', $1, $2)",
    )
    .bind::<Text, _>(&source.name)
    .bind::<diesel::sql_types::Timestamptz, _>(now)
    .execute(to)
    .await?;
    Ok(())
}

/// Rows of analytics go to the month they belong to.
async fn make_partitions(
    from: &mut AsyncPgConnection,
    to: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    #[derive(QueryableByName)]
    struct Months {
        #[diesel(sql_type = BigInt)]
        months: i64,
    }
    for table in ["pitch_views", "analytics_events"] {
        let sql = format!(
            "SELECT least(119, greatest(0, extract(year FROM age($1::timestamp, min(created_at)))::bigint * 12
                + extract(month FROM age($1::timestamp, min(created_at)))::bigint + 1)) AS months
             FROM {table} HAVING min(created_at) IS NOT NULL"
        );
        let found: Vec<Months> =
            sql_query(sql).bind::<diesel::sql_types::Timestamp, _>(now.naive_utc()).load(from).await?;
        let Some(found) = found.as_slice().first() else { continue };
        let sql = format!(
            "SELECT ensure_month_partitions('{table}', (($1 AT TIME ZONE 'UTC') - make_interval(months => $2::int))::date, $2::int + 1)"
        );
        sql_query(sql)
            .bind::<diesel::sql_types::Timestamptz, _>(now)
            .bind::<BigInt, _>(found.months)
            .execute(to)
            .await?;
    }
    Ok(())
}

/// What is computed from the rows, and the ids of rows to come.
async fn finish(to: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<(), Failure> {
    to.transaction(async |to| {
        to.batch_execute(include_str!("import/sql/finish.sql")).await?;
        sql_query("UPDATE maintenance_runs SET finished_at = $1, outcome = 'succeeded' WHERE service = 'ctl' AND job = 'import'")
            .bind::<diesel::sql_types::Timestamptz, _>(now)
            .execute(to)
            .await?;
        Ok::<_, Failure>(())
    })
    .await
}
