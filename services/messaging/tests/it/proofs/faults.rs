//! Two replicas, many sockets over both, messages all the time; a replica is killed on the way, and then the broker.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use futures_util::StreamExt;
use futures_util::future::join_all;
use pitchey_clock::Clock;
use pitchey_events::UserType;
use pitchey_identity::Actor;
use pitchey_testkit::{Broker, Client, Server, Servers, TestDatabase, actors, size, wait_until};
use serde_json::json;

use super::replica::Replica;
use crate::others::Others;
use crate::socket;

/// Where replicas are now; sockets and senders take one after the other.
type Addresses = Arc<Mutex<Vec<std::net::SocketAddr>>>;

/// What one socket has seen.
#[derive(Default)]
struct Seen {
    last: i64,
    /// (conversation, message), in the order of arrival.
    messages: Vec<(i64, i64)>,
    resumed: u32,
}

struct Shared {
    addresses: Addresses,
    clock: Clock,
    clients: Mutex<HashMap<std::net::SocketAddr, Client>>,
    over: AtomicBool,
    /// By text: when its POST began.
    begun: Mutex<HashMap<String, Instant>>,
    /// From POST to its answer, and to the frame at the other's sockets: of messages from before anything was broken.
    posts: Mutex<Vec<Duration>>,
    latencies: Mutex<Vec<Duration>>,
    /// How often a message was not taken, by the answer's status; none is none.
    failures: Mutex<BTreeMap<Option<u16>, u32>>,
}

