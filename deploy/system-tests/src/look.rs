//! What became of what was done: the audit log, the outbox, the consumers' inboxes, the queues.

use std::time::Duration;

use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use pitchey_events::Service;
use pitchey_testkit::{TestDatabase, wait_until};
use serde_json::Value;
use uuid::Uuid;

use crate::Platform;

/// With retries after 5 and 30 seconds.
const SETTLED: Duration = Duration::from_secs(90);

/// Remembers what was appended to the outbox: the relay deletes the original.
const RECORDER: &str = "
    CREATE SCHEMA system_tests;
    CREATE TABLE system_tests.appended (
        number bigint GENERATED ALWAYS AS IDENTITY, event_id uuid PRIMARY KEY, event_type text, subject text,
        traceparent text, payload jsonb);
    CREATE FUNCTION system_tests.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog AS $$
        BEGIN
            INSERT INTO system_tests.appended (event_id, event_type, subject, traceparent, payload)
            VALUES (new.event_id, new.event_type, new.subject, new.traceparent, new.payload);
            RETURN NULL;
        END $$;
    CREATE TRIGGER record AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION system_tests.record();";

pub(crate) async fn record(db: &TestDatabase) {
    db.admin().await.batch_execute(RECORDER).await.expect("the recorder");
}

/// An event that a committed transaction appended.
#[derive(Clone, Debug, QueryableByName)]
pub struct Appended {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    /// Its type.
    #[diesel(sql_type = Text)]
    pub event_type: String,
    /// What it is about.
    #[diesel(sql_type = Text)]
    pub subject: String,
    /// The trace of its cause.
    #[diesel(sql_type = Nullable<Text>)]
    pub traceparent: Option<String>,
    /// Its body.
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
}

/// A line of the audit log.
#[derive(Clone, Debug, QueryableByName)]
pub struct Audited {
    /// Who.
    #[diesel(sql_type = Nullable<Integer>)]
    pub user_id: Option<i32>,
    /// What.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// To what kind of thing.
    #[diesel(sql_type = Nullable<Text>)]
    pub entity_type: Option<String>,
    /// To which.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub entity_id: Option<i64>,
}

impl Platform {
    /// Every event so far, in the order of the outbox.
    pub async fn appended(&self) -> Vec<Appended> {
        sql_query("SELECT * FROM system_tests.appended ORDER BY number")
            .load(&mut self.db.admin().await)
            .await
            .expect("the recorder")
    }

    /// The whole audit log.
    pub async fn audit_log(&self) -> Vec<Audited> {
        sql_query("SELECT user_id, action, entity_type, entity_id FROM audit_log ORDER BY id")
            .load(&mut self.db.admin().await)
            .await
            .expect("the audit log")
    }

    /// The one number that `query` finds.
    pub async fn number(&self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let found = sql_query(format!("SELECT ({query})::bigint AS number"));
        let found: Found = found.get_result(&mut self.db.admin().await).await.expect(query);
        found.number
    }

    /// Waits until the outbox is empty, every consumer has taken every event meant for it, and no queue holds anything; fails if something
    /// died on the way.
    pub async fn settled(&self) {
        for service in Service::ALL {
            let types: Vec<_> = pitchey_events::CATALOGUE
                .iter()
                .flat_map(|entries| entries.iter())
                .filter(|entry| entry.consumers.contains(service))
                .map(|entry| format!("'{}'", entry.event_type))
                .collect();
            if types.is_empty() || self.replicas_of(*service).is_empty() {
                continue;
            }
            let missing = format!(
                "SELECT count(*) AS count FROM system_tests.appended AS a
                 WHERE event_type IN ({}) AND NOT EXISTS (
                     SELECT FROM inbox AS i WHERE i.consumer = '{service}' AND i.event_id = a.event_id)",
                types.join(", ")
            );
            wait_until(&format!("{service} to have taken every event"), SETTLED, async || {
                self.number(&missing).await == 0
            })
            .await;
        }
        self.drained().await;
    }

    /// Waits until the outbox is empty and no queue holds anything; fails if something died on the way, or was for nobody.
    pub async fn drained(&self) {
        wait_until("the outbox to be empty", SETTLED, async || {
            self.number("SELECT count(*) AS count FROM outbox").await == 0
        })
        .await;
        for service in Service::ALL {
            let work = format!("{}pitchey.{service}", self.broker.prefix);
            if !self.broker.has_queue(&work).await {
                continue;
            }
            wait_until(&format!("{work} to be empty"), SETTLED, async || self.broker.depth(&work).await == 0)
                .await;
            assert_eq!(self.broker.depth(&format!("{work}.dead")).await, 0, "dead letters of {service}");
        }
        assert_eq!(
            self.broker.depth(&format!("{}pitchey.unrouted", self.broker.prefix)).await,
            0,
            "unrouted events"
        );
    }
}
