use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Nullable, Text};
use diesel::{QueryableByName, sql_query};
use pitchey_clock::Clock;
use pitchey_db::SystemDb;
use pitchey_events::Service;
use pitchey_jobs::{Every, Jobs};
use pitchey_testkit::TestDatabase;
use tokio::sync::Semaphore;

/// What replicas share: a database, and a clock that the test moves.
pub struct World {
    pub db: TestDatabase,
    pub clock: Clock,
    pub state: State,
}

/// What the jobs of these tests do.
#[derive(Clone, Default)]
pub struct State {
    /// How often the work was begun.
    pub begun: Arc<AtomicI64>,
    /// How often it came to its end.
    pub ended: Arc<AtomicI64>,
    /// What `gated` waits for.
    pub gate: Arc<Gate>,
}

pub struct Gate(pub Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl State {
    pub fn begun(&self) -> i64 {
        self.begun.load(Ordering::SeqCst)
    }

    pub fn ended(&self) -> i64 {
        self.ended.load(Ordering::SeqCst)
    }

    /// Lets so many end that wait at the gate.
    pub fn open(&self, times: usize) {
        self.gate.0.add_permits(times);
    }
}

/// Touches seven rows.
pub async fn quick(state: State, _: DateTime<Utc>) -> Result<i64, String> {
    state.begun.fetch_add(1, Ordering::SeqCst);
    state.ended.fetch_add(1, Ordering::SeqCst);
    Ok(7)
}

/// Does not end before it is let.
pub async fn gated(state: State, _: DateTime<Utc>) -> Result<i64, String> {
    state.begun.fetch_add(1, Ordering::SeqCst);
    state.gate.0.acquire().await.map_err(|error| error.to_string())?.forget();
    state.ended.fetch_add(1, Ordering::SeqCst);
    Ok(1)
}

/// The first fails, the second panics, the others don't.
pub async fn unlucky(state: State, _: DateTime<Utc>) -> Result<i64, String> {
    match state.begun.fetch_add(1, Ordering::SeqCst) {
        0 => Err("the disk is full".to_owned()),
        1 => panic!("out of luck"),
        _ => Ok(0),
    }
}

impl World {
    pub async fn new() -> Self {
        let noon = "2026-11-22T12:00:00Z".parse().unwrap();
        Self { db: TestDatabase::create().await, clock: Clock::manual(noon), state: State::default() }
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    pub async fn system(&self) -> SystemDb {
        self.db.databases(Service::Pitches).await.system
    }

    /// The list of jobs of a replica with connections of its own.
    pub async fn jobs(&self) -> Jobs<State> {
        Jobs::new("pitches", self.system().await, self.clock.clone(), self.state.clone())
    }

    /// Text of the only column and row of `sql`; empty for NULL.
    pub async fn text(&self, sql: &str) -> String {
        // Here only: it has a `load`, too.
        use diesel_async::RunQueryDsl;

        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            value: Option<String>,
        }
        let row: Row = sql_query(format!("SELECT ({sql})::text AS value"))
            .get_result(&mut self.db.admin().await)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.value.unwrap_or_default()
    }

    /// Every run, as `2026-11-22 succeeded 7`.
    pub async fn runs(&self) -> String {
        self.text(
            "SELECT string_agg(concat_ws(' ', period, outcome, rows_affected, error), ', ' ORDER BY id) FROM maintenance_runs",
        )
        .await
    }
}

/// Every day, from midnight on.
pub fn daily() -> Every {
    Every::day(0)
}
