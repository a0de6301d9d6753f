//! `ctl seed`: the demo data.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{Bool, Jsonb, Text, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};

use crate::{Failure, migrate, second_factor, settings};

mod conversations;
mod data;
mod ndas;
mod versions;

use data::Demo;

const PASSWORD: &str = "Demo123";

/// Loads the demo data as the owner of the tables, in one transaction, unless it was loaded before.
pub(crate) async fn run(url: &str, at: DateTime<Utc>) -> Result<(), Failure> {
    if !settings::mode()?.is_development() {
        return Err(Failure::Usage(
            "demo data has a known password and belongs into development: PITCHEY_MODE=development".into(),
        ));
    }
    let demo = Demo::read()?;
    let mut connection = migrate::connect(url).await?;
    let loaded = connection.transaction(async |connection| load(connection, &demo, at).await).await?;
    if loaded {
        println!(
            "loaded {} users, {} pitches, {} NDAs; everybody's password is {PASSWORD}",
            demo.users.len(),
            demo.pitches.len(),
            demo.ndas.len()
        );
    } else {
        println!("the demo data was loaded before; nothing changed");
    }
    Ok(())
}

async fn load(connection: &mut AsyncPgConnection, demo: &Demo, at: DateTime<Utc>) -> Result<bool, Failure> {
    connection
        .batch_execute(
            "SET LOCAL ROLE pitchey_owner; SELECT pg_advisory_xact_lock(hashtext('pitchey.demo data'))",
        )
        .await?;
    if !claim(connection, at).await? {
        second_factor::check_key(connection).await?;
        return Ok(false);
    }
    refuse_used(connection, demo).await?;
    let written = versions::write(demo)?;
    let users = json!(demo.users);
    sql_query(include_str!("seed/sql/users.sql"))
        .bind::<Jsonb, _>(&users)
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(hash()?)
        .execute(connection)
        .await?;
    for (sql, rows) in [
        (include_str!("seed/sql/credits.sql"), users),
        (include_str!("seed/sql/pitches.sql"), versions::pitches(demo, &written)?),
        (include_str!("seed/sql/versions.sql"), versions::first(demo, &written)),
        (include_str!("seed/sql/ndas.sql"), ndas::rows(demo, &written, at)?),
        (include_str!("seed/sql/follows.sql"), json!(demo.follows)),
        (include_str!("seed/sql/policies.sql"), json!(demo.policies)),
    ] {
        insert(connection, sql, &rows, at).await?;
    }
    sql_query(include_str!("seed/sql/notifications.sql"))
        .bind::<Timestamptz, _>(at)
        .execute(connection)
        .await?;
    sql_query(include_str!("seed/sql/social.sql")).bind::<Timestamptz, _>(at).execute(connection).await?;
    sql_query(include_str!("seed/sql/companies.sql")).bind::<Timestamptz, _>(at).execute(connection).await?;
    connection.batch_execute(include_str!("seed/sql/consents.sql")).await?;
    if !second_factor::give(connection, at).await? {
        println!("without CTL_ADMIN_TOTP_SECRET the admin of the demo is an ordinary user");
    }
    sql_query(include_str!("seed/sql/views.sql")).bind::<Timestamptz, _>(at).execute(connection).await?;
    connection.batch_execute(include_str!("seed/sql/view_sums.sql")).await?;
    conversations::load(connection, at).await?;
    connection.batch_execute(include_str!("seed/sql/counts.sql")).await?;
    connection.batch_execute(include_str!("seed/sql/sequences.sql")).await?;
    Ok(true)
}

async fn insert(
    connection: &mut AsyncPgConnection,
    sql: &str,
    rows: &Value,
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    sql_query(sql).bind::<Jsonb, _>(rows).bind::<Timestamptz, _>(at).execute(connection).await?;
    Ok(())
}

/// Notes that the demo data is loaded; false if somebody did before. What a developer has changed since stays changed.
async fn claim(connection: &mut AsyncPgConnection, at: DateTime<Utc>) -> Result<bool, Failure> {
    let claimed = sql_query(
        "INSERT INTO maintenance_runs (service, job, period, started_at, finished_at, outcome)
         VALUES ('ctl', 'load_demo_data', 'once', $1, $1, 'succeeded')
         ON CONFLICT (service, job, period) DO NOTHING",
    )
    .bind::<Timestamptz, _>(at)
    .execute(connection)
    .await?;
    Ok(claimed == 1)
}

/// The demo data has fixed ids; what has them already is not to be touched.
async fn refuse_used(connection: &mut AsyncPgConnection, demo: &Demo) -> Result<(), Failure> {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        used: bool,
    }
    let last = demo.users.iter().map(|user| user.id).max().unwrap_or(0);
    let answer: Answer = sql_query("SELECT EXISTS (SELECT FROM users WHERE id <= $1) AS used")
        .bind::<diesel::sql_types::Integer, _>(last)
        .get_result(connection)
        .await?;
    if answer.used {
        return Err(Failure::Failed(
            "this database has users already, who have the ids of the demo data; it wants an empty one"
                .into(),
        ));
    }
    Ok(())
}

/// Argon2id with the parameters of accounts.
fn hash() -> Result<String, Failure> {
    Argon2::default()
        .hash_password(PASSWORD.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Failure::Failed(error.to_string()))
}
