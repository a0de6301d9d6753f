use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{ExpressionMethods, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_db::{Appended, Databases, Error, OnConstraint, Tx, audit};
use pitchey_events::{Service, UserId};
use pitchey_testkit::TestDatabase;
use serde_json::json;

use crate::ask;

/// Whoever begins next gets the same connection.
async fn with_one_connection(db: &TestDatabase) -> Databases {
    let mut settings = db.settings(Service::Accounts);
    settings.user_pool = 1;
    Databases::open(&settings).await.unwrap()
}

async fn add_user(tx: &mut Tx, email: &str) -> diesel::QueryResult<usize> {
    let sql =
        format!("INSERT INTO users (email, username, password_hash) VALUES ('{email}', '{email}', '!')");
    sql_query(sql).execute(tx).await
}

async fn users(databases: &Databases) -> i64 {
    ask::count(&mut *databases.system.connection().await.unwrap(), "users").await.unwrap()
}

async fn has_rung(appended: &Appended) -> bool {
    tokio::time::timeout(Duration::ZERO, appended.rung()).await.is_ok()
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_its_connection_kept() {
    let db = TestDatabase::create().await;
    let databases = with_one_connection(&db).await;
    let mut tx = databases.user.begin(None).await.unwrap();
    let pid = ask::text(&mut tx, "pg_backend_pid()").await;
    add_user(&mut tx, "a@example.test").await.unwrap();
    drop(tx);

    let mut tx = databases.user.begin(None).await.unwrap();
    assert_eq!(ask::text(&mut tx, "pg_backend_pid()").await, pid);
    assert_eq!(ask::count(&mut tx, "users").await.unwrap(), 0);
}

#[tokio::test]
async fn a_transaction_lasts_from_its_commit_on() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut tx = databases.user.begin(None).await.unwrap();
    add_user(&mut tx, "a@example.test").await.unwrap();
    assert_eq!(users(&databases).await, 0);
    tx.commit().await.unwrap();
    assert_eq!(users(&databases).await, 1);

    let mut tx = databases.user.begin(None).await.unwrap();
    add_user(&mut tx, "b@example.test").await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(users(&databases).await, 1);
}

#[tokio::test]
async fn the_relay_is_woken_by_commits_with_events_only() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;

    databases.user.begin(None).await.unwrap().commit().await.unwrap();
    assert!(!has_rung(&databases.appended).await, "no events");

    let mut tx = databases.user.begin(None).await.unwrap();
    tx.note_events();
    assert!(!has_rung(&databases.appended).await, "not committed yet");
    tx.rollback().await.unwrap();
    assert!(!has_rung(&databases.appended).await, "rolled back");

    for mut tx in [databases.user.begin(None).await.unwrap(), databases.system.begin().await.unwrap()] {
        tx.note_events();
        tx.commit().await.unwrap();
        assert!(has_rung(&databases.appended).await);
        assert!(!has_rung(&databases.appended).await, "once");
    }
}

