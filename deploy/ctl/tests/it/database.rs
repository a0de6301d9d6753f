use std::process::{Command, Output};

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_testkit::TestDatabase;

/// Runs `ctl` with nothing in its environment but what is given.
pub fn ctl(db: &TestDatabase, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ctl"))
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", db.admin_url())
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub async fn count(db: &TestDatabase, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    sql_query(sql).get_result::<Count>(&mut db.admin().await).await.unwrap().count
}

/// Everything the demo data consists of, as one text, but the password's hash and what is sealed, which are never the same twice.
async fn contents(db: &TestDatabase) -> String {
    #[derive(QueryableByName)]
    struct Contents {
        #[diesel(sql_type = Text)]
        contents: String,
    }
    let sql = "SELECT md5(string_agg(row, E'\\n' ORDER BY row)) AS contents FROM (
        SELECT 'u' || (to_jsonb(users) - 'password_hash')::text AS row FROM users
        UNION ALL SELECT 'p' || to_jsonb(pitches)::text FROM pitches
        UNION ALL SELECT 'v' || to_jsonb(pitch_versions)::text FROM pitch_versions
        UNION ALL SELECT 'n' || (to_jsonb(ndas) - 'signed_copy')::text FROM ndas
        UNION ALL SELECT 'f' || to_jsonb(follows)::text FROM follows
        UNION ALL SELECT 't' || to_jsonb(notifications)::text FROM notifications
        UNION ALL SELECT 'c' || to_jsonb(credits)::text FROM credits) AS rows";
    sql_query(sql).get_result::<Contents>(&mut db.admin().await).await.unwrap().contents
}

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ANOTHER: &str = "BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=";
const DEVELOPMENT: [(&str, &str); 4] = [
    ("MESSAGING_MASTER_KEYS", ANOTHER),
    ("PITCHEY_MODE", "development"),
    ("PITCHES_RECEIPT_SIGNING_KEY", KEY),
    ("PITCHES_PII_KEY", KEY),
];

