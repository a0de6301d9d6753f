//! Very many views, each reported twice, with the service that counts them killed on the way: the numbers are those of a reference that
//! knows nothing but what was sent.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use futures_util::stream::{self, StreamExt};
use pitchey_events::Service::Analytics;
use pitchey_system_tests::{Platform, wait_until};
use pitchey_testkit::size;
use serde_json::json;

/// Requests at a time.
const CLIENTS: usize = 16;
/// Longest that a view takes, in seconds.
const LONGEST: i64 = 7_200;

/// (pitch, seconds) of each report of each viewer: pitches by Zipf, the same every time.
fn reports(viewers: usize, pitches: usize, views: usize) -> Vec<Vec<(usize, i64)>> {
    let weights: Vec<f64> = (1..=pitches).map(|rank| 1.0 / f64::from(u32::try_from(rank).unwrap())).collect();
    let mut sum = 0.0;
    let cumulated: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
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
        let pitch = cumulated.partition_point(|edge| *edge < drawn).min(pitches - 1);
        all[n % viewers].push((pitch, i64::try_from(random() % 600).unwrap()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_counted_once_each_although_reported_twice_and_the_service_is_killed_three_times() {
    let (viewers, pitches, views) = size((200, 50, 10_000), (20_000, 5_000, 1_000_000));
    let platform = Platform::start().await;
    let owner = platform.person("creator").await;
    platform
        .db
        .execute(&format!(
            "INSERT INTO pitches (user_id, title, logline, genre, format, status, published_at)
             SELECT {}, 'Pitch ' || n, 'A logline that is long enough.', 'drama', 'feature', 'published', now()
             FROM generate_series(1, {pitches}) AS n",
            owner.id
        ))
        .await;
    let first = platform
        .number(&format!("SELECT min(id)::bigint AS count FROM pitches WHERE user_id = {}", owner.id))
        .await;
    let (code, tokens) = platform.ctl(&["load-sessions", "--count", &viewers.to_string()]).await;
    assert_eq!(code, 0, "{tokens}");
    let tokens: Vec<&str> = tokens.lines().filter(|line| line.starts_with("pitchey_at_")).collect();
    assert_eq!(tokens.len(), viewers);

    let reports = reports(viewers, pitches, views);
    let mut reference: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    for (viewer, reports) in reports.iter().enumerate() {
        for (pitch, seconds) in reports {
            let sum = reference.entry((viewer, *pitch)).or_default();
            *sum = (*sum + seconds).min(LONGEST);
        }
    }

    let http = pitchey_testkit::http().timeout(Duration::from_secs(20)).build().unwrap();
    let url = format!("http://{}/api/views/track", platform.gateway_address());
    let answered = AtomicUsize::new(0);
    let begun = Instant::now();
    let sending = stream::iter(reports.iter().enumerate())
        .map(|(viewer, reports)| {
            let body: Vec<_> = reports
                .iter()
                .map(|(pitch, seconds)| json!({ "pitchId": first + i64::try_from(*pitch).unwrap(), "duration": seconds }))
                .collect();
            let (http, url, token, answered) = (&http, &url, tokens[viewer], &answered);
            async move {
                for _twice in 0..2 {
                    wait_until("the report to be taken", Duration::from_secs(120), async || {
                        let request = http.post(url).bearer_auth(token).header("idempotency-key", format!("views-{viewer}"));
                        request.json(&body).send().await.is_ok_and(|answer| answer.status() == 202)
                    })
                    .await;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
        .buffer_unordered(CLIENTS)
        .collect::<Vec<()>>();
    let killing = async {
        for round in 1..=3 {
            wait_until("some reports to be taken", Duration::from_secs(600), async || {
                answered.load(Ordering::Relaxed) >= round * viewers / 3
            })
            .await;
            let analytics = platform.replica(Analytics, 0);
            analytics.kill().await;
            analytics.start();
        }
    };
    tokio::join!(sending, killing);

    let expected = i64::try_from(reference.len()).unwrap();
    let seconds: i64 = reference.values().sum();
    // The sums say so, too: to count the rows all the time would take both cores.
    let counted = format!(
        "SELECT (coalesce(sum(views), 0) >= {expected} AND coalesce(sum(seconds), 0) >= {seconds})::int::bigint FROM pitch_totals"
    );
    wait_until("all views to be counted", Duration::from_secs(900), async || {
        platform.number(&counted).await == 1
    })
    .await;
    let took = begun.elapsed();
    assert_eq!(platform.number("SELECT count(*) FROM pitch_views").await, expected);
    assert_eq!(platform.number("SELECT sum(duration)::bigint FROM pitch_views").await, seconds);
    for (pitch, expected) in
        reference.keys().fold(BTreeMap::<usize, i64>::new(), |mut by_pitch, (_, pitch)| {
            *by_pitch.entry(*pitch).or_default() += 1;
            by_pitch
        })
    {
        let id = first + i64::try_from(pitch).unwrap();
        let sql = format!("SELECT views FROM pitch_totals WHERE pitch_id = {id}");
        assert_eq!(platform.number(&sql).await, expected, "views of pitch {id}");
    }
    wait_until("pitches to show the numbers", Duration::from_secs(60), async || {
        platform.number("SELECT sum(views)::bigint FROM pitches").await == expected
    })
    .await;

    let rate = f64::from(u32::try_from(2 * views).unwrap()) / took.as_secs_f64();
    let bare = copy(&platform).await;
    println!(
        "{views} views, each reported twice, by {viewers} viewers of {pitches} pitches: {took:?}, {rate:.0} reports/s; \
         a bare COPY of the {expected} rows that count: {bare:.0} rows/s; ratio {:.2}",
        rate / bare
    );
}

/// Rows a second of a COPY of the same rows into a table with the same columns and indexes.
async fn copy(platform: &Platform) -> f64 {
    let mut admin = platform.db.admin().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let file = folder.path().join("views").display().to_string();
    let arrange = format!(
        "COPY (SELECT * FROM pitch_views) TO '{file}'; CREATE TABLE bare (LIKE pitch_views INCLUDING ALL); CHECKPOINT"
    );
    for statement in arrange.split("; ") {
        admin.batch_execute(statement).await.unwrap();
    }
    let begun = Instant::now();
    admin.batch_execute(&format!("COPY bare FROM '{file}'")).await.unwrap();
    let took = begun.elapsed().as_secs_f64();
    let rows = platform.number("SELECT count(*) FROM bare").await;
    f64::from(u32::try_from(rows).unwrap()) / took
}
