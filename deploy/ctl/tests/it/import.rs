//! A database of schema 2.0.0, generated, comes in: interrupted half-way and run again it ends complete, and people log in.

use std::process::{Child, Command, Stdio};

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use pitchey_accounts::{Accounts, Hashing, Settings};
use pitchey_clock::Clock;
use pitchey_config::{Http, Rpc};
use pitchey_events::Service;
use pitchey_launch::Process;
use pitchey_testkit::{Broker, Client, SOON, TestDatabase, identity, size, wait_until};
use serde_json::json;

/// 32 bytes in base64.
const KEY: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const PASSWORD: &str = "what it was in 2.0.0";

const TABLES: [&str; 18] = [
    "users",
    "sessions",
    "pitches",
    "ndas",
    "follows",
    "conversations",
    "conversation_participants",
    "messages",
    "message_read_receipts",
    "typing_indicators",
    "transactions",
    "credits",
    "pitch_views",
    "analytics_events",
    "email_preferences",
    "email_queue",
    "email_events",
    "audit_log",
];

/// The former database, with so many users and twice as many pitches.
async fn former(users: i64) -> TestDatabase {
    let db = TestDatabase::empty().await;
    let hash = bcrypt::hash(PASSWORD, 12).unwrap();
    let data = include_str!("import/data.sql").replace(":users", &users.to_string()).replace(":hash", &hash);
    let mut admin = db.admin().await;
    admin.batch_execute(include_str!("import/schema.sql")).await.unwrap();
    admin.batch_execute(&data).await.unwrap();
    db
}

fn import(from: &TestDatabase, to: &TestDatabase, batch: i64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ctl"));
    command
        .args(["import", "--batch", &batch.to_string(), "--from", &from.admin_url()])
        .env_clear()
        .env("DATABASE_URL", to.admin_url())
        .env("PITCHEY_PII_KEY", KEY);
    command
}

async fn count(db: &TestDatabase, from: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sql = format!("SELECT count(*) AS count FROM {from}");
    sql_query(sql).get_result::<Count>(&mut db.admin().await).await.unwrap().count
}

async fn text(db: &TestDatabase, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let sql = format!("SELECT ({sql})::text AS text");
    sql_query(sql).get_result::<Row>(&mut db.admin().await).await.unwrap().text
}

