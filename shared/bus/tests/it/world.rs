//! What every test needs: a database with a ledger, a broker, and services that use both.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pitchey_bus::{
    Broker, Bus, Consumes, Failure, Handles, HandlesMany, Listeners, Plan, Subscriptions, outbox,
};
use pitchey_db::{Databases, Tx};
use pitchey_events::{Envelope, Event, Service};
use pitchey_testkit::{Servers, TestDatabase, wait_until};

use tokio::sync::Semaphore;

use crate::events::{Changed, Counted, Mood, Reported, Shared, plan};

/// Commands are what producers committed, effects what consumers applied. Nothing keeps an effect from being there twice.
const LEDGER: &str = "
    CREATE TABLE commands (n bigint PRIMARY KEY);
    CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, consumer text, event text, n bigint);
    GRANT SELECT, INSERT ON commands, effects TO pitchey_pitches, pitchey_pitches_system, pitchey_notifications_system, pitchey_accounts_system;
";

/// No report of this can be handled.
pub const POISONOUS: i64 = -1;

/// Whether a slow handler has begun; it ends when it gets a permit.
pub static SLOW_BEGUN: AtomicBool = AtomicBool::new(false);
pub static SLOW_MAY_END: Semaphore = Semaphore::const_new(0);

pub struct World {
    pub database: TestDatabase,
    pub broker: pitchey_testkit::Broker,
    pub plan: Plan,
}

impl World {
    /// On the servers of this run.
    pub async fn new() -> Self {
        Self::of(TestDatabase::create().await, pitchey_testkit::Broker::new()).await
    }

    /// On servers of the test's own.
    pub async fn on(servers: &Servers) -> Self {
        Self::of(servers.database().await, servers.broker()).await
    }

    async fn of(database: TestDatabase, broker: pitchey_testkit::Broker) -> Self {
        database.admin().await.batch_execute(LEDGER).await.unwrap();
        Self { database, broker, plan: plan() }
    }

    pub fn settings(&self) -> Broker {
        Broker::new(self.broker.url.clone(), self.broker.prefix.clone())
    }

    /// Like [`Self::settings`], but nobody listens there.
    pub fn no_broker(&self) -> Broker {
        Broker::new("amqp://nobody:nothing@127.0.0.1:1/%2f".to_owned(), self.broker.prefix.clone())
    }

    pub async fn databases(&self, service: Service) -> Databases {
        let settings = pitchey_db::Database { system_pool: 4, ..self.database.settings(service) };
        Databases::open(&settings).await.unwrap()
    }

    /// Pitches, which only emits.
    pub async fn producer(&self) -> (Bus, Databases) {
        self.producer_with(&self.settings()).await
    }

    pub async fn producer_with(&self, settings: &Broker) -> (Bus, Databases) {
        let databases = self.databases(Service::Pitches).await;
        let bus = Bus::start_by(
            self.plan.clone(),
            Service::Pitches,
            settings,
            Some(&databases),
            Consumes::nothing(),
            Listeners::new(),
        )
        .unwrap();
        (bus, databases)
    }

    /// Notifications, which writes what it consumes into the ledger.
    pub async fn consumer(&self) -> Bus {
        self.consumer_with(&self.settings()).await
    }

    pub async fn consumer_with(&self, settings: &Broker) -> Bus {
        let databases = self.databases(Service::Notifications).await;
        let ledger = Arc::new(Ledger::of(Service::Notifications));
        let subscriptions =
            Subscriptions::of(ledger).on::<Counted>().on::<Shared>().on::<Changed>().on_many::<Reported>();
        Bus::start_by(
            self.plan.clone(),
            Service::Notifications,
            settings,
            Some(&databases),
            subscriptions,
            Listeners::new(),
        )
        .unwrap()
    }

    /// Accounts, which writes what it consumes into the ledger.
    pub async fn second_consumer(&self) -> Bus {
        let databases = self.databases(Service::Accounts).await;
        let subscriptions = Subscriptions::of(Arc::new(Ledger::of(Service::Accounts))).on::<Shared>();
        Bus::start_by(
            self.plan.clone(),
            Service::Accounts,
            &self.settings(),
            Some(&databases),
            subscriptions,
            Listeners::new(),
        )
        .unwrap()
    }

