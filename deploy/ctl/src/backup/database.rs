//! The database to restore into, the one beside it, and how they change places.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use url::Url;

use super::manifest::Manifest;
use crate::{Failure, migrate};

/// Names and URLs. Databases are made and renamed from another one, `postgres`.
pub struct Place {
    name: String,
    new: String,
    /// What the former one is called afterwards.
    pub kept: String,
    url: String,
    pub new_url: String,
    outside_url: String,
}

/// What is there now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Former {
    Absent,
    Empty,
    Full,
}

impl Place {
    pub fn of(url: &str, now: DateTime<Utc>) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::Usage(format!("DATABASE_URL: {why}"));
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let name = parsed.path().trim_start_matches('/').to_owned();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if name.is_empty() || name == "postgres" || name.len() > 40 || !name.chars().all(plain) {
            return Err(wrong(format!(
                "the database must have a name of a-z, 0-9, _ and - other than postgres, not '{name}'"
            )));
        }
        let at = now.format("%Y%m%d%H%M%S");
        let (new, kept) = (format!("{name}_new_{at}"), format!("{name}_before_{at}"));
        let url_of = |database: &str| {
            let mut url = parsed.clone();
            url.set_path(&format!("/{database}"));
            url.into()
        };
        Ok(Self {
            new_url: url_of(&new),
            outside_url: url_of("postgres"),
            url: url.to_owned(),
            name,
            new,
            kept,
        })
    }

    /// What is there, or why it must not be touched.
    pub async fn look(&self, replace: bool) -> Result<Former, Failure> {
        let mut outside = self.outside().await?;
        let sql = "SELECT count(*) AS count FROM pg_database WHERE datname = $1";
        if count(&mut outside, sql, &self.name).await? == 0 {
            return Ok(Former::Absent);
        }
        // Before we look into it ourselves.
        let users = self.users(&mut outside).await?;
        let sql = "SELECT count(*) AS count FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                    WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND $1 <> ''";
        let tables = count(&mut migrate::connect(&self.url).await?, sql, &self.name).await?;
        match (tables, replace, users) {
            (0, ..) => Ok(Former::Empty),
            (_, false, _) => Err(Failure::Usage(format!(
                "{} holds {tables} tables. If it is to be replaced (and kept as {}): --replace",
                self.name, self.kept
            ))),
            (_, true, Some(users)) => {
                Err(Failure::Failed(format!("{} is in use by {users}: stop the services first", self.name)))
            }
            (_, true, None) => Ok(Former::Full),
        }
    }

    async fn users(&self, outside: &mut AsyncPgConnection) -> Result<Option<String>, Failure> {
        #[derive(QueryableByName)]
        struct Users {
            #[diesel(sql_type = Text)]
            roles: String,
        }
        let sql = "SELECT string_agg(DISTINCT usename, ', ') AS roles FROM pg_stat_activity
                    WHERE datname = $1 AND backend_type = 'client backend' HAVING count(*) > 0";
        let users: Option<Users> =
            sql_query(sql).bind::<Text, _>(&self.name).get_result(outside).await.optional()?;
        Ok(users.map(|Users { roles }| roles))
    }

    /// Makes the one beside it.
    pub async fn create(&self, manifest: &Manifest) -> Result<(), Failure> {
        let literal = |text: &str| text.replace('\'', "''");
        let sql = format!(
            "CREATE DATABASE \"{}\" TEMPLATE template0 ENCODING '{}' LC_COLLATE '{}' LC_CTYPE '{}'",
            self.new,
            literal(&manifest.encoding),
            literal(&manifest.collate),
            literal(&manifest.ctype)
        );
        Ok(self.outside().await?.batch_execute(&sql).await?)
    }

    pub async fn drop_new(&self) -> Result<(), Failure> {
        Ok(self
            .outside()
            .await?
            .batch_execute(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.new))
            .await?)
    }

    /// The new one takes the name, in one transaction.
    pub async fn swap(&self, former: Former) -> Result<(), Failure> {
        let mut outside = self.outside().await?;
        let Self { name, new, kept, .. } = self;
        let rename = |from: &str, to: &str| format!("ALTER DATABASE \"{from}\" RENAME TO \"{to}\";");
        let away = if former == Former::Absent { String::new() } else { rename(name, kept) };
        outside.batch_execute(&format!("BEGIN; {away} {} COMMIT", rename(new, name))).await.map_err(
            |error| {
                Failure::Failed(format!("restored as {new}, but it can't take the place of {name}: {error}"))
            },
        )?;
        if former == Former::Empty {
            outside.batch_execute(&format!("DROP DATABASE \"{kept}\"")).await?;
        }
        Ok(())
    }

    async fn outside(&self) -> Result<AsyncPgConnection, Failure> {
        migrate::connect(&self.outside_url).await
    }
}

async fn count(connection: &mut AsyncPgConnection, sql: &str, name: &str) -> Result<i64, Failure> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let Count { count } = sql_query(sql).bind::<Text, _>(name).get_result(connection).await?;
    Ok(count)
}