/// Also on a new connection, where they are yet to be prepared, and more of them than go at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_without_waiting_keeps_its_order_and_is_part_of_the_transaction() {
    let db = TestDatabase::create().await;
    let steps = "CREATE TABLE steps (id bigserial, name text UNIQUE, tx bigint DEFAULT txid_current());
                 GRANT ALL ON steps, steps_id_seq TO PUBLIC";
    TestDatabase::execute(&db, steps).await;
    let mut settings = db.settings(Service::Accounts);
    settings.system_pool = 1;
    let databases = Databases::open(&settings).await.unwrap();
    let step =
        |name: &str| sql_query("INSERT INTO steps (name) VALUES ($1)").bind::<Text, _>(name.to_owned());
    let new = |name: &str| sql_query(format!("INSERT INTO steps (name) VALUES ('{name}')"));
    for (round, count) in [1, 2, 16, 17, 100, 3].into_iter().enumerate() {
        let mut tx = databases.system.begin().await.unwrap();
        let names: Vec<_> = (0..count).map(|n| format!("{round}-{n}")).collect();
        for (n, name) in names.iter().enumerate() {
            match n % 7 {
                // A text that was never prepared.
                0 => tx.send(new(name)),
                // What waits for its answer takes along those before it.
                5 => drop(step(name).execute(&mut tx).await.unwrap()),
                6 => {
                    let all = format!("steps WHERE tx = txid_current() AND name LIKE '{round}-%'");
                    assert_eq!(ask::count(&mut tx, &all).await.unwrap(), i64::try_from(n).unwrap());
                    tx.send(step(name));
                }
                _ => tx.send(step(name)),
            }
        }
        tx.commit().await.unwrap();
        let rows = format!(
            "SELECT name || ' ' || dense_rank() OVER (ORDER BY tx) AS answer FROM steps WHERE name LIKE '{round}-%' ORDER BY id"
        );
        let expected: Vec<_> = names.iter().map(|name| format!("{name} 1")).collect();
        assert_eq!(ask::texts(&mut db.admin().await, &rows).await.unwrap(), expected);
    }

    let before = ask::count(&mut *databases.system.connection().await.unwrap(), "steps").await.unwrap();
    for bad in ["INSERT INTO steps (name) VALUES ('0-0')", "INSERT INTO nowhere VALUES (1)"] {
        for waits in [true, false].repeat(20) {
            let mut tx = databases.system.begin().await.unwrap();
            tx.send(step("before"));
            tx.send(sql_query(bad));
            tx.send(step("behind"));
            tx.note_events();
            let failed = if waits {
                step("at once").execute(&mut tx).await.map(|_| ()).map_err(Error::from)
            } else {
                tx.commit().await
            };
            let Err(Error::Query(error)) = failed else { panic!("{bad}: {failed:?}") };
            assert!(!error.to_string().contains("aborted"), "the first failure is told: {error}");
            assert!(!has_rung(&databases.appended).await, "nothing was committed");
        }
    }
    let mut tx = databases.system.begin().await.unwrap();
    tx.send(step("of a transaction that is dropped"));
    drop(tx);
    let after = ask::count(&mut *databases.system.connection().await.unwrap(), "steps").await.unwrap();
    assert_eq!(after, before);
}

/// BEGIN goes with the first statement: without that, the second must not be one of no transaction.
#[tokio::test]
async fn a_statement_that_is_given_up_takes_nothing_out_of_the_transaction() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut tx = databases.system.begin().await.unwrap();
    tx.lock("test/taken");
    drop(add_user(&mut tx, "never-polled@example.test"));
    add_user(&mut tx, "a@example.test").await.unwrap();
    assert_eq!(users(&databases).await, 0, "it is in the transaction");

    let mut other = databases.system.begin().await.unwrap();
    other.lock("test/taken");
    let waiting = tokio::time::timeout(Duration::from_millis(100), add_user(&mut other, "b@example.test"));
    assert!(waiting.await.is_err(), "the lock is taken");
    let after = add_user(&mut other, "c@example.test").await;
    assert!(matches!(after, Err(diesel::result::Error::BrokenTransactionManager)), "{after:?}");
    drop(tx);
    drop(other);
    assert_eq!(users(&databases).await, 0);
}

