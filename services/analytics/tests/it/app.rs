//! The service and what is around it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::pitches::Pitches;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::sql_types::{Nullable, Text};
use diesel::{QueryableByName, sql_query};
use pitchey_analytics::{Analytics, Settings};
use pitchey_clock::Clock;
use pitchey_config::{Http, Mode, Rpc};
use pitchey_events::{NdaId, NdaParties, NdaType, PitchId, Service, UserId, UserType, View, ViewSource};
use pitchey_launch::Process;
use pitchey_rpc::Targets;
use pitchey_testkit::{Broker, Client, Deliveries, SOON, TestDatabase, identity, wait_until};

/// A first day from which on everything is compared.
pub const ALWAYS: NaiveDate = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();

pub struct App {
    pub client: Client,
    pub service: Analytics,
    pub deliveries: Deliveries,
    pub pitches: Pitches,
    pub settings: Settings,
    pub clock: Clock,
    pub db: TestDatabase,
}

impl App {
    /// With a clock that the test moves, and which stands at noon.
    pub async fn start() -> Self {
        let noon = Clock::system().now().date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
        Self::with(Clock::manual(noon), Broker::new()).await
    }

    /// With nobody at the place of the broker: nothing is counted but what the test delivers.
    pub async fn alone() -> Self {
        let mut broker = Broker::new();
        broker.url = "amqp://nobody:nothing@127.0.0.1:1/%2f".to_owned();
        let noon = Clock::system().now().date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
        Self::with(Clock::manual(noon), broker).await
    }

    async fn with(clock: Clock, broker: Broker) -> Self {
        let db = TestDatabase::create().await;
        let pitches = Pitches::start(&clock).await;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            mode: Mode::Development,
            http: Http { address, workers: 1, drain_seconds: 5, certificate: Default::default() },
            rpc: Rpc { address, certificate: Default::default() },
            database: db.settings(Service::Analytics),
            broker: pitchey_bus::Broker::new(broker.url, broker.prefix),
            identity: identity::keys(Service::Analytics),
            rpc_targets: Targets::from(BTreeMap::from([
                // Nobody there.
                ("accounts".to_owned(), "http://127.0.0.1:1".to_owned()),
                ("pitches".to_owned(), format!("http://{}", pitches.address)),
            ])),
            // The tests run what they are about.
            announce_ms: 3_600_000,
            trending_seconds: 1_000_000_000,
            maintenance_seconds: 1_000_000_000,
            reconcile_seconds: 1_000_000_000,
        };
        let service = start(&settings, &clock).await;
        // What a start makes due is done before the test begins, or its events would come somewhere in between.
        service.run_jobs().await;
        let databases = db.databases(Service::Analytics).await;
        let consumes = pitchey_analytics::consumes(&settings, databases.clone(), clock.clone()).unwrap();
        Self {
            client: Client::gateway(Service::Analytics, service.http_address()).by(&clock),
            service,
            pitches,
            deliveries: Deliveries::to(Service::Analytics, consumes, &databases),
            settings,
            clock,
            db,
        }
    }

    /// Another process of the service.
    pub async fn replica(&self) -> Analytics {
        start(&self.settings, &self.clock).await
    }

    /// A pitch of `owner` that analytics has heard of.
    pub async fn pitch(&self, owner: UserId) -> PitchId {
        let pitch = self.db.pitch(owner).await;
        self.db
            .execute(&format!(
                "INSERT INTO tracked_pitches (pitch_id, owner_id, title, first_published_at)
                 VALUES ({pitch}, {owner}, 'The Lighthouse', '{}')",
                self.clock.now() - TimeDelta::hours(10)
            ))
            .await;
        self.pitches.publishes(pitch, owner);
        pitch
    }

    /// Text of the only column and row of `sql`; empty for NULL.
    pub async fn text(&self, sql: &str) -> String {
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

    pub async fn number(&self, sql: &str) -> i64 {
        self.text(sql).await.parse().unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Waits until so many views are counted.
    pub async fn counted(&self, views: i64) {
        wait_until("views to be counted", SOON, async || {
            self.number("SELECT count(*) FROM pitch_views").await >= views
        })
        .await;
        assert_eq!(self.number("SELECT count(*) FROM pitch_views").await, views);
    }

    /// Everything that is kept is what the raw rows say.
    pub async fn assert_sums(&self) {
        let differences = self.service.differences(ALWAYS).await.unwrap();
        assert!(differences.is_empty(), "{differences:#?}");
        let period = format!("test {}", uuid::Uuid::now_v7());
        assert_eq!(self.service.reconcile(&period).await.unwrap(), Some(0), "totals that differ");
    }
}

async fn start(settings: &Settings, clock: &Clock) -> Analytics {
    Analytics::start(settings.clone(), clock.clone()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// A view of somebody logged in.
pub fn view(pitch: PitchId, viewer: UserId, at: DateTime<Utc>) -> View {
    View {
        pitch_id: pitch,
        owner_id: None,
        viewer_id: Some(viewer),
        viewer_type: Some(UserType::Investor),
        at,
        source: ViewSource::Direct,
        protected: false,
        seconds: None,
        ip: Some("203.0.113.9".to_owned()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned()),
        request: None,
        nth: None,
    }
}

/// A view of somebody not logged in, at `ip`.
pub fn strangers_view(pitch: PitchId, ip: &str, at: DateTime<Utc>) -> View {
    View { viewer_id: None, viewer_type: None, ip: Some(ip.to_owned()), ..view(pitch, UserId(0), at) }
}

/// An NDA between `owner` and `requester`.
pub fn parties(nda: i32, pitch: PitchId, owner: UserId, requester: UserId) -> NdaParties {
    NdaParties {
        nda_id: NdaId(nda),
        pitch_id: pitch,
        pitch_title: "The Lighthouse".to_owned(),
        owner_id: owner,
        requester_id: requester,
        nda_type: NdaType::Basic,
        hold: None,
    }
}
