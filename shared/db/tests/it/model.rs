use std::collections::BTreeMap;

use pitchey_testkit::TestDatabase;

use crate::ask;
use crate::documented::{ENUMERATIONS, INDEXES, TABLES, UNIQUE};

#[tokio::test]
async fn every_documented_column_exists_as_documented() {
    let db = TestDatabase::create().await;
    let columns = "
        SELECT relname || '.' || attname || ' ' || CASE typname
                   WHEN 'varchar' THEN format('varchar(%s)', atttypmod - 4)
                   WHEN 'numeric' THEN format_type(atttypid, atttypmod)
                   ELSE typname END || CASE WHEN attnotnull THEN '' ELSE '?' END AS answer
        FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        JOIN pg_type ON pg_type.oid = atttypid
        WHERE relnamespace = 'public'::regnamespace";
    let found = ask::texts(&mut db.admin().await, columns).await.unwrap();
    let missing: Vec<_> = TABLES
        .iter()
        .flat_map(|(table, columns)| columns.split(", ").map(move |column| format!("{table}.{column}")))
        .filter(|column| !found.contains(column))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[tokio::test]
async fn every_documented_index_exists() {
    let db = TestDatabase::create().await;
    let definitions = "SELECT tablename || ' ' || indexname || ' ' || indexdef AS answer FROM pg_indexes WHERE schemaname = 'public'";
    let found = ask::texts(&mut db.admin().await, definitions).await.unwrap();
    for (table, name, columns) in INDEXES {
        let beginning = format!("{table} {name} ");
        let index = found.iter().find(|index| index.starts_with(&beginning));
        let index = index.unwrap_or_else(|| panic!("{table} has no index {name}"));
        assert!(index.ends_with(&format!("USING btree ({columns})")), "{index}");
    }
    for (table, columns) in UNIQUE {
        let is_unique = |index: &&String| {
            index.starts_with(&format!("{table} "))
                && index.contains("CREATE UNIQUE INDEX")
                && index.ends_with(&format!("USING btree ({columns})"))
        };
        assert!(found.iter().any(|index| is_unique(&index)), "{table} may have the same {columns} twice");
    }
}

#[tokio::test]
async fn every_documented_enumeration_has_its_values() {
    let db = TestDatabase::create().await;
    let values = "SELECT typname || ': ' || string_agg(enumlabel, ', ' ORDER BY enumsortorder) AS answer
                  FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname";
    let found = ask::texts(&mut db.admin().await, values).await.unwrap();
    let found: BTreeMap<_, _> = found.iter().filter_map(|row| row.split_once(": ")).collect();
    for (name, values) in ENUMERATIONS {
        assert_eq!(found.get(name), Some(&values), "{name}");
    }
}

#[tokio::test]
async fn every_foreign_key_can_be_followed_backwards_by_an_index() {
    let db = TestDatabase::create().await;
    // RESTRICT and CASCADE look for the referring rows at each deletion.
    let unindexed = "
        SELECT conrelid::regclass || '.' || conname AS answer FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0
          AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])";
    assert_eq!(ask::texts(&mut db.admin().await, unindexed).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_added_table_says_what_it_is_for() {
    let db = TestDatabase::create().await;
    let silent = "SELECT relname::text AS answer FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                    AND relname <> '__diesel_schema_migrations' AND obj_description(oid, 'pg_class') IS NULL";
    let mut silent = ask::texts(&mut db.admin().await, silent).await.unwrap();
    silent.retain(|table| TABLES.iter().all(|(documented, _)| documented != table));
    assert_eq!(silent, Vec::<String>::new());
}
