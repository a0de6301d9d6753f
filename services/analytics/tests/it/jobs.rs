use chrono::TimeDelta;
use pitchey_events::{NdaRequested, PitchFollowed, PitchOpened, PitchViewsCounted, TrendingComputed, View};
use pitchey_testkit::Emitted;

use crate::app::{App, parties, strangers_view, view};

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_views_is_told_once_in_five_seconds_a_pitch() {
    let app = App::alone().await;
    let emitted = Emitted::watch(&app.db).await;
    let owner = app.db.creator().await.id;
    let pitch = app.pitch(owner).await;
    let look = async || {
        let viewer = app.db.investor().await.id;
        app.deliveries.deliver(&PitchOpened { items: vec![view(pitch, viewer, app.clock.now())] }).await;
    };
    look().await;
    assert_eq!(app.service.tell_views().await.unwrap(), 1);
    look().await;
    look().await;
    assert_eq!(app.service.tell_views().await.unwrap(), 0, "too early");
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(app.service.tell_views().await.unwrap(), 1);
    assert_eq!(app.service.tell_views().await.unwrap(), 0, "nothing new");
    let told: [PitchViewsCounted; 2] = [emitted.take().await, emitted.take().await];
    assert_eq!(told.map(|told| (told.pitch_id, told.views, told.version)), [(pitch, 1, 1), (pitch, 3, 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_trending_follows_from_its_factors_and_is_told_by_one_replica() {
    let app = App::alone().await;
    let emitted = Emitted::watch(&app.db).await;
    let owner = app.db.creator().await.id;
    let (looked, wanted, quiet, old) =
        (app.pitch(owner).await, app.pitch(owner).await, app.pitch(owner).await, app.pitch(owner).await);
    app.db
        .execute(&format!("UPDATE tracked_pitches SET first_published_at = first_published_at - interval '30 days' WHERE pitch_id = {old}"))
        .await;
    let (ann, now) = (app.db.investor().await.id, app.clock.now());
    let items: Vec<View> = vec![
        view(looked, ann, now),
        view(looked, ann, now - TimeDelta::hours(3)),
        strangers_view(looked, "198.51.100.7", now),
        view(wanted, ann, now),
        view(quiet, ann, now - TimeDelta::days(8)),
        view(old, ann, now),
    ];
    app.deliveries.deliver(&PitchOpened { items }).await;
    let pitch_title = "x".to_owned();
    app.deliveries
        .deliver(&PitchFollowed { pitch_id: wanted, owner_id: owner, pitch_title, follower_id: ann })
        .await;
    app.deliveries
        .deliver(&NdaRequested { parties: parties(1, wanted, owner, ann), with_message: false })
        .await;

    let replica = app.replica().await;
    let told =
        [app.service.tell_trending("slot").await.unwrap(), replica.tell_trending("slot").await.unwrap()];
    assert_eq!(told, [Some(3), None], "one of them tells");
    emitted.ignore::<PitchViewsCounted>();
    let list: TrendingComputed = emitted.take().await;
    let factors: Vec<_> = list
        .entries
        .iter()
        .map(|entry| (entry.pitch_id, entry.unique_viewers, entry.follows, entry.nda_requests))
        .collect();
    assert_eq!(factors, [(wanted, 1, 1, 1), (looked, 2, 0, 0), (old, 1, 0, 0)]);
    for entry in &list.entries {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let expected = (entry.unique_viewers + 3 * entry.follows + 8 * entry.nda_requests) as f64
            / (entry.age_hours + 2.0).powf(1.2);
        assert!((entry.score - expected).abs() < 1e-9, "{entry:?}");
    }
    assert!((list.entries[0].age_hours - 10.0).abs() < 0.01, "{:?}", list.entries[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_forgotten_and_partitions_are_made_ahead() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let ann = app.db.investor().await.id;
    let pitch = app.pitch(owner).await;
    let ago = |days| app.clock.now() - TimeDelta::days(days);
    let items = [50, 31, 29, 0].map(|days| view(pitch, ann, ago(days))).to_vec();
    let strangers = [3, 1, 0].map(|days| strangers_view(pitch, "198.51.100.7", ago(days)));
    app.deliveries.deliver(&PitchOpened { items: items.into_iter().chain(strangers).collect() }).await;
    app.db
        .execute("INSERT INTO analytics_events (event_type, created_at) VALUES ('old', now() - interval '26 months'), ('new', now())")
        .await;
    assert!(app.service.maintain("by hand").await.unwrap().unwrap() > 0);
    assert_eq!(app.service.maintain("by hand").await.unwrap(), None, "once a period");
    let kept = "SELECT count(ip_address) || ' of ' || count(*) FROM pitch_views";
    assert_eq!(app.text(kept).await, "5 of 7");
    assert_eq!(
        app.number("SELECT count(*) FROM pitch_view_hours WHERE hour < now() - interval '36 days'").await,
        0
    );
    assert_eq!(app.number("SELECT sum(views) FROM pitch_view_days").await, 7, "days are kept");
    assert_eq!(app.text("SELECT string_agg(event_type, ' ') FROM analytics_events").await, "new");
    let salts = format!(
        "SELECT string_agg(day::text, ' ' ORDER BY day) FROM view_salts WHERE day <= '{}'",
        ago(2).date_naive()
    );
    assert_eq!(app.text(&salts).await, "", "48 hours");
    assert_eq!(app.number("SELECT count(*) FROM view_salts").await, 2);
    let ahead = "SELECT count(*) FROM pg_class WHERE relname = 'analytics_events_' || to_char(now() + interval '3 months', 'YYYY_MM')";
    assert_eq!(app.number(ahead).await, 1);
    let run = "SELECT outcome FROM maintenance_runs WHERE job = 'maintenance' AND period = 'by hand'";
    assert_eq!(app.text(run).await, "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_that_are_wrong_are_found_and_set_right_and_told() {
    let app = App::alone().await;
    let emitted = Emitted::watch(&app.db).await;
    let owner = app.db.creator().await.id;
    let ann = app.db.investor().await.id;
    let (right, wrong) = (app.pitch(owner).await, app.pitch(owner).await);
    let now = app.clock.now();
    app.deliveries.deliver(&PitchOpened { items: vec![view(right, ann, now), view(wrong, ann, now)] }).await;
    app.service.tell_views().await.unwrap();
    emitted.take_all().await;
    app.db.execute(&format!("UPDATE pitch_totals SET views = 70 WHERE pitch_id = {wrong}")).await;
    app.db.execute(&format!("UPDATE pitch_view_days SET views = 7 WHERE pitch_id = {wrong}")).await;
    assert_eq!(
        app.service.differences(now.date_naive()).await.unwrap().len(),
        2,
        "what is kept and what should be"
    );
    assert_eq!(app.service.reconcile("first").await.unwrap(), Some(1));
    assert_eq!(app.service.reconcile("first").await.unwrap(), None, "once a period");
    assert_eq!(app.service.reconcile("second").await.unwrap(), Some(0));
    app.clock.advance(TimeDelta::seconds(5));
    assert_eq!(app.service.tell_views().await.unwrap(), 1);
    let told: PitchViewsCounted = emitted.take().await;
    assert_eq!((told.pitch_id, told.views), (wrong, 1));
    assert!(told.version > 1, "later than the wrong number");
}
