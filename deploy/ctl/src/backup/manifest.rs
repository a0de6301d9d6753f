//! What a database holds, so that what was restored can be compared with what was saved.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Of one moment.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this format; another is refused.
    pub format: u32,
    pub database: String,
    pub at: DateTime<Utc>,
    pub server: String,
    pub encoding: String,
    pub collate: String,
    pub ctype: String,
    /// By name; a partitioned table is one.
    pub tables: BTreeMap<String, Contents>,
    /// Where each stands; `None`: not used yet.
    pub sequences: BTreeMap<String, Option<i64>>,
}

/// Of a table.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    pub rows: i64,
    /// Sum of the hashes of all rows as text: the same in any order.
    pub digest: String,
}

pub const FORMAT: u32 = 1;

/// Opens a transaction that sees one moment, as the owner of everything, and gives that moment a name for others.
pub async fn snapshot(connection: &mut AsyncPgConnection) -> Result<String, Failure> {
    #[derive(QueryableByName)]
    struct Snapshot {
        #[diesel(sql_type = Text)]
        id: String,
    }
    connection
        .batch_execute("SET ROLE pitchey_owner; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let snapshot: Snapshot = sql_query("SELECT pg_export_snapshot() AS id").get_result(connection).await?;
    Ok(snapshot.id)
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Manifest {
    /// Of the database that `connection` sees.
    pub async fn of(connection: &mut AsyncPgConnection, at: DateTime<Utc>) -> Result<Self, Failure> {
        #[derive(QueryableByName)]
        struct Server {
            #[diesel(sql_type = Text)]
            database: String,
            #[diesel(sql_type = Text)]
            server: String,
            #[diesel(sql_type = Text)]
            encoding: String,
            #[diesel(sql_type = Text)]
            collate: String,
            #[diesel(sql_type = Text)]
            ctype: String,
        }
        // Rows as text must look the same on every server, and whole tables take their time.
        connection
            .batch_execute(
                "SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET bytea_output = 'hex';
                 SET extra_float_digits = 1; SET statement_timeout = 0",
            )
            .await?;
        let sql = "SELECT datname::text AS database, current_setting('server_version') AS server, pg_encoding_to_char(encoding)::text AS encoding,
                          datcollate::text AS collate, datctype::text AS ctype
                     FROM pg_database WHERE datname = current_database()";
        let Server { database, server, encoding, collate, ctype } =
            sql_query(sql).get_result(connection).await?;
        let (tables, sequences) = (tables(connection).await?, sequences(connection).await?);
        Ok(Self { format: FORMAT, database, at, server, encoding, collate, ctype, tables, sequences })
    }

    /// What is different in `other`, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let tables = self.tables.keys().chain(other.tables.keys());
        let sequences = self.sequences.keys().chain(other.sequences.keys());
        let mut different: Vec<_> = tables
            .filter(|name| self.tables.get(*name) != other.tables.get(*name))
            .map(|name| {
                let rows =
                    |of: &Self| of.tables.get(name).map_or("missing".to_owned(), |t| t.rows.to_string());
                format!("table {name}: rows {}, then {}", rows(self), rows(other))
            })
            .chain(
                sequences
                    .filter(|name| self.sequences.get(*name) != other.sequences.get(*name))
                    .map(|name| format!("sequence {name} stands elsewhere")),
            )
            .collect();
        different.sort();
        different.dedup();
        different
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: i64 = self.tables.values().map(|contents| contents.rows).sum();
        write!(
            f,
            "{} tables, {rows} rows of {}, {}",
            self.tables.len(),
            self.database,
            self.at.format("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

async fn tables(connection: &mut AsyncPgConnection) -> Result<BTreeMap<String, Contents>, Failure> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        rows: i64,
        #[diesel(sql_type = Text)]
        digest: String,
    }
    let sql = "SELECT format('%I.%I', nspname, relname) AS name
                 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT IN ('pg_catalog', 'information_schema')";
    let names: Vec<Named> = sql_query(sql).get_results(connection).await?;
    let mut tables = BTreeMap::new();
    for Named { name } in names {
        let sql = format!(
            "SELECT count(*) AS rows, coalesce(sum(hashtextextended(whole_row::text, 0)), 0)::text AS digest FROM {name} AS whole_row"
        );
        let Counted { rows, digest } = sql_query(sql).get_result(connection).await?;
        tables.insert(name, Contents { rows, digest });
    }
    Ok(tables)
}

async fn sequences(connection: &mut AsyncPgConnection) -> Result<BTreeMap<String, Option<i64>>, Failure> {
    #[derive(QueryableByName)]
    struct Sequence {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Nullable<BigInt>)]
        last: Option<i64>,
    }
    let sql =
        "SELECT format('%I.%I', schemaname, sequencename) AS name, last_value AS last FROM pg_sequences";
    let sequences: Vec<Sequence> = sql_query(sql).get_results(connection).await?;
    Ok(sequences.into_iter().map(|Sequence { name, last }| (name, last)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(rows: i64, digest: &str, last: Option<i64>) -> Manifest {
        Manifest {
            format: FORMAT,
            database: "pitchey".to_owned(),
            at: DateTime::UNIX_EPOCH,
            server: "15".to_owned(),
            encoding: "UTF8".to_owned(),
            collate: "C".to_owned(),
            ctype: "C".to_owned(),
            tables: [("public.users".to_owned(), Contents { rows, digest: digest.to_owned() })].into(),
            sequences: [("public.users_id_seq".to_owned(), last)].into(),
        }
    }

    #[test]
    fn a_changed_row_a_missing_table_and_a_sequence_are_told() {
        let saved = manifest(2, "7", Some(2));
        assert!(saved.differences(&manifest(2, "7", Some(2))).is_empty());
        assert_eq!(saved.differences(&manifest(2, "8", Some(2))), ["table public.users: rows 2, then 2"]);
        assert_eq!(
            saved.differences(&manifest(2, "7", None)),
            ["sequence public.users_id_seq stands elsewhere"]
        );
        let mut missing = manifest(2, "7", Some(2));
        missing.tables.clear();
        assert_eq!(saved.differences(&missing), ["table public.users: rows 2, then missing"]);
    }
}
