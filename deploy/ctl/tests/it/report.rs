use std::process::Command;

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::SimpleAsyncConnection;
use pitchey_testkit::TestDatabase;

fn report(db: &TestDatabase) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_ctl"))
        .args(["db", "report", "--top", "300"])
        .env_clear()
        .env("DATABASE_URL", db.admin_url())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    said
}

/// The lines of one section.
fn section<'a>(report: &'a str, title: &str) -> Vec<&'a str> {
    let lines: Vec<_> = report.lines().skip_while(|line| !line.starts_with(title)).skip(1).collect();
    assert!(!lines.is_empty(), "no section {title}:\n{report}");
    lines.into_iter().take_while(|line| !line.is_empty()).collect()
}

fn has(lines: &[&str], words: &[&str]) -> bool {
    lines.iter().any(|line| words.iter().all(|word| line.contains(word)))
}

async fn counts_statements(db: &TestDatabase) -> bool {
    use diesel_async::RunQueryDsl;

    #[derive(QueryableByName)]
    struct Libraries {
        #[diesel(sql_type = Text)]
        libraries: String,
    }
    let sql = "SELECT current_setting('shared_preload_libraries') AS libraries";
    let Libraries { libraries } = sql_query(sql).get_result(&mut db.admin().await).await.unwrap();
    libraries.contains("pg_stat_statements")
}

#[tokio::test]
async fn slow_statements_are_told_or_why_they_are_not_known() {
    let db = TestDatabase::create().await;
    let unknown = section(&report(&db), "Statements that are slow").join("\n");
    assert!(unknown.contains("CREATE EXTENSION pg_stat_statements"), "{unknown}");
    if !counts_statements(&db).await {
        return; // A server of somebody else's: that is all there is to say.
    }
    db.execute("CREATE EXTENSION pg_stat_statements").await;
    db.execute("SELECT pg_sleep(0.05) AS the_slow_one").await;
    let report = report(&db);
    assert!(has(&section(&report, "Statements that are slow"), &["the_slow_one"]), "{report}");
}

#[tokio::test]
async fn tables_indexes_and_connections_are_told() {
    let db = TestDatabase::create().await;
    db.execute(
        "CREATE TABLE owners (id int PRIMARY KEY); INSERT INTO owners SELECT generate_series(1, 100);
         CREATE TABLE with_index (id int PRIMARY KEY, owner int REFERENCES owners);
         CREATE INDEX with_index_owner_idx ON with_index (owner);
         CREATE TABLE without_index (id int PRIMARY KEY, owner int CONSTRAINT without_index_fkey REFERENCES owners);
         INSERT INTO without_index SELECT n, n % 100 + 1 FROM generate_series(1, 20000) AS n; ANALYZE without_index;
         SELECT count(*) FROM without_index WHERE owner = 7; SELECT pg_stat_force_next_flush()",
    )
    .await;
    let mut service = db.connect_as("pitchey_pitches").await;
    service.batch_execute("SELECT 1").await.unwrap();

    let report = report(&db);
    let keys = section(&report, "Foreign keys without an index");
    assert!(has(&keys, &["without_index_fkey", "owners"]) && !has(&keys, &["with_index_owner"]), "{report}");
    let unused = section(&report, "Indexes nobody has used");
    assert!(has(&unused, &["with_index_owner_idx"]) && !has(&unused, &["_pkey"]), "{report}");
    assert!(
        has(&section(&report, "Large tables read from end to end"), &["without_index", "20000"]),
        "{report}"
    );
    let largest = section(&report, "Largest tables");
    assert!(has(&largest, &["without_index", "20000"]), "{report}");
    // Partitions are their table.
    assert!(has(&largest, &["pitch_views "]) && !has(&largest, &["pitch_views_default"]), "{report}");
    assert!(has(&section(&report, "Connections by role"), &["all roles, of", "allowed"]), "{report}");
}
