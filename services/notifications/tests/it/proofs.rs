//! What needs size to be believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use pitchey_events::{PitchId, PitchPublished, Service, UserId, UserType};
use pitchey_launch::Process;
use pitchey_testkit::{identity, programs, size, wait_until};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::app::{UNSUBSCRIBE_KEY, World};
use crate::python;
use crate::smtp::{MailServer, Mood};

const PATIENCE: Duration = Duration::from_secs(900);

/// A real mail server that fails every fifth time.
struct Moody {
    address: std::net::SocketAddr,
    accepted: PathBuf,
    _dir: TempDir,
    _child: Child,
}

impl Moody {
    async fn start(kinds: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let accepted = dir.path().join("accepted");
        let mut child = python::program("mail_server.py")
            .arg(&accepted)
            .args(["5", kinds])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port: u16 = lines.next_line().await.unwrap().unwrap().parse().unwrap();
        Self { address: ([127, 0, 0, 1], port).into(), accepted, _dir: dir, _child: child }
    }

    /// How often each mail was taken, by its Message-ID.
    fn accepted(&self) -> BTreeMap<String, u32> {
        let mut accepted = BTreeMap::new();
        for line in std::fs::read_to_string(&self.accepted).unwrap_or_default().lines() {
            *accepted.entry(line.to_owned()).or_default() += 1;
        }
        accepted
    }
}

const PENDING: &str = "SELECT count(*) FROM email_queue WHERE status = 'pending'";
const SENT: &str = "SELECT count(*) FROM email_queue WHERE status = 'sent'";

#[tokio::test(flavor = "multi_thread")]
async fn mails_through_a_server_that_fails_every_fifth_time_arrive_once_each() {
    let mails = size(200, 10_000);
    let server = Moody::start("recipient,mail,hangup,slow,silence").await;
    let mut world = World::new().await.through_smtp(server.address);
    world.settings.mail.retry_seconds = 0;
    world.queue_mails(mails).await;
    let begun = Instant::now();
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(world.replica().await);
    }
    wait_until("all mails", PATIENCE, async || world.number(PENDING).await == 0).await;
    let took = begun.elapsed();
    for replica in replicas {
        replica.stop().await;
    }
    assert_eq!(world.number(SENT).await, i64::from(mails));
    let accepted = server.accepted();
    assert_eq!(accepted.len(), mails as usize);
    assert!(accepted.values().all(|times| *times == 1), "{accepted:?}");
    let deferred = world.number("SELECT count(*) FROM email_events WHERE event = 'deferred'").await;
    assert!(deferred >= i64::from(mails) / 8, "the server failed, and so often: {deferred}");
    println!("{mails} mails, 3 replicas, {deferred} failures: {took:.1?}");
}

/// A worker as a process, to be killed.
struct Worker(Child);

