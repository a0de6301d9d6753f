//! `ctl maintenance`: the jobs of services, asked for; those of the whole database, done.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pitchey_clock::Clock;
use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs};
use pitchey_testkit::{Ports, SOON, TestDatabase, wait_until};

use crate::database::{count, ctl, said};

async fn fails(_: (), _: DateTime<Utc>) -> Result<i64, String> {
    Err("the bucket is away".to_owned())
}

async fn works(_: (), _: DateTime<Utc>) -> Result<i64, String> {
    Ok(12)
}

/// A replica of analytics, as far as its jobs are concerned.
async fn analytics(db: &TestDatabase) -> pitchey_jobs::Started {
    let system = db.databases(Service::Analytics).await.system;
    Jobs::new("analytics", system, Clock::system(), ())
        .once("maintenance", Every::day(0), works)
        .once("bucket", Every::day(0), fails)
        .start()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_service_is_asked_for_and_done_there() {
    let db = TestDatabase::create().await;
    let replica = analytics(&db).await;
    wait_until("the runs of the day", SOON, async || {
        count(&db, "SELECT count(*) FROM maintenance_runs WHERE finished_at IS NOT NULL").await == 2
    })
    .await;
    let done = ctl(&db, &["maintenance", "run", "maintenance"], &[]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).starts_with("analytics/maintenance: done in "), "{}", said(&done));
    assert!(said(&done).trim_end().ends_with("touched 12"), "{}", said(&done));

    let failed = ctl(&db, &["maintenance", "run", "analytics/bucket"], &[]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(said(&failed).contains("the bucket is away"), "{}", said(&failed));

    let list = said(&ctl(&db, &["maintenance", "list"], &[]));
    for (job, outcome) in [("analytics/maintenance", "succeeded"), ("analytics/bucket", "failed")] {
        assert!(list.lines().any(|line| line.starts_with(job) && line.contains(outcome)), "{list}");
    }
    assert!(list.contains("platform/vacuum"), "{list}");
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_do_is_said() {
    let db = TestDatabase::create().await;
    let unknown = ctl(&db, &["maintenance", "run", "dust"], &[]);
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
    db.execute(
        "INSERT INTO maintenance_runs (service, job, period, outcome)
         VALUES ('pitches', 'sweep', '1', 'succeeded'), ('payments', 'sweep', '1', 'succeeded'), ('ctl', 'import', '1', 'succeeded')",
    )
    .await;
    let several = ctl(&db, &["maintenance", "run", "sweep"], &[]);
    assert_eq!(several.status.code(), Some(2), "{}", said(&several));
    assert!(said(&several).contains("payments/sweep, pitches/sweep"), "{}", said(&several));
    let none = ctl(&db, &["maintenance", "run", "ctl/import"], &[]);
    assert_eq!(none.status.code(), Some(2), "what ctl notes of itself is no job: {}", said(&none));
    let nobody = ctl(&db, &["maintenance", "run", "pitches/sweep", "--within", "1"], &[]);
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));
    assert!(said(&nobody).contains("nobody began pitches/sweep"), "{}", said(&nobody));
    assert_eq!(count(&db, "SELECT count(*) FROM maintenance_runs WHERE by_hand").await, 0, "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_database_is_vacuumed_reindexed_and_counted() {
    let db = TestDatabase::create().await;
    let index = "SELECT relfilenode::bigint AS count FROM pg_class WHERE relname = 'pitches_pkey'";
    let before = count(&db, index).await;
    db.execute(
        "INSERT INTO analytics_events (event_type, created_at) SELECT 'x', now() FROM generate_series(1, 100);
         CREATE INDEX users_email_ccnew ON users (email);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_email_ccnew'::regclass",
    )
    .await;
    for (job, tables) in [("vacuum", "touched"), ("reindex", "touched"), ("statistics", "touched")] {
        let done = ctl(&db, &["maintenance", "run", job], &[]);
        assert!(done.status.success() && said(&done).contains(tables), "{}", said(&done));
    }
    let vacuumed = "SELECT count(*) FROM pg_stat_user_tables WHERE relname IN ('users', 'outbox_pitches', 'analytics_events_default') AND last_vacuum IS NOT NULL";
    // Postgres tells its statistics a moment later.
    wait_until("the vacuum to be counted", SOON, async || count(&db, vacuumed).await == 3).await;
    assert_ne!(count(&db, index).await, before, "built anew");
    let leftovers = "SELECT count(*) FROM pg_class WHERE relname = 'users_email_ccnew'";
    assert_eq!(count(&db, leftovers).await, 0, "what was cut off is cleared away");
    let as_a_whole = "SELECT count(*) FROM pg_stats WHERE tablename = 'analytics_events' AND inherited AND attname = 'event_type'";
    assert_eq!(count(&db, as_a_whole).await, 1, "autovacuum never looks at a partitioned table");
    let runs = "SELECT count(*) FROM maintenance_runs WHERE service = 'platform' AND by_hand AND outcome = 'succeeded' AND rows_affected > 40";
    assert_eq!(count(&db, runs).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_kept_from_it_is_named_and_keeps_no_other() {
    let db = TestDatabase::create().await;
    db.execute("ALTER TABLE users OWNER TO pitchey_owner; CREATE TABLE foreigners (id integer)").await;
    let done = ctl(&db, &["maintenance", "run", "statistics"], &[]);
    assert!(done.status.success(), "what others own is left alone: {}", said(&done));
    let mut holder = db.admin().await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut holder, "BEGIN; LOCK TABLE users").await.unwrap();
    let failed = ctl(&db, &["maintenance", "run", "statistics"], &[]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(said(&failed).contains("ANALYZE users: "), "{}", said(&failed));
    let after = "SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'view_salts' AND analyze_count = 2";
    wait_until("those after it", SOON, async || count(&db, after).await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_serves_does_what_is_due_once_and_shows_it() {
    let db = TestDatabase::create().await;
    let mut ports = Ports::new();
    let addresses = [(); 2].map(|()| SocketAddr::from(([127, 0, 0, 1], ports.take())));
    let mut serving: Vec<_> = addresses
        .iter()
        .map(|address| {
            tokio::process::Command::new(env!("CARGO_BIN_EXE_ctl"))
                .args(["maintenance", "serve", "--address", &address.to_string()])
                .env_clear()
                .env("DATABASE_URL", db.admin_url())
                .stdout(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .unwrap()
        })
        .collect();
    let done = "SELECT count(*) FROM maintenance_runs WHERE service = 'platform' AND outcome = 'succeeded'";
    wait_until("all three", SOON, async || count(&db, done).await == 3).await;
    assert_eq!(count(&db, "SELECT count(*) FROM maintenance_runs").await, 3, "one of them does each");
    let http = pitchey_testkit::http().build().unwrap();
    for address in addresses {
        let get = async |path: &str| {
            http.get(format!("http://{address}{path}")).send().await.ok()?.text().await.ok()
        };
        assert_eq!(get("/health").await.as_deref(), Some("healthy"));
        let asked = ctl(&db, &["ask", "/health", "--address", &address.to_string()], &[]);
        assert_eq!((asked.status.success(), said(&asked).trim()), (true, "healthy"));
        // The one that did none reads it from the table, twice a minute.
        wait_until("what is told", Duration::from_secs(60), async || {
            let told = r#"jobs_last_success_timestamp_seconds{service="platform",job_name="vacuum"}"#;
            get("/metrics").await.is_some_and(|text| text.contains(told))
        })
        .await;
    }
    for child in &mut serving {
        kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert!(child.wait().await.unwrap().success());
    }
    let nobody = ctl(&db, &["ask", "/health", "--address", &addresses[0].to_string()], &[]);
    assert_eq!(nobody.status.code(), Some(1));
}