    /// Commits a command and its event.
    pub async fn command<E: Event>(&self, databases: &Databases, n: i64, event: &E) {
        command(&self.plan, databases, n, event).await.unwrap();
    }

    /// Commits commands `numbers`, 20 to a transaction.
    pub async fn commands(&self, databases: &Databases, numbers: std::ops::Range<i64>) {
        let numbers: Vec<i64> = numbers.collect();
        for some in numbers.chunks(20) {
            let mut tx = databases.user.begin(None).await.unwrap();
            for &n in some {
                insert_command(&mut tx, n).await.unwrap();
                outbox::append_by(&self.plan, &mut tx, &Counted::new(n)).unwrap();
            }
            tx.commit().await.unwrap();
        }
    }

    /// How often each command was applied by `consumer`.
    pub async fn effects(&self, consumer: Service) -> BTreeMap<i64, i64> {
        #[derive(QueryableByName)]
        struct Effect {
            #[diesel(sql_type = BigInt)]
            n: i64,
            #[diesel(sql_type = BigInt)]
            times: i64,
        }
        let effects: Vec<Effect> =
            sql_query("SELECT n, count(*) AS times FROM effects WHERE consumer = $1 GROUP BY n")
                .bind::<Text, _>(consumer.as_str())
                .load(&mut self.database.admin().await)
                .await
                .unwrap();
        effects.into_iter().map(|effect| (effect.n, effect.times)).collect()
    }

    pub async fn count(&self, what: &str) -> i64 {
        count(&mut self.database.admin().await, what).await
    }

    /// Waits until notifications has applied so many commands.
    pub async fn applied(&self, commands: usize, deadline: Duration) {
        let mut admin = self.database.admin().await;
        wait_until(&format!("{commands} commands to be applied"), deadline, async || {
            count(&mut admin, "(SELECT DISTINCT n FROM effects WHERE consumer = 'notifications') AS e").await
                >= i64::try_from(commands).unwrap()
        })
        .await;
    }

    /// The oracle: all commands were applied, none twice, and nothing is left anywhere.
    pub async fn assert_exactly_once(&self) {
        let mut admin = self.database.admin().await;
        wait_until("the outbox to be empty", pitchey_testkit::SOON, async || {
            count(&mut admin, "outbox").await == 0
        })
        .await;
        let commands = count(&mut admin, "commands").await;
        let missing = count(
            &mut admin,
            "commands WHERE n NOT IN (SELECT n FROM effects WHERE consumer = 'notifications')",
        )
        .await;
        let doubled = count(
            &mut admin,
            "(SELECT n FROM effects WHERE consumer = 'notifications' GROUP BY n HAVING count(*) > 1) AS e",
        )
        .await;
        let invented = count(&mut admin, "effects WHERE n NOT IN (SELECT n FROM commands)").await;
        assert_eq!((missing, doubled, invented), (0, 0, 0), "(lost, doubled, invented) of {commands}");
        for queue in ["notifications", "notifications.dead", "unrouted"] {
            assert_eq!(self.depth(queue).await, 0, "left in {queue}");
        }
    }

    pub fn queue(&self, name: &str) -> String {
        format!("{}pitchey.{name}", self.broker.prefix)
    }

    /// Messages ready in a queue; none before it is declared.
    pub async fn depth(&self, queue: &str) -> u32 {
        let queue = self.queue(queue);
        if self.broker.has_queue(&queue).await { self.broker.depth(&queue).await } else { 0 }
    }
}

pub async fn count(connection: &mut AsyncPgConnection, what: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let found: Count =
        sql_query(format!("SELECT count(*) FROM {what}")).get_result(connection).await.unwrap();
    found.count
}

/// Commits a command and its event, as a user's request does.
pub async fn command<E: Event>(
    plan: &Plan,
    databases: &Databases,
    n: i64,
    event: &E,
) -> Result<(), pitchey_db::Error> {
    let mut tx = databases.user.begin(None).await?;
    insert_command(&mut tx, n).await?;
    outbox::append_by(plan, &mut tx, event)?;
    tx.commit().await
}

