//! Size. Small here; `make soak` runs the full ones.

use std::time::Instant;

use pitchey_events::PitchOpened;
use pitchey_testkit::size;

use crate::app::{App, view};

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
