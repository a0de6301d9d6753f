//! Size. Small here; `make soak` runs the full ones.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use pitchey_events::{PitchId, PitchOpened, Service, UserId};
use pitchey_identity::{Context, HEADER, Principal, Request, Signer};
use pitchey_testkit::{Broker, Ports, actors, identity, programs, size, wait_until};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::app::{App, view};

/// Requests at a time.
const CLIENTS: usize = 16;
/// Longest that a view takes, in seconds.
const LONGEST: i64 = 7_200;

/// A replica in a process of its own, to be killed.
struct Replica {
    address: SocketAddr,
    environment: Vec<(String, String)>,
    child: Child,
}

impl Replica {
    fn start(app: &App, broker: &Broker) -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, Ports::new().take()));
        let mut environment = identity::environment(Service::Analytics);
        environment.extend(
            [
                ("PITCHEY_MODE", "development".to_owned()),
                ("PITCHEY_BROKER__URL", broker.url.clone()),
                ("PITCHEY_BROKER__PREFIX", broker.prefix.clone()),
                ("PITCHEY_RPC_TARGETS__ACCOUNTS", "http://127.0.0.1:1".to_owned()),
                ("PITCHEY_RPC_TARGETS__PITCHES", "http://127.0.0.1:1".to_owned()),
                ("ANALYTICS_HTTP__ADDRESS", free.to_string()),
                ("ANALYTICS_RPC__ADDRESS", "127.0.0.1:0".to_owned()),
                ("ANALYTICS_DATABASE__USER_URL", app.db.url_as("pitchey_analytics")),
                ("ANALYTICS_DATABASE__SYSTEM_URL", app.db.url_as("pitchey_analytics_system")),
            ]
            .map(|(variable, value)| (variable.to_owned(), value)),
        );
        let child = spawn(&environment);
        Self { address: free, environment, child }
    }

    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.environment);
    }
}

