use chrono::TimeDelta;
use pitchey_events::{PitchOpened, View, ViewSource};
use serde_json::{Value, json};

use crate::app::{App, strangers_view, view};

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_how_their_pitches_are_doing() {
    let app = App::alone().await;
    let (owner, other) = (app.db.production().await, app.db.production().await);
    let (ann, bob) = (app.db.investor().await, app.db.viewer().await);
    let (one, two) = (app.pitch(owner.id).await, app.pitch(owner.id).await);
    let now = app.clock.now();
    let ago = |days| now - TimeDelta::days(days);
    let search = |view: View| View { source: ViewSource::Search, ..view };
    let items = vec![
        view(one, ann.id, ago(40)),
        view(one, ann.id, ago(3)),
        view(one, bob.id, ago(2)),
        search(View { seconds: Some(90), protected: true, ..view(one, ann.id, now) }),
        strangers_view(one, "198.51.100.7", now),
        view(two, ann.id, now),
    ];
    app.deliveries.deliver(&PitchOpened { items }).await;

    let path = format!("/api/pitches/{one}/analytics");
    let month = app.client.get(&path).as_(&owner).send().await.ok();
    assert_eq!(month["timeframe"], "30d", "{month}");
    assert_eq!(
        (&month["views"], &month["uniqueViewers"], &month["protectedViews"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(month["averageViewSeconds"], 90.0, "of the one that somebody timed");
    assert_eq!(month["lifetime"], json!({ "views": 5, "uniqueViewers": 3, "protectedViews": 1 }));
    assert_eq!(month["viewsByType"], json!({ "anonymous": 1, "investor": 3 }));
    assert_eq!(month["viewsBySource"], json!({ "direct": 3, "search": 1 }));
    let days: Vec<_> =
        month["viewsOverTime"].as_array().unwrap().iter().map(|day| day["views"].as_i64().unwrap()).collect();
    assert_eq!(days, [1, 1, 2]);
    let year = app.client.get(&format!("{path}?timeframe=12m")).as_(&owner).send().await.ok();
    assert_eq!(year["views"], 5);
    let day = app.client.get(&format!("{path}?timeframe=24h")).as_(&owner).send().await.ok();
    assert_eq!((&day["views"], day["viewsOverTime"].as_array().unwrap().len()), (&json!(2), 1));

    let dashboard = app.client.get("/api/production/dashboard").as_(&owner).send().await.ok();
    assert_eq!((&dashboard["views"], &dashboard["uniqueViewers"]), (&json!(5), &json!(3)), "{dashboard}");
    let top: Vec<_> =
        dashboard["topPitches"].as_array().unwrap().iter().map(|pitch| pitch["pitchId"].clone()).collect();
    assert_eq!(top, [json!(one), json!(two)]);
    assert_eq!(dashboard["buying"]["pitchesViewed"], 0);
    let others = app.client.get("/api/production/dashboard").as_(&other).send().await.ok();
    assert_eq!((&others["views"], &others["totalPitches"]), (&json!(0), &json!(0)));

    let mine = app.client.get("/api/investor/dashboard").as_(&ann).send().await.ok();
    assert_eq!(mine["pitchesViewed"], 2, "{mine}");
    assert_eq!(mine["recentlyViewed"].as_array().unwrap().len(), 2);
    assert_eq!(mine["spent"], json!([]), "no data is no data");
    assert_eq!(mine["ndas"]["medianAnswerSeconds"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_who_looked_page_by_page() {
    let app = App::alone().await;
    let owner = app.db.creator().await;
    let pitch = app.pitch(owner.id).await;
    let mut items = Vec::new();
    for minute in 0..5 {
        let viewer = app.db.investor().await.id;
        items.push(view(pitch, viewer, app.clock.now() + TimeDelta::minutes(minute)));
    }
    items.push(strangers_view(pitch, "198.51.100.7", app.clock.now() + TimeDelta::minutes(9)));
    app.deliveries.deliver(&PitchOpened { items: items.clone() }).await;
    let path = format!("/api/pitches/{pitch}/views");
    let first = app.client.get(&format!("{path}?limit=4")).as_(&owner).send().await.ok();
    assert_eq!(first["meta"]["total"], 6, "{first}");
    let viewers = first["data"].as_array().unwrap();
    assert_eq!((&viewers[0]["viewerId"], &viewers[0]["viewerType"]), (&Value::Null, &json!("anonymous")));
    assert_eq!(viewers[1]["viewerId"], json!(items[4].viewer_id));
    assert_eq!(viewers[1]["viewer"], Value::Null, "accounts is away: numbers without names");
    let cursor = first["meta"]["nextCursor"].as_str().unwrap();
    let rest = app.client.get(&format!("{path}?limit=4&cursor={cursor}")).as_(&owner).send().await.ok();
    let rest: Vec<_> =
        rest["data"].as_array().unwrap().iter().map(|viewer| viewer["viewerId"].clone()).collect();
    assert_eq!(rest, [json!(items[1].viewer_id), json!(items[0].viewer_id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_see_how_the_platform_is_doing() {
    let app = App::alone().await;
    let (owner, admin) = (app.db.creator().await, app.db.operator().await);
    let (ann, bob) = (app.db.investor().await, app.db.investor().await);
    let pitch = app.pitch(owner.id).await;
    let now = app.clock.now();
    let items = vec![view(pitch, ann.id, now), view(pitch, bob.id, now - TimeDelta::days(3))];
    app.deliveries.deliver(&PitchOpened { items }).await;
    app.service.tell_trending("now").await.unwrap();
    let overview = app.client.get("/api/analytics/overview").as_(&admin).send().await.ok();
    assert_eq!(overview["activeUsers"], json!({ "day": 1, "week": 2, "month": 2 }), "{overview}");
    assert_eq!(overview["queue"]["connected"], false);
    let trending = overview["jobs"].as_array().unwrap().iter().find(|job| job["job"] == "trending").unwrap();
    assert_eq!(trending["outcome"], "succeeded");
}