/// A request that is given up while it commits must not leave its transaction to the next one.
#[tokio::test]
async fn a_transaction_that_is_given_up_anywhere_leaves_no_open_one_behind() {
    let db = TestDatabase::create().await;
    let mut settings = db.settings(Service::Accounts);
    settings.system_pool = 1;
    let databases = Databases::open(&settings).await.unwrap();
    for polls in 0..40 {
        let act = async {
            let mut tx = databases.system.begin().await.unwrap();
            add_user(&mut tx, &format!("{polls}@example.test")).await.unwrap();
            tx.send(sql_query("UPDATE users SET username = username"));
            tx.commit().await.unwrap();
        };
        let mut act = Box::pin(act);
        for _ in 0..polls {
            if futures_util::poll!(&mut act).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        drop(act);
        let before = ask::text(&mut db.admin().await, "clock_timestamp()").await;
        let mut next = databases.system.begin().await.unwrap();
        assert_eq!(ask::text(&mut next, &format!("now() >= '{before}'")).await, "true", "{polls}: its own");
        next.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_violated_constraint_becomes_an_error_of_the_domain() {
    #[derive(Debug)]
    enum Mine {
        EmailTaken,
        Other(Error),
    }
    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            Self::Other(error)
        }
    }

    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut tx = databases.user.begin(None).await.unwrap();
    add_user(&mut tx, "a@example.test").await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = databases.user.begin(None).await.unwrap();
    let taken = add_user(&mut tx, "A@EXAMPLE.test").await.on_constraint("users_email_key", Mine::EmailTaken);
    assert!(matches!(taken, Err(Mine::EmailTaken)), "{taken:?}");
    drop(tx);

    let mut tx = databases.user.begin(None).await.unwrap();
    let other = add_user(&mut tx, "a@example.test").await.on_constraint("users_pkey", Mine::EmailTaken);
    assert!(matches!(other, Err(Mine::Other(Error::Query(_)))), "{other:?}");
}

#[tokio::test]
async fn the_audit_log_is_written_with_the_act() {
    let db = TestDatabase::create().await;
    let user = db.viewer().await.id;
    let databases = db.databases(Service::Accounts).await;
    let origin = audit::Origin {
        ip: Some("192.0.2.7".to_owned()),
        request_id: Some("r1".to_owned()),
        ..Default::default()
    };
    let entry = || audit::Entry {
        actor: Some(user),
        action: "user.suspended",
        entity_type: Some("user"),
        entity_id: Some(i64::from(user.0)),
        new_values: Some(json!({ "suspended": true })),
        ..Default::default()
    };
    let mut tx = databases.user.begin(Some(user)).await.unwrap();
    audit::record(&mut tx, &origin, entry());
    tx.commit().await.unwrap();
    let mut tx = databases.user.begin(Some(user)).await.unwrap();
    audit::record(&mut tx, &origin, entry());
    drop(tx);

    let rows = "SELECT concat_ws(' ', user_id, action, entity_type, entity_id, new_values, ip_address, request_id) AS answer FROM audit_log";
    let rows = ask::texts(&mut db.admin().await, rows).await.unwrap();
    assert_eq!(rows, [format!(r#"{user} user.suspended user {user} {{"suspended": true}} 192.0.2.7 r1"#)]);
}

#[tokio::test]
async fn the_acting_user_can_be_any_number_but_nothing_else() {
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    for id in [1, i32::MAX, 0, -1] {
        let mut tx = databases.user.begin(Some(UserId(id))).await.unwrap();
        assert_eq!(ask::text(&mut tx, "app_uid()").await, id.to_string());
    }
}

#[tokio::test]
async fn what_is_sent_often_is_prepared_once() {
    diesel::table! {
        users (id) {
            id -> Integer,
            username -> Text,
        }
    }
    let db = TestDatabase::create().await;
    let databases = db.databases(Service::Accounts).await;
    let mut tx = databases.user.begin(None).await.unwrap();
    for (id, name) in [(1, "one"), (2, "two"), (3, "three")] {
        let update = diesel::update(users::table).filter(users::id.eq(id)).set(users::username.eq(name));
        update.execute(&mut tx).await.unwrap();
    }
    let updates = ask::count(&mut tx, "pg_prepared_statements WHERE statement LIKE 'UPDATE%'").await;
    assert_eq!(updates.unwrap(), 1);
}

#[tokio::test]
async fn a_transaction_that_plans_once_leaves_the_next_as_it_was() {
    let db = TestDatabase::create().await;
    let databases = with_one_connection(&db).await;
    let mode = "current_setting('plan_cache_mode')";
    let plans = "SELECT generic_plans::text FROM pg_prepared_statements WHERE statement LIKE 'UPDATE%'";
    let mut tx = databases.user.begin(None).await.unwrap();
    tx.plan_once();
    assert_eq!(ask::text(&mut tx, mode).await, "force_generic_plan");
    for email in ["a@example.test", "b@example.test"] {
        let by_key = sql_query("UPDATE users SET bio = '' WHERE email = $1").bind::<Text, _>(email);
        by_key.execute(&mut tx).await.unwrap();
    }
    assert_eq!(ask::text(&mut tx, &format!("({plans})")).await, "2");
    tx.commit().await.unwrap();
    let mut tx = databases.user.begin(None).await.unwrap();
    assert_eq!(ask::text(&mut tx, mode).await, "auto");
}
