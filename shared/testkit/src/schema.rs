//! Compares a service's `schema.rs` with the database: diesel believes what is written there.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_events::Service;

use crate::TestDatabase;

mod parse;

/// By table, by column: its SQL type, with a question mark where NULL is allowed.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// Everybody's: a service's schema may name them, but need not.
const SHARED: [&str; 7] = [
    "__diesel_schema_migrations",
    "audit_log",
    "idempotency_keys",
    "inbox",
    "maintenance_runs",
    "outbox",
    "seen_versions",
];

/// Asserts that `source`, the text of the `schema.rs` of `service`, describes exactly the tables its roles have rights on, column by column:
/// `schema::assert_matches(&db, Service::Pitches, include_str!("../../src/schema.rs"))`.
///
/// # Panics
/// With every difference.
pub async fn assert_matches(db: &TestDatabase, service: Service, source: &str) {
    let differences = differences(&parse::tables(source), &tables_of(db, service).await);
    assert!(
        differences.is_empty(),
        "schema.rs of {service} and the database differ:\n  {}",
        differences.join("\n  ")
    );
}

fn differences(code: &Tables, database: &Tables) -> Vec<String> {
    let mut found = Vec::new();
    let tables: BTreeSet<_> = code.keys().chain(database.keys()).collect();
    for table in tables {
        match (code.get(table), database.get(table)) {
            (Some(code), Some(database)) => {
                let columns: BTreeSet<_> = code.keys().chain(database.keys()).collect();
                for column in columns {
                    let (code, database) = (code.get(column), database.get(column));
                    if code != database {
                        let tell =
                            |side: Option<&String>| side.map_or_else(|| "nothing".to_owned(), Clone::clone);
                        found.push(format!(
                            "{table}.{column}: schema.rs has {}, the database {}",
                            tell(code),
                            tell(database)
                        ));
                    }
                }
            }
            (Some(_), None) => found.push(format!("{table}: the service has no rights on such a table")),
            (None, _) if SHARED.contains(&table.as_str()) => {}
            (None, _) => found.push(format!("{table}: missing in schema.rs")),
        }
    }
    found
}

async fn tables_of(db: &TestDatabase, service: Service) -> Tables {
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        table: String,
        #[diesel(sql_type = Text)]
        column: String,
        #[diesel(sql_type = Text)]
        sql_type: String,
        #[diesel(sql_type = Bool)]
        nullable: bool,
    }
    let columns = sql_query(
        r#"SELECT relname::text AS "table", attname::text AS "column", typname::text AS sql_type, NOT attnotnull AS nullable
           FROM pg_class
           JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
           JOIN pg_type      ON pg_type.oid = atttypid
           WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
             AND EXISTS (
                 SELECT FROM unnest(ARRAY[$1, $1 || '_system']) AS role
                 WHERE has_table_privilege(role, pg_class.oid, 'select, insert, update, delete')
                    OR has_any_column_privilege(role, pg_class.oid, 'select, insert, update'))"#,
    );
    let columns: Vec<Column> = columns
        .bind::<Text, _>(format!("pitchey_{service}"))
        .load(&mut db.admin().await)
        .await
        .expect("the catalogue");
    let mut tables = Tables::new();
    for Column { table, column, sql_type, nullable } in columns {
        tables.entry(table).or_default().insert(column, sql_type + if nullable { "?" } else { "" });
    }
    tables
}
