//! `ctl migrate`: the schema, the roles and their passwords.

use clap::{Args, Subcommand};
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_config::Trust;
use pitchey_db::Place;
use pitchey_db::migrations::{self, Status};
use pitchey_events::Service;
use secrecy::{ExposeSecret, SecretString};

use crate::{Failure, cli, settings};

/// What to do to the schema.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Make the roles, run the pending migrations, set the passwords of the services' roles.
    ///
    /// Safe to run again. A role's password is taken from <SERVICE>_DATABASE__USER_URL and
    /// <SERVICE>_DATABASE__SYSTEM_URL; where a URL is not in the environment, the password stays what it is.
    Up,
    /// Undo the newest migration, or several. What the tables hold is lost.
    Down(Down),
    /// List the migrations. Exit code 1 if some are pending.
    Status,
}

/// How far back.
#[derive(Debug, Args)]
pub struct Down {
    /// How many.
    #[arg(long, default_value_t = 1, conflicts_with = "all")]
    steps: usize,
    /// Every one: nothing is left.
    #[arg(long)]
    all: bool,
    /// Yes, also outside of development mode.
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(command: Migrate, database: &cli::Database) -> Result<(), Failure> {
    let url = &database.url;
    match command {
        Migrate::Up => up(url).await,
        Migrate::Down(down) => {
            if !(down.yes || settings::mode()?.is_development()) {
                return Err(Failure::Usage("this destroys data. If it is meant: --yes".into()));
            }
            let undone = migrations::down(url, (!down.all).then_some(down.steps)).await?;
            report("undone", &undone, &migrations::status(url).await?);
            Ok(())
        }
        Migrate::Status => {
            let all = migrations::status(url).await?;
            for migration in &all {
                println!("{}  {}", if migration.applied { "applied" } else { "PENDING" }, migration.name);
            }
            match all.iter().filter(|migration| !migration.applied).count() {
                0 => Ok(()),
                pending => Err(Failure::Failed(format!("{pending} pending: ctl migrate up"))),
            }
        }
    }
}

async fn up(url: &str) -> Result<(), Failure> {
    report("applied", &migrations::up(url).await?, &migrations::status(url).await?);
    let mut connection = connect(url).await?;
    for (role, password) in passwords()? {
        set_password(&mut connection, &role, &password).await?;
    }
    Ok(())
}

fn report(done: &str, versions: &[String], all: &[Status]) {
    for version in versions {
        // The version is the name's date without its dashes.
        let name = all.iter().find(|migration| migration.name.replace('-', "").starts_with(version.as_str()));
        println!("{done}  {}", name.map_or(version.as_str(), |migration| migration.name.as_str()));
    }
    if versions.is_empty() {
        println!("no migration to be {done}");
    }
}

pub(crate) async fn connect(url: &str) -> Result<AsyncPgConnection, Failure> {
    // Who may vouch for the server is in the URL: `settings::database_url`.
    pitchey_db::connect(url, &Trust::default())
        .await
        .map_err(|error| Failure::Failed(format!("cannot connect to DATABASE_URL: {error}")))
}

pitchey_config::settings! {
    /// The part of a service's settings that names its roles.
    struct Roles {
        /// As in the service's own settings.
        database: Urls,
    }
}

pitchey_config::settings! {
    /// The two logins.
    struct Urls {
        /// As in the service's own settings.
        user_url: Option<SecretString> = None,
        /// As in the service's own settings.
        system_url: Option<SecretString> = None,
    }
}

/// Each role that a URL in the environment gives a password to.
fn passwords() -> Result<Vec<(String, String)>, Failure> {
    let mut passwords = Vec::new();
    for service in Service::ALL.iter().filter(|service| **service != Service::Gateway) {
        let Urls { user_url, system_url } = pitchey_config::load::<Roles>(service.as_str())?.database;
        for (url, variable, role) in [
            (user_url, "USER_URL", format!("pitchey_{service}")),
            (system_url, "SYSTEM_URL", format!("pitchey_{service}_system")),
        ] {
            let Some(url) = url else { continue };
            let variable = format!("{}_DATABASE__{variable}", service.as_str().to_uppercase());
            passwords.extend(password(&url, &variable, &role)?.map(|password| (role, password)));
        }
    }
    Ok(passwords)
}

fn password(url: &SecretString, variable: &str, role: &str) -> Result<Option<String>, Failure> {
    let Place { config, .. } = Place::read(url.expose_secret())
        .map_err(|error| Failure::Usage(format!("{variable} is not a URL of a database: {error}")))?;
    if config.get_user() != Some(role) {
        return Err(Failure::Usage(format!("{variable} must log in as {role}")));
    }
    match config.get_password().map(|password| String::from_utf8(password.to_vec())) {
        None => Ok(None), // It logs in some other way: a certificate, peer.
        Some(Ok(password)) => Ok(Some(password)),
        Some(Err(_)) => Err(Failure::Usage(format!("the password in {variable} is not UTF-8"))),
    }
}

/// Sends a SCRAM verifier, so that the password shows in no log of the server.
async fn set_password(connection: &mut AsyncPgConnection, role: &str, password: &str) -> Result<(), Failure> {
    #[derive(QueryableByName)]
    struct Statement {
        #[diesel(sql_type = Text)]
        sql: String,
    }
    let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
    let statement: Statement = sql_query("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2) AS sql")
        .bind::<Text, _>(role)
        .bind::<Text, _>(verifier)
        .get_result(connection)
        .await?;
    Ok(connection.batch_execute(&statement.sql).await?)
}