/// Runs it to the end; what it said.
fn whole(from: &TestDatabase, to: &TestDatabase) -> String {
    let output = import(from, to, 500).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Kills it when half of the pitches are here.
async fn half(from: &TestDatabase, to: &TestDatabase, pitches: i64) {
    let mut child: Child = import(from, to, size(2, 100)).stdout(Stdio::null()).spawn().unwrap();
    wait_until("half of the pitches", SOON * 12, async || count(to, "pitches").await >= pitches / 2).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let here = count(to, "pitches").await;
    assert!(here < pitches && count(to, "audit_log").await == 0, "interrupted too late: {here} of {pitches}");
}

async fn accounts(db: &TestDatabase) -> (Accounts, Client) {
    let broker = Broker::new();
    let address = ([127, 0, 0, 1], 0).into();
    let settings = Settings {
        http: Http { address, workers: 2, drain_seconds: 1, certificate: Default::default() },
        rpc: Rpc { address, certificate: Default::default() },
        database: db.settings(Service::Accounts),
        broker: pitchey_bus::Broker::new(broker.url, broker.prefix),
        identity: identity::keys(Service::Accounts),
        hashing: Hashing { at_once: 2, wait_ms: 20_000 },
        mail_token_key: KEY.into(),
        pii_key: KEY.into(),
        rpc_targets: pitchey_rpc::Targets::default(),
        export_from: String::new(),
        quiet_ms: 0,
    };
    let accounts = Accounts::start(settings, Clock::system()).await.unwrap();
    let client = Client::gateway(Service::Accounts, accounts.http_address());
    (accounts, client)
}

/// What the rules of today asked for.
async fn mended(to: &TestDatabase, said: &str) {
    for (what, found) in [
        ("users: an older user has the same e-mail", "users WHERE email LIKE 'duplicate:%'"),
        ("pitches: a title of less than 3", "pitches WHERE title LIKE '% (untitled)'"),
        (
            "pitches: a logline of more than 500",
            "pitches WHERE length(logline) = 500 AND length(description) > 500",
        ),
        ("ndas: a second active one", "ndas WHERE status = 'expired' AND request_message = 'again'"),
        (
            "ndas: approved, but the document",
            "ndas WHERE status = 'pending' AND request_message = 'approved'",
        ),
        ("conversations: a second conversation", "conversations WHERE type = 'group' AND title = 'again'"),
        (
            "transactions: an amount with a fraction",
            "transactions WHERE amount = 1999 AND description = 'units'",
        ),
        ("credits: several rows", "credits WHERE user_id = 3 AND balance = 7"),
        (
            "email_queue: a mail that was not sent",
            "email_queue WHERE status = 'failed' AND error LIKE 'not sent%'",
        ),
        ("messages: encrypted by the former", "messages WHERE metadata ? 'formerEncryptedContent'"),
    ] {
        assert!(said.contains(what), "{what} is not in\n{said}");
        assert!(count(to, found).await >= 1, "{found}");
    }
    let phone = text(to, "SELECT phone FROM users WHERE id = 1").await;
    assert!(phone.starts_with("s1.") && !phone.contains("+49"), "{phone}");
    assert_eq!(count(to, "pitches WHERE status = 'archived' AND status_before_archive IS NULL").await, 0);
    let unequal = "credits AS c WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM credit_ledger AS l WHERE l.user_id = c.user_id)";
    assert_eq!(count(to, unequal).await, 0, "a balance is the sum of its ledger");
    assert_eq!(count(to, "email_queue WHERE status = 'pending'").await, 0, "nothing is sent");
}

/// With the password of the former database, once with its hash, once with ours; and a new user gets the next id.
async fn log_in(to: &TestDatabase, client: &Client, users: i64) {
    let hash = async |id: i64| text(to, &format!("SELECT password_hash FROM users WHERE id = {id}")).await;
    for id in [1, users / 2, users] {
        assert!(hash(id).await.starts_with("$2"));
        let body = json!({ "email": format!("user{id}@old.example"), "password": PASSWORD });
        for _ in 0..2 {
            let answer = client.post("/api/auth/login").json(&body).send().await.expect(200);
            assert_eq!(answer["user"]["id"], id);
            if id == 1 {
                assert_eq!(answer["user"]["phone"], "+49 30 1", "opened for its owner");
            }
        }
        assert!(hash(id).await.starts_with("$argon2id$"), "replaced by the first log-in");
    }
    let wrong = json!({ "email": "user2@old.example", "password": "wrong" });
    client.post("/api/auth/login").json(&wrong).send().await.refused(401, "wrong_credentials");
    let new =
        json!({ "email": "new@new.example", "username": "newcomer", "password": "a long enough phrase" });
    let answer = client.post("/api/auth/register").json(&new).send().await.expect(201);
    assert_eq!(answer["user"]["id"].as_i64(), Some(users + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_users_of_its_own_takes_no_others() {
    let (from, to) = (former(10).await, TestDatabase::create().await);
    to.creator().await;
    let output = import(&from, &to, 100).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has users of its own"));
    assert_eq!(count(&to, "users").await, 1);

    let nothing = TestDatabase::empty().await;
    let output = import(&nothing, &to, 100).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no database of schema 2.0.0"));
}

mod proofs {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_interrupted_import_is_completed_by_the_next_and_everybody_logs_in() {
        let users: i64 = size(100, 10_000);
        let (from, to) = (former(users).await, TestDatabase::create().await);
        half(&from, &to, users * 2).await;
        let said = whole(&from, &to);

        // What is left out by rule: sessions that are over, typing, follows of nothing, NDAs with oneself, old events; rows of credits that are one.
        for table in TABLES {
            let (there, here) = (count(&from, table).await, count(&to, table).await);
            let expected = match table {
                "sessions" => count(&from, "sessions WHERE expires_at > now() AT TIME ZONE 'UTC'").await,
                "typing_indicators" => 0,
                "follows" => there - 2,
                "ndas" => there - 1,
                "credits" => there - 1,
                "analytics_events" => there - 1,
                _ => there,
            };
            assert_eq!(here, expected, "{table}\n{said}");
        }
        assert_eq!(count(&to, "pitch_versions").await, users * 2, "each pitch has a version");
        for table in
            ["users", "pitches", "conversations", "messages", "transactions", "pitch_views", "audit_log"]
        {
            let ids = format!("SELECT md5(string_agg(id::text, ',' ORDER BY id)) FROM {table}");
            assert_eq!(text(&from, &ids).await, text(&to, &ids).await, "{table}: ids stay");
        }
        mended(&to, &said).await;

        let again = whole(&from, &to);
        assert!(again.contains("\n0 new rows."), "{again}");
        let (_accounts, client) = accounts(&to).await;
        log_in(&to, &client, users).await;
    }
}
