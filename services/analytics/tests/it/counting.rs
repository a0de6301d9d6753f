use chrono::{DateTime, TimeDelta, Utc};
use pitchey_events::{PitchOpened, Report, Tracked, UserDeleted, UserType, View, ViewSource};
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::app::{App, strangers_view, view};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_counts_once_in_half_an_hour_for_a_viewer_and_a_pitch() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let (ann, bob) = (app.db.investor().await.id, app.db.investor().await.id);
    let (one, two) = (app.pitch(owner).await, app.pitch(owner).await);
    let at = |minutes| app.clock.now() + TimeDelta::minutes(minutes);
    let items = vec![
        view(one, ann, at(0)),
        view(one, ann, at(29)),
        view(one, ann, at(30)),
        view(one, bob, at(1)),
        view(two, ann, at(1)),
    ];
    app.deliveries.deliver(&PitchOpened { items }).await;
    app.deliveries
        .deliver(&PitchOpened { items: vec![view(one, ann, at(59)), view(one, ann, at(60))] })
        .await;
    let views =
        |pitch| format!("SELECT views || ' by ' || viewers FROM pitch_totals WHERE pitch_id = {pitch}");
    assert_eq!(app.text(&views(one)).await, "4 by 2");
    assert_eq!(app.text(&views(two)).await, "1 by 1");
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_apart_for_a_day_and_by_nobody_later() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let pitch = app.pitch(owner).await;
    let now = app.clock.now();
    let other_program = View {
        user_agent: Some("Mozilla/5.0 Safari/605.1".to_owned()),
        ..strangers_view(pitch, "203.0.113.9", now)
    };
    let items = vec![
        strangers_view(pitch, "203.0.113.9", now),
        strangers_view(pitch, "203.0.113.77", now + TimeDelta::minutes(3)),
        strangers_view(pitch, "198.51.100.1", now),
        other_program,
        strangers_view(pitch, "203.0.113.9", now + TimeDelta::days(1)),
    ];
    app.deliveries.deliver(&PitchOpened { items }).await;
    assert_eq!(
        app.number("SELECT count(*) FROM pitch_views").await,
        4,
        "the second is the first one's household"
    );
    let hashes = "SELECT count(DISTINCT anonymous_hash) || ' ' || bool_and(viewer_id IS NULL AND viewer_type = 'anonymous') FROM pitch_views";
    assert_eq!(app.text(hashes).await, "4 true");
    assert_eq!(app.number("SELECT count(*) FROM view_salts").await, 2);
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_owners_and_deleted_or_unknown_pitches_are_not_counted() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let viewer = app.db.viewer().await.id;
    let (pitch, deleted) = (app.pitch(owner).await, app.pitch(owner).await);
    app.db
        .execute(&format!("UPDATE tracked_pitches SET deleted_at = now() WHERE pitch_id = {deleted}"))
        .await;
    let unheard = app.db.pitch(owner).await;
    let now = app.clock.now();
    let bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".to_owned();
    let items = vec![
        View { user_agent: Some(bot), ..view(pitch, viewer, now) },
        view(pitch, owner, now),
        view(deleted, viewer, now),
        view(unheard, viewer, now),
    ];
    app.deliveries.deliver(&PitchOpened { items }).await;
    assert_eq!(app.number("SELECT count(*) FROM pitch_views").await, 0);
    // Who reports it may know whose it is.
    let items = vec![View { owner_id: Some(owner), ..view(unheard, viewer, now) }];
    app.deliveries.deliver(&PitchOpened { items }).await;
    assert_eq!(app.number("SELECT count(*) FROM pitch_views").await, 1);
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_adds_up_to_two_hours_and_what_is_protected_is_noted() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let viewer = app.db.investor().await.id;
    let pitch = app.pitch(owner).await;
    let at = |minutes| app.clock.now() + TimeDelta::minutes(minutes);
    app.deliveries.deliver(&PitchOpened { items: vec![view(pitch, viewer, at(0))] }).await;
    assert_eq!(app.text("SELECT duration FROM pitch_views").await, "", "nobody said how long");
    for (minute, seconds, protected) in [(5, Some(3_000), false), (10, None, true), (20, Some(5_000), false)]
    {
        let items = vec![View { seconds, protected, ..view(pitch, viewer, at(minute)) }];
        app.deliveries.deliver(&PitchOpened { items }).await;
    }
    assert_eq!(
        app.text("SELECT count(*) || ' ' || sum(duration) || ' ' || bool_or(protected) FROM pitch_views")
            .await,
        "1 7200 true"
    );
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_is_counted_once() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let viewer = app.db.investor().await.id;
    let pitch = app.pitch(owner).await;
    let request = Some(Uuid::new_v4());
    let item = Report::View(View { seconds: Some(60), request, ..view(pitch, viewer, app.clock.now()) });
    // Not the same event: the client has sent its request twice, and both were taken.
    app.deliveries.deliver(&Tracked { items: vec![item.clone()] }).await;
    app.deliveries.deliver(&Tracked { items: vec![item] }).await;
    assert_eq!(app.number("SELECT sum(duration) FROM pitch_views").await, 60);
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_finds_its_own_view() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let viewer = app.db.investor().await.id;
    let pitch = app.pitch(owner).await;
    let at = |minutes| app.clock.now() + TimeDelta::minutes(minutes);
    for minute in [0, 100] {
        app.deliveries.deliver(&PitchOpened { items: vec![view(pitch, viewer, at(minute))] }).await;
    }
    // Ten minutes after the first; forty before the second; and as late once more.
    let late = [(10, Some(30)), (50, None), (60, Some(5))];
    let items = late.map(|(minute, seconds)| View { seconds, ..view(pitch, viewer, at(minute)) });
    app.deliveries.deliver(&PitchOpened { items: items.to_vec() }).await;
    let durations =
        "SELECT string_agg(coalesce(duration::text, '-'), ' ' ORDER BY created_at) FROM pitch_views";
    assert_eq!(app.text(durations).await, "30 5 -");
    app.assert_sums().await;
}

