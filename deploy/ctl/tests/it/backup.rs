use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_testkit::TestDatabase;
use tempfile::TempDir;
use url::Url;

/// A folder with a key in it.
struct Safe {
    folder: TempDir,
    recipient: String,
}

impl Safe {
    /// `None` where age is not installed and nobody may install it: `deploy/dev/packages` has said so.
    fn new() -> Option<Self> {
        if Command::new("age").arg("--version").output().is_err() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("age-keygen").arg("-o").arg(folder.path().join("key")).output();
        assert!(made.is_ok_and(|made| made.status.success()), "age makes no key: apt-get install age");
        let key = fs::read_to_string(folder.path().join("key")).unwrap();
        let recipient = key.split_whitespace().find(|word| word.starts_with("age1")).unwrap().to_owned();
        Some(Self { folder, recipient })
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    fn backup(&self, db: &TestDatabase) -> PathBuf {
        let to = self.folder.path().to_str().unwrap();
        let made = ctl(db, &["backup", "--to", to, "--recipient", &self.recipient]);
        assert!(made.status.success(), "{}", said(&made));
        let files = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| *path != self.key()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    fn restore(&self, db: &TestDatabase, file: &Path, how: &[&str]) -> Output {
        let key = self.key();
        let mut arguments = vec!["restore", file.to_str().unwrap(), "--identity", key.to_str().unwrap()];
        arguments.extend(how);
        ctl(db, &arguments)
    }
}

fn ctl(db: &TestDatabase, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ctl"))
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("DATABASE_URL", db.admin_url())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Outside of the test's database, which must not be in use.
async fn outside(db: &TestDatabase) -> (AsyncPgConnection, String) {
    let mut url = Url::parse(&db.admin_url()).unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    url.set_path("/postgres");
    (AsyncPgConnection::establish(url.as_str()).await.unwrap(), name)
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Databases whose names begin with that of the test's.
async fn databases(db: &TestDatabase) -> Vec<String> {
    let (mut outside, name) = outside(db).await;
    let sql = "SELECT datname::text AS name FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1";
    let names: Vec<Name> = sql_query(sql).bind::<Text, _>(name).get_results(&mut outside).await.unwrap();
    names.into_iter().map(|Name { name }| name).collect()
}

/// Until Postgres has noticed that the test's own connections are closed.
async fn unused(db: &TestDatabase) {
    let (mut outside, name) = outside(db).await;
    let sql = "SELECT datname::text AS name FROM pg_stat_activity WHERE datname = $1";
    for _ in 0..500 {
        let users: Vec<Name> = sql_query(sql).bind::<Text, _>(&name).get_results(&mut outside).await.unwrap();
        if users.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{name} stays in use");
}

async fn users(db: &TestDatabase) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sql = "SELECT count(*) AS count FROM users";
    sql_query(sql).get_result::<Count>(&mut db.admin().await).await.unwrap().count
}

#[tokio::test]
async fn what_was_saved_comes_back_and_the_former_database_is_kept() {
    let Some(safe) = Safe::new() else { return };
    let db = TestDatabase::create().await;
    db.creator().await;
    db.creator().await;
    let file = safe.backup(&db);
    assert!(!fs::read(&file).unwrap().windows(9).any(|part| part == b"CREATE TA"), "it is not sealed");

    db.creator().await;
    unused(&db).await;
    let refused = safe.restore(&db, &file, &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--replace"), "{}", said(&refused));
    assert_eq!(users(&db).await, 3);

    unused(&db).await;
    let restored = safe.restore(&db, &file, &["--replace"]);
    assert!(restored.status.success(), "{}", said(&restored));
    assert_eq!(users(&db).await, 2);
    // Roles, row level security and sequences came along: the next user is possible, and a service sees what it may.
    db.creator().await;
    assert_eq!(users(&db).await, 3);
    let mut service = db.connect_as("pitchey_payments").await;
    assert!(sql_query("SELECT 1 FROM users").execute(&mut service).await.is_err());

    let all = databases(&db).await;
    let kept = all.iter().find(|name| name.contains("_before_")).expect("the former database");
    assert_eq!(all.len(), 2, "{all:?}");
    outside(&db).await.0.batch_execute(&format!("DROP DATABASE \"{kept}\" WITH (FORCE)")).await.unwrap();
}

#[tokio::test]
async fn a_database_in_use_is_not_replaced() {
    let Some(safe) = Safe::new() else { return };
    let db = TestDatabase::create().await;
    let file = safe.backup(&db);
    let _service = db.connect_as("pitchey_pitches").await;
    let refused = safe.restore(&db, &file, &["--replace"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("stop the services first"), "{}", said(&refused));
    assert_eq!(databases(&db).await.len(), 1);
}

#[tokio::test]
async fn a_damaged_backup_or_a_wrong_key_changes_nothing() {
    let (Some(safe), Some(other)) = (Safe::new(), Safe::new()) else { return };
    let db = TestDatabase::create().await;
    db.creator().await;
    let file = safe.backup(&db);
    assert!(safe.restore(&db, &file, &["--check"]).status.success());
    let empty = TestDatabase::empty().await;
    unused(&empty).await;

    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let last = flipped.len() - 40;
    flipped[last] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &flipped] {
        fs::write(&file, damaged).unwrap();
        assert_eq!(safe.restore(&empty, &file, &["--check"]).status.code(), Some(1));
        let refused = safe.restore(&empty, &file, &[]);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert_eq!(databases(&empty).await.len(), 1, "something is left over");
    }

    fs::write(&file, &whole).unwrap();
    assert_eq!(other.restore(&empty, &file, &[]).status.code(), Some(1));
    let restored = safe.restore(&empty, &file, &[]);
    assert!(restored.status.success(), "{}", said(&restored));
    assert_eq!(users(&empty).await, 1);
    assert_eq!(databases(&empty).await.len(), 1, "an empty database needs not be kept");
}
