use std::collections::{BTreeMap, BTreeSet};

use pitchey_testkit::TestDatabase;

use crate::ask;

const README: &str = include_str!("../../../../migrations/README.md");

/// The README's table of owners: by table, who owns it; everybody's tables are missing.
fn promised() -> BTreeMap<String, String> {
    let rows =
        README.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let owners = rows.filter(|(owner, _)| !matches!(*owner, "owner" | "every service"));
    owners
        .flat_map(|(owner, tables)| {
            let owned = tables.split(';').next().unwrap_or(tables);
            owned.split(", ").map(|table| (table.to_owned(), owner.to_owned()))
        })
        .collect()
}

#[tokio::test]
async fn every_table_belongs_to_exactly_one_service_the_one_that_is_told() {
    let db = TestDatabase::create().await;
    let grants = "
        SELECT DISTINCT table_name || ' ' || regexp_replace(grantee, '^pitchey_|_system$', '', 'g') AS answer
        FROM information_schema.column_privileges
        WHERE table_schema = 'public' AND grantee LIKE 'pitchey\\_%' AND grantee <> 'pitchey_owner'";
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for grant in ask::texts(&mut db.admin().await, grants).await.unwrap() {
        let (table, service) = grant.split_once(' ').unwrap();
        owners.entry(table.to_owned()).or_default().insert(service.to_owned());
    }
    let (shared, owned): (BTreeMap<_, _>, BTreeMap<_, _>) =
        owners.into_iter().partition(|(_, owners)| owners.len() > 1);

    let everybody = [
        "__diesel_schema_migrations",
        "audit_log",
        "idempotency_keys",
        "inbox",
        "maintenance_runs",
        "outbox",
        "seen_versions",
    ];
    assert_eq!(shared.keys().collect::<Vec<_>>(), everybody);
    assert!(shared.values().all(|services| services.len() == 6), "{shared:?}");

    let found: BTreeMap<_, _> =
        owned.into_iter().map(|(table, owners)| (table, owners.into_iter().next().unwrap())).collect();
    assert_eq!(found, promised());
}

#[tokio::test]
async fn every_table_has_an_owner() {
    let db = TestDatabase::create().await;
    let tables = "SELECT relname::text AS answer FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition";
    let promised = promised();
    let mut unowned = ask::texts(&mut db.admin().await, tables).await.unwrap();
    unowned.retain(|table| {
        !promised.contains_key(table) && !README.contains(table) && !table.starts_with("__diesel")
    });
    assert_eq!(unowned, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_gets_around_a_table_by_its_partitions() {
    let db = TestDatabase::create().await;
    let granted = "SELECT relname::text AS answer FROM pg_class
                   WHERE relispartition AND relkind IN ('r', 'p') AND EXISTS (
                       SELECT FROM aclexplode(relacl) JOIN pg_roles ON pg_roles.oid = grantee WHERE rolname <> 'pitchey_owner')";
    assert_eq!(ask::texts(&mut db.admin().await, granted).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn append_only_tables_refuse_change_even_from_superusers() {
    let db = TestDatabase::create().await;
    let user = db.viewer().await.id;
    db.execute(&format!(
        "INSERT INTO audit_log (user_id, action) VALUES ({user}, 'user.registered');
         INSERT INTO user_consents (user_id, purpose, document_version, granted) VALUES ({user}, 'terms', '1', true)"
    ))
    .await;
    let mut admin = db.admin().await;
    let append_only = "SELECT tgrelid::regclass::text AS answer FROM pg_trigger
                       WHERE tgfoid = 'refuse_change'::regproc AND tgparentid = 0 ORDER BY 1";
    let tables = ask::texts(&mut admin, append_only).await.unwrap();
    assert_eq!(tables, ["audit_log", "credit_ledger", "invoices", "stripe_events", "user_consents"]);
    for table in tables {
        let column = format!(
            "SELECT attname::text AS answer FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1"
        );
        let column = ask::texts(&mut admin, &column).await.unwrap().remove(0);
        let before = ask::count(&mut admin, &table).await.unwrap();
        for change in [
            format!("UPDATE {table} SET {column} = {column}"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ] {
            use diesel_async::SimpleAsyncConnection;
            let refused = admin.batch_execute(&change).await.expect_err(&change).to_string();
            assert!(refused.contains("is append-only"), "{change}: {refused}");
        }
        assert_eq!(ask::count(&mut admin, &table).await.unwrap(), before);
        let may = format!(
            "SELECT rolname::text AS answer FROM pg_roles WHERE rolname LIKE 'pitchey\\_%' AND rolname <> 'pitchey_owner'
             AND (has_any_column_privilege(rolname, '{table}', 'update') OR has_table_privilege(rolname, '{table}', 'delete, truncate'))"
        );
        assert_eq!(ask::texts(&mut admin, &may).await.unwrap(), Vec::<String>::new(), "{table}");
    }
}