/// Counted without any of the service's means: sorted, one after the other.
fn reference(mut looks: Vec<(i32, i32, DateTime<Utc>)>) -> usize {
    looks.sort_by_key(|(_, _, at)| *at);
    let mut counted: Vec<(i32, i32, DateTime<Utc>)> = Vec::new();
    for (pitch, viewer, at) in looks {
        let again = |(p, v, before): &(i32, i32, DateTime<Utc>)| {
            (*p, *v) == (pitch, viewer) && at - *before < TimeDelta::minutes(30)
        };
        if !counted.iter().any(again) {
            counted.push((pitch, viewer, at));
        }
    }
    counted.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_looks_in_order_are_counted_as_somebody_with_a_pencil_would() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let (one, two) = (app.pitch(owner).await, app.pitch(owner).await);
    let (ann, bob) = (app.db.investor().await.id, app.db.production().await.id);
    let mut runner = TestRunner::deterministic();
    let strategy = proptest::collection::vec(
        (any::<bool>(), any::<bool>(), 0..4_000_i64, proptest::option::of(0..500)),
        300,
    );
    let mut looks = strategy.new_tree(&mut runner).unwrap().current();
    looks.sort_by_key(|(_, _, second, _)| *second);
    let views: Vec<View> = looks
        .iter()
        .map(|&(pitch, viewer, second, seconds)| View {
            seconds,
            protected: second % 7 == 0,
            source: if second % 2 == 0 { ViewSource::Search } else { ViewSource::Feed },
            viewer_type: Some(if viewer { UserType::Investor } else { UserType::Production }),
            ..view(
                if pitch { one } else { two },
                if viewer { ann } else { bob },
                app.clock.now() + TimeDelta::seconds(second * 3),
            )
        })
        .collect();
    for items in views.chunks(17) {
        app.deliveries.deliver(&PitchOpened { items: items.to_vec() }).await;
    }
    let expected =
        reference(views.iter().map(|view| (view.pitch_id.0, view.viewer_id.unwrap().0, view.at)).collect());
    assert_eq!(app.number("SELECT count(*) FROM pitch_views").await, i64::try_from(expected).unwrap());
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_stays_as_a_stranger() {
    let app = App::alone().await;
    let owner = app.db.creator().await.id;
    let (gone, other) = (app.db.investor().await.id, app.db.investor().await.id);
    let (one, two) = (app.pitch(owner).await, app.pitch(owner).await);
    let now = app.clock.now();
    let items = vec![view(one, gone, now), view(two, gone, now), view(one, other, now)];
    app.deliveries.deliver(&PitchOpened { items }).await;
    app.deliveries.deliver(&UserDeleted { user_id: gone }).await;
    assert_eq!(app.number(&format!("SELECT count(*) FROM pitch_views WHERE viewer_id = {gone}")).await, 0);
    assert_eq!(app.number("SELECT count(*) FROM pitch_views").await, 3, "what was counted stays");
    let linked = "SELECT count(DISTINCT anonymous_hash) || ' ' || count(ip_address) FROM pitch_views WHERE viewer_id IS NULL";
    assert_eq!(app.text(linked).await, "2 0", "another stranger for each pitch, without an address");
    for table in ["pitch_viewers WHERE viewer_id", "active_days WHERE user_id"] {
        assert_eq!(app.number(&format!("SELECT count(*) FROM {table} = {gone}")).await, 0, "{table}");
    }
    app.assert_sums().await;
}