async fn insert_command(tx: &mut Tx, n: i64) -> diesel::QueryResult<usize> {
    sql_query("INSERT INTO commands VALUES ($1)").bind::<BigInt, _>(n).execute(tx).await
}

/// A handler that writes each event into the ledger, if it is in the mood.
pub struct Ledger {
    consumer: Service,
    tries: Mutex<HashMap<i64, u32>>,
}

impl Ledger {
    pub fn of(consumer: Service) -> Self {
        Self { consumer, tries: Mutex::default() }
    }

    async fn write(&self, tx: &mut Tx, event: &str, n: i64, mood: Mood) -> Result<(), Failure> {
        // First the effect, then the failure: it has to be undone.
        sql_query("INSERT INTO effects (consumer, event, n) VALUES ($1, $2, $3)")
            .bind::<Text, _>(self.consumer.as_str())
            .bind::<Text, _>(event)
            .bind::<BigInt, _>(n)
            .execute(tx)
            .await?;
        let tries = {
            let mut tries = self.tries.lock().unwrap();
            let tries = tries.entry(n).or_default();
            *tries += 1;
            *tries
        };
        match mood {
            Mood::FailsTwice if tries <= 2 => Err(Failure::transient("not yet")),
            Mood::Poison => Err(Failure::transient("never")),
            Mood::Hopeless => Err(Failure::permanent("no such thing")),
            Mood::PanicsOnce if tries == 1 => panic!("a handler of a test panics, as it should"),
            Mood::Slow => {
                SLOW_BEGUN.store(true, Ordering::SeqCst);
                SLOW_MAY_END.acquire().await.unwrap().forget();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

macro_rules! writes {
    ($($event:ident),+) => {
        $(impl Handles<$event> for Ledger {
            async fn handle(&self, tx: &mut Tx, event: &Envelope<$event>) -> Result<(), Failure> {
                self.write(tx, $event::TYPE, event.event.n, event.event.mood).await
            }
        })+
    };
}
writes!(Counted, Shared, Changed);

impl HandlesMany<Reported> for Ledger {
    async fn handle_many(&self, tx: &mut Tx, events: &[&Envelope<Reported>]) -> Result<(), Failure> {
        let together = format!("{} with {} others", Reported::TYPE, events.len() - 1);
        for event in events {
            for &n in &event.event.items {
                let mood = if n == POISONOUS { Mood::Poison } else { Mood::Fine };
                self.write(tx, &together, n, mood).await?;
            }
        }
        Ok(())
    }
}

/// A message as the relay would send it.
pub struct Wire {
    pub properties: lapin::BasicProperties,
    pub event_type: String,
    pub body: Vec<u8>,
}

impl World {
    /// What the relay makes of `event`: it is appended, published by a relay of its own, and taken from the queue again.
    pub async fn message_of<E: Event>(&self, event: &E) -> Wire {
        let catcher = pitchey_testkit::Broker::at(&self.broker.url);
        let settings = Broker::new(catcher.url.clone(), catcher.prefix.clone());
        let (bus, databases) = self.producer_with(&settings).await;
        let mut tx = databases.user.begin(None).await.unwrap();
        outbox::append_by(&self.plan, &mut tx, event).unwrap();
        tx.commit().await.unwrap();
        wait_until("the relay to publish", pitchey_testkit::SOON, async || self.count("outbox").await == 0)
            .await;
        let queue = format!("{}pitchey.notifications", catcher.prefix);
        let message = catcher.take(&queue).await.expect("the message");
        bus.shutdown().await;
        Wire { properties: message.properties, event_type: message.routing_key, body: message.body }
    }

    pub async fn publish(&self, message: &Wire) {
        let exchange = self.queue("events");
        wait_until("the topology", pitchey_testkit::SOON, async || {
            self.broker.has_queue(&self.queue("notifications")).await
        })
        .await;
        let Wire { properties, event_type, body } = message;
        self.broker.publish(&exchange, event_type, properties.clone(), body).await;
    }
}