fn spawn(environment: &[(String, String)]) -> Child {
    Command::new(programs().join("pitchey-analytics"))
        .env_clear()
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// (pitch, seconds) of each report of each viewer: pitches by Zipf, the same every time.
fn reports(viewers: usize, pitches: usize, views: usize) -> Vec<Vec<(usize, i64)>> {
    let mut sum = 0.0;
    let edges: Vec<f64> = (1..=pitches)
        .map(|rank| {
            sum += 1.0 / f64::from(u32::try_from(rank).unwrap());
            sum
        })
        .collect();
    // splitmix64
    let mut state = 42_u64;
    let mut random = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut all = vec![Vec::new(); viewers];
    for n in 0..views {
        #[expect(clippy::cast_precision_loss, reason = "a draw")]
        let drawn = (random() >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        let pitch = edges.partition_point(|edge| *edge < drawn).min(pitches - 1);
        all[n % viewers].push((pitch, i64::try_from(random() % 600).unwrap()));
    }
    all
}

/// Sends one viewer's reports until they are taken, as clients do.
async fn report(
    http: &reqwest::Client,
    signer: &Signer,
    to: SocketAddr,
    viewer: UserId,
    body: &[serde_json::Value],
) {
    const PATH: &str = "/api/views/track";
    wait_until("the reports to be taken", Duration::from_secs(120), async || {
        let context = Context {
            principal: Principal::User(actors::investor(viewer)),
            ip: Some(Ipv4Addr::LOCALHOST.into()),
            request_id: uuid::Uuid::new_v4().to_string(),
        };
        let bound_to = Request { method: "POST", path: PATH };
        let signature = signer.sign(Service::Analytics, bound_to, &context).unwrap();
        let request = http.post(format!("http://{to}{PATH}")).header(HEADER, signature);
        let request = request.header("idempotency-key", format!("views-{viewer}")).json(body);
        request.send().await.is_ok_and(|answer| answer.status() == 202)
    })
    .await;
}

/// Views by very many viewers, all reported twice, while the process that takes them is killed three times. The reference knows nothing but what was
/// sent. (Through the gateway, and with the numbers that pitches shows: deploy/system-tests.)
#[tokio::test(flavor = "multi_thread")]
async fn views_reported_twice_are_counted_once_although_the_process_is_killed_three_times() {
    let (viewers, pitches, views) = size((200, 50, 10_000), (20_000, 5_000, 1_000_000));
    // Only the process counts: what runs within the test is not optimised.
    let (app, broker) = (App::alone().await, Broker::new());
    let owner = app.db.creator().await.id;
    app.db
        .execute(&format!(
            "INSERT INTO users (email, username, password_hash, user_type)
             SELECT 'load-' || n || '@load.test', 'load-' || n, '!', 'investor' FROM generate_series(1, {viewers}) AS n;
             INSERT INTO pitches (user_id, title, logline, genre, format, status, published_at)
             SELECT {owner}, 'Pitch ' || n, 'A logline that is long enough.', 'drama', 'feature', 'published', now()
             FROM generate_series(1, {pitches}) AS n;
             INSERT INTO tracked_pitches (pitch_id, owner_id, first_published_at)
             SELECT id, user_id, published_at FROM pitches"
        ))
        .await;
    let first_viewer = app.number("SELECT min(id) FROM users WHERE username LIKE 'load-%'").await;
    let first_pitch = app.number("SELECT min(id) FROM pitches").await;
    let viewer = |n: usize| UserId(i32::try_from(first_viewer).unwrap() + i32::try_from(n).unwrap());
    let pitch = |n: usize| PitchId(i32::try_from(first_pitch).unwrap() + i32::try_from(n).unwrap());

    let reports = reports(viewers, pitches, views);
    let mut reference: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    for (viewer, reports) in reports.iter().enumerate() {
        for (pitch, seconds) in reports {
            let sum = reference.entry((viewer, *pitch)).or_default();
            *sum = (*sum + seconds).min(LONGEST);
        }
    }

    let mut replica = Replica::start(&app, &broker);
    let (http, signer, to) =
        (pitchey_testkit::http().build().unwrap(), identity::signer(Service::Gateway), replica.address);
    let answered = AtomicUsize::new(0);
    let begun = Instant::now();
    let sending = stream::iter(reports.iter().enumerate())
        .map(|(n, reports)| {
            let body: Vec<_> = reports
                .iter()
                .map(|(n, seconds)| json!({ "pitchId": pitch(*n), "duration": seconds }))
                .collect();
            let (http, signer, answered) = (&http, &signer, &answered);
            async move {
                for _twice in 0..2 {
                    report(http, signer, to, viewer(n), &body).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .buffer_unordered(CLIENTS)
        .collect::<Vec<()>>();
    let killing = async {
        for round in 1..=3 {
            wait_until("some reports to be taken", Duration::from_secs(900), async || {
                answered.load(Ordering::Relaxed) >= round * viewers / 3
            })
            .await;
            replica.kill().await;
        }
    };
    tokio::join!(sending, killing);
    let taken = begun.elapsed();

    let (expected, seconds) = (i64::try_from(reference.len()).unwrap(), reference.values().sum::<i64>());
    // The sums say so, too: to count the rows all the time would take both cores.
    let counted = format!(
        "SELECT (coalesce(sum(views), 0) >= {expected} AND coalesce(sum(seconds), 0) >= {seconds})::int FROM pitch_totals"
    );
    wait_until("all views to be counted", Duration::from_secs(900), async || app.number(&counted).await == 1)
        .await;
    let took = begun.elapsed();
    assert_eq!(app.number("SELECT count(*) FROM pitch_views").await, expected);
    assert_eq!(app.number("SELECT sum(duration) FROM pitch_views").await, seconds);
    let mut by_pitch: BTreeMap<usize, i64> = BTreeMap::new();
    for (_, pitch) in reference.keys() {
        *by_pitch.entry(*pitch).or_default() += 1;
    }
    let kept = app.text("SELECT string_agg(views::text, ' ' ORDER BY pitch_id) FROM pitch_totals").await;
    let counted: Vec<_> = by_pitch.values().map(ToString::to_string).collect();
    assert_eq!(kept, counted.join(" "), "views of each pitch");
    app.assert_sums().await;
    // Groups of reports that were sent twice share ids, and all take turns.
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(app.number(deadlocks).await, 0, "deadlocks");

    let rate = f64::from(u32::try_from(2 * views).unwrap()) / took.as_secs_f64();
    let bare = copy(&app).await;
    println!(
        "{views} views, each reported twice, by {viewers} viewers of {pitches} pitches: taken in {taken:?}, counted in {took:?}, \
         {rate:.0} reports/s; a bare COPY of the {expected} rows that count: {bare:.0} rows/s; ratio {:.2}",
        rate / bare
    );
}

/// Rows a second of a COPY of the same rows into a table with the same columns and indexes.
async fn copy(app: &App) -> f64 {
    // Where Postgres may write: its own folder for data.
    app.db.execute("COPY (SELECT * FROM pitch_views) TO PROGRAM 'cat > bare.copy'").await;
    app.db.execute("CREATE TABLE bare (LIKE pitch_views INCLUDING ALL)").await;
    let begun = Instant::now();
    app.db.execute("COPY bare FROM PROGRAM 'cat bare.copy'").await;
    let took = begun.elapsed().as_secs_f64();
    let rows = app.number("SELECT count(*) FROM bare").await;
    app.db.execute("COPY (SELECT) TO PROGRAM 'rm bare.copy'").await;
    f64::from(u32::try_from(rows).unwrap()) / took
}

/// A dashboard over twelve months of a pitch with very many views reads sums, not views.
#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_over_a_year_reads_sums_however_many_views_there_were() {
    let app = App::alone().await;
    let owner = app.db.creator().await;
    let ann = app.db.investor().await.id;
    let pitch = app.pitch(owner.id).await;
    let views = size(10_000, 1_000_000);
    // As a year of counting leaves them: the raw rows, and the sums of them.
    app.db
        .execute(&format!(
            "INSERT INTO pitch_views (pitch_id, anonymous_hash, viewer_type, source, duration, created_at)
             SELECT {pitch}, substring(uuid_send(gen_random_uuid()) FROM 1 FOR 16), 'anonymous',
                    (ARRAY['direct', 'search', 'feed', 'trending'])[1 + n % 4], n % 600, now() - n * (interval '360 days' / {views})
             FROM generate_series(1, {views}) AS n;
             INSERT INTO pitch_view_days
             SELECT pitch_id, (created_at AT TIME ZONE 'UTC')::date, viewer_type, source, count(*), 0, count(*), sum(duration)
             FROM pitch_views GROUP BY 1, 2, 3, 4;
             INSERT INTO pitch_viewers (pitch_id, viewer, viewer_type, views, protected_views, seconds, first_at, last_at, last_source, last_seconds, last_protected)
             SELECT pitch_id, anonymous_hash, 'anonymous', 1, 0, duration, created_at, created_at, source, duration, false FROM pitch_views;
             ANALYZE"
        ))
        .await;
    app.deliveries.deliver(&PitchOpened { items: vec![view(pitch, ann, app.clock.now())] }).await;
    let path = format!("/api/pitches/{pitch}/analytics?timeframe=12m");
    app.client.get(&path).as_(&owner).send().await.ok();
    let begun = Instant::now();
    let year = app.client.get(&path).as_(&owner).send().await.ok();
    println!("a dashboard over 12 months of {views} views: {:?}", begun.elapsed());
    assert_eq!(year["views"], views + 1);
    assert!(year["viewsOverTime"].as_array().unwrap().len() >= 360);
}