impl Shared {
    /// Makes a client for a replica and opens its connection, which is not what is measured.
    async fn meet(&self, address: std::net::SocketAddr) {
        let client = Client::gateway(pitchey_events::Service::Messaging, address);
        client.get("/health").send().await.expect(200);
        self.clients.lock().unwrap().insert(address, client);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_gets_every_message_once_and_in_order_whatever_is_killed() {
    let (sockets, per_second, seconds) = size((40_usize, 20_u64, 9_u64), (2_000, 200, 60));
    let mut servers = Servers::start().await;
    let db = servers.database().await;
    let clock = Clock::system();
    let others = Others::start(&clock).await;
    let amqp = servers.amqp_url().to_owned();
    let mut replicas = [
        Replica::start(&db, &amqp, &others.targets).await,
        Replica::start(&db, &amqp, &others.targets).await,
    ];
    let (commit, round_trip) = (bare_commit(&db).await, bare_round_trip(&servers.broker()).await);

    let people = people(&db, &others, sockets / 2).await;
    let shared = Arc::new(Shared {
        addresses: Arc::new(Mutex::new(replicas.iter().map(|replica| replica.address).collect())),
        clock: clock.clone(),
        clients: Mutex::default(),
        over: AtomicBool::new(false),
        begun: Mutex::default(),
        posts: Mutex::default(),
        latencies: Mutex::default(),
        failures: Mutex::default(),
    });
    let before: u64 = replicas.iter().map(Replica::memory).sum();
    let seen: Vec<Arc<Mutex<Seen>>> = (0..sockets).map(|_| Arc::default()).collect();
    let opened = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let listening: Vec<_> = (0..sockets)
        .map(|n| {
            let (actor, seen, shared) = (people[n / 2].clone(), Arc::clone(&seen[n]), Arc::clone(&shared));
            let opened = Arc::clone(&opened);
            tokio::spawn(async move { listen(n, &actor, &seen, &shared, &opened).await })
        })
        .collect();
    wait_until("all sockets to be open", Duration::from_secs(120), async || {
        opened.load(Ordering::Acquire) == sockets
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after: u64 = replicas.iter().map(Replica::memory).sum();
    println!(
        "memory per idle socket: {:.1} KiB ({sockets} sockets, two replicas)",
        after.saturating_sub(before) as f64 / sockets as f64
    );

    for replica in &replicas {
        shared.meet(replica.address).await;
    }
    let total = per_second * seconds;
    let begun = Instant::now();
    let mut sending = Vec::new();
    for n in 0..total {
        let due = begun + Duration::from_micros(n * 1_000_000 / per_second);
        tokio::time::sleep_until(due.into()).await;
        match n {
            n if n == total / 3 => {
                replicas[1].kill();
                shared.addresses.lock().unwrap().truncate(1);
                let (db, targets) = (&db, &others.targets);
                replicas[1] = Replica::start(db, &amqp, targets).await;
                shared.meet(replicas[1].address).await;
                shared.addresses.lock().unwrap().push(replicas[1].address);
            }
            n if n == total * 2 / 3 => {
                servers.kill(Server::RabbitMq).await;
                // Messages go on being written to both replicas meanwhile; their frames are found without it.
                tokio::time::sleep(Duration::from_secs(2)).await;
                servers.restart(Server::RabbitMq).await;
            }
            _ => {}
        }
        let pair = (n as usize * 7) % (people.len() / 2);
        let (from, to) = match n % 2 {
            0 => (people[pair * 2].clone(), people[pair * 2 + 1].clone()),
            _ => (people[pair * 2 + 1].clone(), people[pair * 2].clone()),
        };
        let shared = Arc::clone(&shared);
        sending.push(tokio::spawn(async move { send(n, n < total / 4, &from, &to, &shared).await }));
    }
    let sent: Vec<(i64, i64, usize)> = join_all(sending)
        .await
        .into_iter()
        .zip(0..)
        .map(|(sent, n): (_, u64)| {
            let (conversation, message) = sent.unwrap();
            (conversation, message, (n as usize * 7) % (people.len() / 2))
        })
        .collect();

    // By pair: everything that was written between the two, in the order of the database.
    let mut expected: HashMap<usize, Vec<(i64, i64)>> = HashMap::new();
    for (conversation, message, pair) in &sent {
        expected.entry(*pair).or_default().push((*conversation, *message));
    }
    for messages in expected.values_mut() {
        messages.sort_unstable();
        let count = messages.len();
        messages.dedup();
        assert_eq!(messages.len(), count, "a message was answered twice");
    }
    let nothing = Vec::new();
    for (n, seen) in seen.iter().enumerate() {
        let expected = expected.get(&(n / 4)).unwrap_or(&nothing);
        wait_until("the last messages to arrive", Duration::from_secs(60), async || {
            seen.lock().unwrap().messages.len() >= expected.len()
        })
        .await;
        // The order of arrival is the order of the conversation, each message once.
        assert_eq!(&seen.lock().unwrap().messages, expected, "socket {n}");
    }
    shared.over.store(true, Ordering::Release);
    let resumed: u32 = seen.iter().map(|seen| seen.lock().unwrap().resumed).sum();
    assert!(resumed > 0, "nobody had to come back: nothing was killed");
    for task in listening {
        task.abort();
    }
    println!("tried again: {:?}", shared.failures.lock().unwrap());
    let answered = median(shared.posts.lock().unwrap().clone());
    let mut latencies = shared.latencies.lock().unwrap().clone();
    assert!(!latencies.is_empty(), "nothing was measured");
    latencies.sort();
    let at = |part: f64| latencies[((latencies.len() - 1) as f64 * part) as usize];
    let floor = commit + round_trip;
    println!(
        "{total} messages to {sockets} sockets, {resumed} came back; POST to answer p50 {answered:?}; POST to frame p50 {:?}, p99 {:?}; bare commit {commit:?} + RabbitMQ round trip {round_trip:?} = {floor:?}: p50 is {:.1} x",
        at(0.5),
        at(0.99),
        at(0.5).as_secs_f64() / floor.as_secs_f64()
    );
}

/// `count` people, two and two acquainted by being of a kind.
async fn people(db: &TestDatabase, others: &Others, count: usize) -> Vec<Actor> {
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        let actor = db.insert(actors::with_id(pitchey_events::UserId(0), UserType::Investor)).await;
        others.knows(&actor);
        people.push(actor);
    }
    people
}

/// One socket: comes back whenever it is lost, with the last number it saw, until the proof is over.
async fn listen(
    n: usize,
    actor: &Actor,
    seen: &Mutex<Seen>,
    shared: &Shared,
    opened: &std::sync::atomic::AtomicUsize,
) {
    let (mut tries, mut failed) = (n, 0);
    let mut first = true;
    while !shared.over.load(Ordering::Acquire) {
        let address = {
            let addresses = shared.addresses.lock().unwrap();
            addresses[tries % addresses.len()]
        };
        tries += 1;
        let since = seen.lock().unwrap().last;
        let path = format!("/ws?since={since}");
        let Ok(mut socket) = socket::dial(address, &shared.clock, Some(actor), &path).await else {
            failed += 1;
            tokio::time::sleep(Duration::from_millis((100 << failed.min(5)) + n as u64 % 100)).await;
            continue;
        };
        failed = 0;
        if first {
            opened.fetch_add(1, Ordering::AcqRel);
            first = false;
        } else {
            seen.lock().unwrap().resumed += 1;
        }
        while let Some(frame) = socket.try_frame().await {
            assert_ne!(frame["event"], "resync", "nothing was forgotten");
            let (kind, seq) = (frame["type"].as_str().unwrap(), frame["seq"].as_i64().unwrap());
            if !matches!(kind, "message" | "receipt" | "notification") {
                continue;
            }
            let mut seen = seen.lock().unwrap();
            assert_eq!(seq, seen.last + 1, "a gap, or a duplicate, at socket {n}");
            seen.last = seq;
            if kind == "message" && frame["event"] == "new" {
                let data = &frame["data"];
                seen.messages.push((data["conversationId"].as_i64().unwrap(), data["id"].as_i64().unwrap()));
                let begun = shared.begun.lock().unwrap().get(data["content"].as_str().unwrap()).copied();
                if let (Some(begun), true) = (begun, data["senderId"] != json!(actor.id)) {
                    shared.latencies.lock().unwrap().push(begun.elapsed());
                }
            }
        }
    }
}

/// Writes one message, as often as it takes, under one key.
async fn send(n: u64, measured: bool, from: &Actor, to: &Actor, shared: &Shared) -> (i64, i64) {
    let text = format!("message {n}");
    let begun = Instant::now();
    if measured {
        shared.begun.lock().unwrap().insert(text.clone(), begun);
    }
    let body = json!({ "receiverId": to.id, "content": text });
    for tries in 0.. {
        let address = {
            let addresses = shared.addresses.lock().unwrap();
            addresses[(n as usize + tries) % addresses.len()]
        };
        let client = shared.clients.lock().unwrap()[&address].clone();
        let request = client.post("/api/messages/send").as_(from).header("idempotency-key", &format!("n{n}"));
        match request.json(&body).try_send().await {
            Ok(answer) if answer.status == 201 => {
                if measured {
                    shared.posts.lock().unwrap().push(begun.elapsed());
                }
                let data = &answer.json["messageData"];
                return (data["conversationId"].as_i64().unwrap(), data["id"].as_i64().unwrap());
            }
            // As clients do: again, and later each time, unless the answer would be the same.
            Ok(answer) if (400..408).contains(&answer.status) => panic!("{answer}"),
            failed => {
                *shared
                    .failures
                    .lock()
                    .unwrap()
                    .entry(failed.map(|answer| answer.status).ok())
                    .or_default() += 1;
                tokio::time::sleep(Duration::from_millis((100 << tries.min(5)) + n % 100)).await;
            }
        }
    }
    unreachable!("it tries for ever")
}

/// The median of a single-row transaction.
async fn bare_commit(db: &TestDatabase) -> Duration {
    let mut connection = db.admin().await;
    connection.batch_execute("CREATE TABLE bare (n int)").await.unwrap();
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        connection.batch_execute("INSERT INTO bare VALUES (1)").await.unwrap();
        times.push(begun.elapsed());
    }
    connection.batch_execute("DROP TABLE bare").await.unwrap();
    median(times)
}

/// The median from publishing with a confirm to delivery, one at a time.
async fn bare_round_trip(broker: &Broker) -> Duration {
    let (_connection, channel) = broker.channel().await;
    let queue = format!("{}bare", broker.prefix);
    channel.confirm_select(Default::default()).await.unwrap();
    channel.queue_declare(queue.as_str().into(), Default::default(), Default::default()).await.unwrap();
    let consumer =
        channel.basic_consume(queue.as_str().into(), "".into(), Default::default(), Default::default());
    let mut consumer = consumer.await.unwrap();
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        let publish = channel.basic_publish(
            "".into(),
            queue.as_str().into(),
            Default::default(),
            b"{}",
            Default::default(),
        );
        publish.await.unwrap().await.unwrap();
        let delivery = consumer.next().await.unwrap().unwrap();
        times.push(begun.elapsed());
        delivery.ack(Default::default()).await.unwrap();
    }
    channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
    median(times)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
