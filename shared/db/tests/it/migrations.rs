use std::process::Command;

use pitchey_db::{Databases, Error, migrations};
use pitchey_events::Service;
use pitchey_testkit::TestDatabase;

use crate::ask;

/// The whole schema as SQL.
fn dump(db: &TestDatabase) -> String {
    let output = Command::new("pg_dump").args(["--schema-only", "--dbname", &db.admin_url()]).output();
    let output = output.expect("pg_dump, which comes with Postgres");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dump = String::from_utf8(output.stdout).unwrap();
    // A fresh secret in every dump.
    let is_schema = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    dump.lines().filter(is_schema).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn up_down_to_nothing_and_up_again_is_the_same_schema() {
    let db = TestDatabase::empty().await;
    let done = migrations::up(&db.admin_url()).await.unwrap();
    assert_eq!(done.len(), migrations::status(&db.admin_url()).await.unwrap().len());
    let first = dump(&db);

    let undone = migrations::down(&db.admin_url(), None).await.unwrap();
    assert_eq!(undone.len(), done.len());
    let things = "SELECT relname::text AS answer FROM pg_class WHERE relnamespace = 'public'::regnamespace
                  UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                  UNION ALL SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
                  UNION ALL SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql'";
    let mut left = ask::texts(&mut db.admin().await, things).await.unwrap();
    left.retain(|name| !name.contains("__diesel_schema_migrations"));
    assert_eq!(left, Vec::<String>::new(), "left behind by down.sql");

    migrations::up(&db.admin_url()).await.unwrap();
    assert_eq!(dump(&db), first);
}

#[tokio::test]
async fn each_new_migration_reverts_exactly_what_it_did() {
    let db = TestDatabase::create().await;
    let whole = dump(&db);
    // The newest: older ones are not edited any more.
    for step in 1..=6 {
        migrations::down(&db.admin_url(), Some(step)).await.unwrap();
        let again = migrations::up(&db.admin_url())
            .await
            .unwrap_or_else(|error| panic!("{step} steps down: {error}"));
        assert_eq!(again.len(), step);
    }
    assert_eq!(dump(&db), whole);
}

#[tokio::test]
async fn programs_that_migrate_at_once_wait_for_one_another() {
    let db = TestDatabase::empty().await;
    let url = db.admin_url();
    let (one, other) = tokio::join!(migrations::up(&url), migrations::up(&url));
    let mut done = [one.unwrap().len(), other.unwrap().len()];
    done.sort_unstable();
    assert_eq!(done, [0, migrations::status(&url).await.unwrap().len()]);
}

#[tokio::test]
async fn a_service_refuses_to_start_while_migrations_are_pending() {
    let db = TestDatabase::create().await;
    let settings = db.settings(Service::Pitches);
    let newest = migrations::status(&db.admin_url()).await.unwrap().pop().unwrap();
    db.execute("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)")
        .await;
    match Databases::open(&settings).await.map(|_| ()) {
        Err(Error::MigrationsPending { pending: 1, first }) => assert_eq!(first, newest.name),
        other => panic!("{other:?}"),
    }

    db.execute("DROP TABLE __diesel_schema_migrations").await;
    let all = migrations::status(&db.admin_url()).await.unwrap();
    assert!(all.iter().all(|migration| !migration.applied));
    match Databases::open(&settings).await.map(|_| ()) {
        Err(Error::MigrationsPending { pending, .. }) => assert_eq!(pending, all.len()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_service_starts_on_a_schema_newer_than_itself() {
    let db = TestDatabase::create().await;
    db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231235959')").await;
    assert!(Databases::open(&db.settings(Service::Pitches)).await.is_ok());
}