#[tokio::test]
async fn migrations_go_up_and_down_and_say_so() {
    let db = TestDatabase::empty().await;
    let status = ctl(&db, &["migrate", "status"], &[]);
    assert_eq!(status.status.code(), Some(1), "{}", said(&status));
    assert!(said(&status).contains("PENDING  2026-11-22-100000_shared_create_foundations"));

    let up = ctl(&db, &["migrate", "up"], &[]);
    assert!(
        up.status.success() && said(&up).contains("applied  2026-11-22-110000_accounts_create_users"),
        "{}",
        said(&up)
    );
    assert!(ctl(&db, &["migrate", "status"], &[]).status.success());
    assert!(said(&ctl(&db, &["migrate", "up"], &[])).contains("no migration"));

    let refused = ctl(&db, &["migrate", "down"], &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(ctl(&db, &["migrate", "down", "--yes"], &[]).status.success());
    assert_eq!(ctl(&db, &["migrate", "status"], &[]).status.code(), Some(1));
    assert!(ctl(&db, &["migrate", "down", "--all", "--yes"], &[]).status.success());
    assert_eq!(count(&db, "SELECT count(*) AS count FROM pg_class WHERE relname = 'users'").await, 0);
}

#[tokio::test]
async fn a_url_of_another_role_is_refused_and_no_password_is_set() {
    let db = TestDatabase::create().await;
    let url = "postgres://somebody:secret-word@localhost/pitchey";
    let refused = ctl(&db, &["migrate", "up"], &[("ACCOUNTS_DATABASE__USER_URL", url)]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said(&refused).contains("ACCOUNTS_DATABASE__USER_URL must log in as pitchey_accounts"),
        "{}",
        said(&refused)
    );
    assert!(!said(&refused).contains("secret-word"));
}

#[tokio::test]
async fn demo_data_is_for_development_only() {
    let db = TestDatabase::create().await;
    let refused = ctl(&db, &["seed"], &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert_eq!(count(&db, "SELECT count(*) AS count FROM users").await, 0);
}

#[tokio::test]
async fn demo_data_is_the_same_every_time_and_loaded_once() {
    let at = ["seed", "--at", "2026-11-22T12:00:00Z"];
    let (one, two) = (TestDatabase::create().await, TestDatabase::create().await);
    for db in [&one, &two] {
        let loaded = ctl(db, &at, &DEVELOPMENT);
        assert!(loaded.status.success(), "{}", said(&loaded));
    }
    assert_eq!(contents(&one).await, contents(&two).await);

    let again = ctl(&one, &["seed"], &DEVELOPMENT);
    assert!(again.status.success() && said(&again).contains("nothing changed"), "{}", said(&again));
    assert_eq!(contents(&one).await, contents(&two).await);

    assert_eq!(count(&one, "SELECT count(*) AS count FROM users").await, 34);
    assert_eq!(count(&one, "SELECT count(*) AS count FROM pitches").await, 48);
    assert_eq!(count(&one, "SELECT count(DISTINCT status) AS count FROM pitches").await, 4);
    assert_eq!(count(&one, "SELECT count(DISTINCT status) AS count FROM ndas").await, 7);
    assert!(count(&one, "SELECT count(DISTINCT type) AS count FROM notifications").await >= 6);
    assert_eq!(count(&one, "SELECT count(DISTINCT status) AS count FROM content_reports").await, 3);
    let miscounted = "SELECT count(*) AS count FROM pitches WHERE (like_count, comment_count) IS DISTINCT FROM (
        (SELECT count(*) FROM pitch_likes WHERE pitch_id = pitches.id), (SELECT count(*) FROM pitch_comments WHERE pitch_id = pitches.id))";
    assert_eq!(count(&one, miscounted).await, 0, "a count that is not what is there");
    let untold = "SELECT count(*) AS count FROM ndas AS n JOIN pitches AS p ON p.id = n.pitch_id JOIN users AS u ON u.id = n.owner_id
                  WHERE p.deleted_at IS NULL AND u.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM notifications WHERE user_id = n.owner_id AND data ->> 'ndaId' = n.id::text)";
    assert_eq!(count(&one, untold).await, 0, "a request of which the owner was not told");
    let without = "SELECT count(*) AS count FROM pitches AS p WHERE NOT EXISTS (
        SELECT FROM pitch_versions AS v WHERE v.pitch_id = p.id AND number = 1)";
    assert_eq!(count(&one, without).await, 0, "a pitch without a version");
    let hash = "SELECT count(*) AS count FROM pitch_versions
        WHERE content_sha256 <> encode(sha256(convert_to(content, 'UTF8')), 'hex')";
    assert_eq!(count(&one, hash).await, 0, "a hash that is not its content's");
}

#[tokio::test]
async fn data_of_other_secrets_is_told_before_somebody_meets_it() {
    let db = TestDatabase::create().await;
    let with = |key: &'static str| {
        let mut environment = DEVELOPMENT.to_vec();
        environment.extend([
            ("CTL_ADMIN_TOTP_SECRET", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
            ("PITCHEY_PII_KEY", key),
        ]);
        environment
    };
    let loaded = ctl(&db, &["seed"], &with(KEY));
    assert!(loaded.status.success(), "{}", said(&loaded));
    let again = ctl(&db, &["seed"], &with(KEY));
    assert!(again.status.success(), "{}", said(&again));
    let refused = ctl(&db, &["seed"], &with(ANOTHER));
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("does not fit the secrets of this checkout (sealed with another key)"));
}

#[tokio::test]
async fn a_database_in_use_is_not_touched() {
    let db = TestDatabase::create().await;
    db.creator().await;
    let refused = ctl(&db, &["seed"], &DEVELOPMENT);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("has users already"));
    assert_eq!(count(&db, "SELECT count(*) AS count FROM users").await, 1);
}