impl Worker {
    fn start(world: &World, log: &Path) -> Self {
        let database = |role: &str| world.db.url_as(role);
        let at = |address| format!("http://{address}");
        let smtp = world.settings.mail.smtp_url.as_ref().map(secrecy::ExposeSecret::expose_secret).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new(programs().join("pitchey-notifications"))
            .env_clear()
            .envs(identity::environment(Service::Notifications))
            .env("PITCHEY_MODE", "development")
            .env("PITCHEY_BROKER__URL", &world.broker.url)
            .env("PITCHEY_BROKER__PREFIX", &world.broker.prefix)
            .env("PITCHEY_PUBLIC_URL", "https://pitchey.test")
            .env("PITCHEY_DATABASE__USER_POOL", "4")
            .env("PITCHEY_DATABASE__SYSTEM_POOL", "4")
            .env("PITCHEY_RPC_TARGETS__ACCOUNTS", at(world.accounts.address))
            .env("PITCHEY_RPC_TARGETS__PITCHES", at(world.pitches.address))
            .env("NOTIFICATIONS_DATABASE__USER_URL", database("pitchey_notifications"))
            .env("NOTIFICATIONS_DATABASE__SYSTEM_URL", database("pitchey_notifications_system"))
            .env("NOTIFICATIONS_UNSUBSCRIBE_KEY", UNSUBSCRIBE_KEY)
            .env("NOTIFICATIONS_MAIL__TRANSPORT", "smtp")
            .env("NOTIFICATIONS_MAIL__SMTP_URL", smtp)
            .env("NOTIFICATIONS_MAIL__POLL_MS", "50")
            .env("NOTIFICATIONS_MAIL__LEASE_SECONDS", "20")
            .env("NOTIFICATIONS_MAIL__ATTEMPT_SECONDS", "15")
            .env("NOTIFICATIONS_MAIL__RETRY_SECONDS", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self(child)
    }

    async fn kill(mut self) {
        self.0.kill().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_killed_workers_arrive_at_most_once_more_with_the_same_message_id() {
    let mails: u32 = size(200, 10_000);
    let server = Moody::start("recipient,mail,slow").await;
    let world = World::new().await.through_smtp(server.address);
    world.queue_mails(mails).await;
    let log = world.folder.path().join("workers.log");
    let begun = Instant::now();
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&world, &log)).collect();
    let mut kills = 0;
    for part in 1..=3 {
        let arrived = || server.accepted().len() * 4 >= mails as usize * part;
        wait_until("some mails", PATIENCE, async || arrived()).await;
        workers.remove(0).kill().await;
        workers.push(Worker::start(&world, &log));
        kills += 1;
    }
    wait_until("all mails", PATIENCE, async || world.number(PENDING).await == 0).await;
    let took = begun.elapsed();
    for worker in workers {
        worker.kill().await;
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(world.number(SENT).await, i64::from(mails), "{:?}\n{log}", world.queue().await);
    let accepted = server.accepted();
    assert_eq!(accepted.len(), mails as usize, "each arrived, under one Message-ID");
    let twice = accepted.values().filter(|times| **times == 2).count();
    assert!(accepted.values().all(|times| *times <= 2), "{accepted:?}");
    assert!(twice <= kills * 10, "no more than a killed worker had in hand: {twice} of {kills} kills");
    println!("{mails} mails, 3 workers, {kills} killed: {took:.1?}, {twice} arrived twice");
}

async fn many_users(world: &World, count: i64) -> std::ops::RangeInclusive<i32> {
    let from: i64 = world.number("SELECT coalesce(max(id), 0) + 1 FROM users").await;
    world
        .db
        .execute(&format!(
            "INSERT INTO users (id, email, username, password_hash, user_type)
             SELECT n, 'user' || n || '@example.test', 'user' || n, '!', 'viewer' FROM generate_series({from}, {from} + {count} - 1) AS n"
        ))
        .await;
    i32::try_from(from).unwrap()..=i32::try_from(from + count - 1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_touch_each_user_once() {
    let users = size(1_000, 100_000);
    // What is queued is not to be sent meanwhile: this is about building.
    let server = MailServer::start().await;
    server.be(Mood::Silence);
    let world = World::standing_still().await.through_smtp(server.address);
    let ids = many_users(&world, users).await;
    for id in ids.clone() {
        world.accounts.knows(UserId(id), &crate::app::address(UserId(id)), "Reader");
    }
    for pitch in 1..=200 {
        world.pitches.publishes(PitchId(pitch), &format!("Pitch {pitch}"));
    }
    let (first, last) = (ids.start(), ids.end());
    world
        .db
        .execute(&format!(
            "INSERT INTO email_requests (event_id, user_id, template, held, created_at, letter)
             SELECT gen_random_uuid(), id, 'new-follower', 'daily', '{}'::timestamptz - interval '25 hours',
                    jsonb_build_object('template', 'new-follower', 'follower', {first} + (id + n) % {users},
                                       'pitch', jsonb_build_object('id', 1 + (id + n) % 200, 'title', 'x'))
             FROM generate_series({first}, {last}) AS id, generate_series(1, 3) AS n;
             ANALYZE email_requests",
            world.clock.now().to_rfc3339()
        ))
        .await;
    let begun = Instant::now();
    let replicas = [world.replica().await, world.replica().await];
    // The first to look at the clock plans.
    replicas[0].run_jobs().await;
    let planned =
        "SELECT count(*) FROM maintenance_runs WHERE job = 'plan_daily_digests' AND outcome = 'succeeded'";
    wait_until("the plan", PATIENCE, async || world.number(planned).await == 1).await;
    let due = "SELECT count(*) FROM email_digests WHERE outcome IS NULL";
    wait_until("all digests", PATIENCE, async || world.number(due).await == 0).await;
    let took = begun.elapsed();
    let count = async |sql: &str| world.number(sql).await;
    assert_eq!(
        count("SELECT count(*) FROM email_digests WHERE outcome = 'queued' AND attempts = 0").await,
        users
    );
    assert_eq!(count("SELECT count(*) FROM email_queue").await, users);
    assert_eq!(
        count("SELECT count(DISTINCT user_id) FROM email_queue WHERE template = 'daily-digest'").await,
        users
    );
    assert_eq!(count("SELECT count(*) FROM email_requests").await, 0, "all that was held back is told");
    let lines = "SELECT min(jsonb_array_length(metadata -> 'digest' -> 'lines')) FROM email_queue";
    assert_eq!(count(lines).await, 3);
    println!("{users} digests planned and built by 2 replicas: {took:.1?}");
    drop(replicas);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_followers_are_told_once_each() {
    let followers = size(1_200, 100_000);
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex").await.id;
    world.pitches.publishes(PitchId(42), "The Lighthouse");
    for id in many_users(&world, followers).await {
        world.pitches.follows(UserId(id), owner);
    }
    let others = [world.replica().await, world.replica().await];
    let app = world.start().await;
    let begun = Instant::now();
    app.emit(&PitchPublished {
        pitch_id: PitchId(42),
        owner_id: owner,
        first_time: true,
        pitch_title: "The Lighthouse".to_owned(),
        hold: None,
    })
    .await;
    let done = "SELECT count(*) FROM announcements WHERE finished_at IS NOT NULL";
    wait_until("everybody to be told", PATIENCE, async || app.world.number(done).await == 1).await;
    let took = begun.elapsed();
    let count = async |sql: &str| app.world.number(sql).await;
    assert_eq!(count("SELECT told FROM announcements").await, followers);
    assert_eq!(count("SELECT count(DISTINCT user_id) FROM notifications").await, followers);
    assert_eq!(count("SELECT count(*) FROM notifications").await, followers);
    let asked = "SELECT count(DISTINCT user_id) FROM email_requests";
    assert_eq!(count(asked).await, followers, "by default they hear of it in the digest");
    println!("{followers} followers told by 3 replicas: {took:.1?}");
    for replica in others {
        replica.stop().await;
    }
}
