use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use pitchey_config::Trust;
use pitchey_events::Event;
use serde_json::Value;
use uuid::Uuid;

use crate::TestDatabase;
use crate::off_runtime::off_runtime;

/// Keeps what passes through the outbox, in a schema of its own: the relay deletes the original, perhaps before the test looks.
const RECORDER: &str = "
    CREATE SCHEMA testkit;
    CREATE TABLE testkit.emitted (
        number bigint GENERATED ALWAYS AS IDENTITY, event_id uuid, event_type text, subject text, subject_version bigint,
        traceparent text, payload jsonb);
    CREATE FUNCTION testkit.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
        BEGIN
            INSERT INTO testkit.emitted (event_id, event_type, subject, subject_version, traceparent, payload)
            VALUES (new.event_id, new.event_type, new.subject, new.subject_version, new.traceparent, new.payload);
            RETURN NULL;
        END $$;
    CREATE TRIGGER record AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION testkit.record();";

/// The events of committed transactions, as the test accounts for them. Dropped while some are unaccounted for, it fails the test: what was emitted
/// is part of what was done. It must be dropped before its database, so comes after it in a function and before it in a struct.
pub struct Emitted {
    url: String,
    ignored: Mutex<BTreeSet<&'static str>>,
}

/// An event that was emitted.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Happened {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    /// Its type.
    #[diesel(sql_type = Text)]
    pub event_type: String,
    /// What it is about.
    #[diesel(sql_type = Text)]
    pub subject: String,
    /// The subject's version.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub subject_version: Option<i64>,
    /// The trace it belongs to.
    #[diesel(sql_type = Nullable<Text>)]
    pub traceparent: Option<String>,
    /// Its body.
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
}

impl Emitted {
    /// Begins to watch the outbox of `db`.
    pub async fn watch(db: &TestDatabase) -> Self {
        db.admin().await.batch_execute(RECORDER).await.expect("the recorder");
        Self { url: db.admin_url(), ignored: Mutex::default() }
    }

    /// The oldest event of type `E` not yet accounted for, which it is now.
    ///
    /// # Panics
    /// Without one.
    pub async fn take<E: Event>(&self) -> E {
        let taken = take(&self.url, "event_type = $1 ORDER BY number LIMIT 1", &[E::TYPE]).await;
        let Some(happened) = taken.into_iter().next() else {
            panic!("no {} was emitted, but {:?}", E::TYPE, self.left().await)
        };
        serde_json::from_value(happened.payload).unwrap_or_else(|error| panic!("{}: {error}", E::TYPE))
    }

    /// Everything not yet accounted for, in order; it is now.
    pub async fn take_all(&self) -> Vec<Happened> {
        take(&self.url, "true", &[]).await
    }

    /// The types of everything not yet accounted for, in order; it is now.
    pub async fn types(&self) -> Vec<String> {
        self.take_all().await.into_iter().map(|happened| happened.event_type).collect()
    }

    /// Accounts for all events of type `E`, past and future: this test is not about them.
    pub fn ignore<E: Event>(&self) {
        self.ignored.lock().unwrap_or_else(PoisonError::into_inner).insert(E::TYPE);
    }

    /// What is not yet accounted for.
    pub async fn left(&self) -> Vec<String> {
        left(&self.url, &self.ignored()).await.expect("the recorder")
    }

    fn ignored(&self) -> Vec<&'static str> {
        self.ignored.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

impl Drop for Emitted {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (url, ignored) = (self.url.clone(), self.ignored());
        match off_runtime(async move { left(&url, &ignored).await }) {
            Some(left) => assert!(left.is_empty(), "events that the test did not account for: {left:?}"),
            None => panic!("the database is gone, and with it what was emitted: drop `Emitted` first"),
        }
    }
}

async fn take(url: &str, which: &str, types: &[&str]) -> Vec<Happened> {
    let mut admin = pitchey_db::connect(url, &Trust::default()).await.expect("the test's database");
    let sql = format!(
        "WITH taken AS (
             DELETE FROM testkit.emitted WHERE number IN (SELECT number FROM testkit.emitted WHERE {which}) RETURNING *
         )
         SELECT * FROM taken ORDER BY number"
    );
    let mut query = sql_query(sql).into_boxed();
    for event_type in types {
        query = query.bind::<Text, _>(*event_type);
    }
    query.load(&mut admin).await.expect("the recorder")
}

async fn left(url: &str, ignored: &[&str]) -> Option<Vec<String>> {
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = Text)]
        event: String,
    }
    let mut admin = pitchey_db::connect(url, &Trust::default()).await.ok()?;
    let left = sql_query(
        "SELECT event_type || ' ' || payload AS event FROM testkit.emitted WHERE event_type <> ALL ($1) ORDER BY number",
    );
    let left: Vec<Left> = left.bind::<Array<Text>, _>(ignored).load(&mut admin).await.ok()?;
    Some(left.into_iter().map(|left| left.event).collect())
}
