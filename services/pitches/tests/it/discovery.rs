use chrono::TimeDelta;
use pitchey_bus::Delivered;
use pitchey_events::{PitchId, PitchOpened, Service, Trending, TrendingComputed, View, ViewSource};
use pitchey_identity::Actor;
use pitchey_testkit::Deliveries;
use serde_json::{Value, json};

use crate::app::App;

fn ids(pitches: &Value) -> Vec<i64> {
    pitches.as_array().unwrap().iter().map(|pitch| pitch["id"].as_i64().unwrap()).collect()
}

/// What the service does with events.
pub async fn deliveries(app: &App) -> Deliveries {
    let databases = app.db.databases(Service::Pitches).await;
    let (consumes, _) = pitchey_pitches::hears(&app.settings, databases.clone(), app.clock.clone()).unwrap();
    Deliveries::to(Service::Pitches, consumes, &databases)
}

fn entry(pitch: i64, score: f64) -> Trending {
    let pitch_id = PitchId(i32::try_from(pitch).unwrap());
    Trending { pitch_id, score, unique_viewers: 3, follows: 2, nda_requests: 1, age_hours: 4.0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_list_that_was_computed_is_served_through_the_projection() {
    let app = App::start().await;
    let (owner, deliveries) = (app.creator().await, deliveries(&app).await);
    let empty = app.client.get("/api/pitches/trending").send().await.ok();
    assert_eq!((&empty["pitches"], &empty["trending_factors"]["computedAt"]), (&json!([]), &json!(null)));

    let (one, two, hidden) =
        (app.published(&owner).await, app.published(&owner).await, app.published(&owner).await);
    let computed_at = app.clock.now();
    let entries = vec![entry(two, 2.5), entry(hidden, 2.0), entry(one, 1.25), entry(999_999, 1.0)];
    let event = TrendingComputed { computed_at, entries };
    assert_eq!(deliveries.deliver(&event).await, Delivered::Applied);
    app.post(&format!("/api/pitches/{hidden}/hide"), &owner, json!({})).await.expect(200);
    let list = app.client.get("/api/pitches/trending").send().await.ok();
    assert_eq!(ids(&list["pitches"]), [two, one]);
    let first = &list["trending_factors"]["scores"][0];
    assert_eq!(
        (&first["pitchId"], &first["score"], &first["uniqueViewers"]),
        (&json!(two), &json!(2.5), &json!(3))
    );
    assert!(list["pitches"][0].get("longSynopsis").is_none());
    assert_eq!(ids(&app.client.get("/api/pitches/trending?limit=1").send().await.ok()["pitches"]), [two]);

    // One that was computed before comes late, the next replaces it all.
    let late =
        TrendingComputed { computed_at: computed_at - TimeDelta::minutes(5), entries: vec![entry(one, 9.0)] };
    deliveries.deliver(&late).await;
    assert_eq!(ids(&app.client.get("/api/pitches/trending").send().await.ok()["pitches"]), [two, one]);
    let next =
        TrendingComputed { computed_at: computed_at + TimeDelta::minutes(5), entries: vec![entry(one, 9.0)] };
    deliveries.deliver(&next).await;
    assert_eq!(ids(&app.client.get("/api/pitches/trending").send().await.ok()["pitches"]), [one]);
}

#[tokio::test(flavor = "multi_thread")]
async fn promoted_pitches_are_featured_first_then_what_is_looked_for_then_the_newest() {
    let app = App::start().await;
    let (owner, deliveries) = (app.creator().await, deliveries(&app).await);
    let mut pitches = Vec::new();
    for _ in 0..4 {
        app.pass(TimeDelta::minutes(1));
        pitches.push(app.published(&owner).await);
    }
    let [promoted, trending, old, new] = pitches[..] else { unreachable!() };
    let computed_at = app.clock.now();
    deliveries.deliver(&TrendingComputed { computed_at, entries: vec![entry(trending, 1.0)] }).await;
    app.post(&format!("/api/pitches/{promoted}/promote"), &owner, json!({})).await.expect(200);
    let featured = async || ids(&app.client.get("/api/pitches/featured").send().await.ok()["data"]);
    assert_eq!(featured().await, [promoted, trending, new, old]);
    let page = app.get("/api/pitches/featured?limit=3&page=2", &owner).await.ok();
    assert_eq!((ids(&page["data"]), &page["meta"]["total"]), (vec![old], &json!(4)));
    app.pass(TimeDelta::days(8));
    assert_eq!(featured().await, [trending, new, old, promoted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_recommended_what_followed_people_and_ones_own_taste_suggest() {
    let app = App::start().await;
    let (ann, bob, reader) = (app.creator().await, app.creator().await, app.investor().await);
    let mut of = Vec::new();
    for (owner, genre) in [(&ann, "horror"), (&bob, "horror"), (&bob, "comedy"), (&bob, "drama")] {
        app.pass(TimeDelta::minutes(1));
        of.push(app.published_with(owner, json!({ "genre": genre })).await);
    }
    let recommended = async |actor| ids(&app.get("/api/pitches/recommended", actor).await.ok()["data"]);
    assert_eq!(recommended(&reader).await, [of[3], of[2], of[1], of[0]], "nothing is known: the newest");
    let opened = |viewer: &Actor, pitch: i64| View {
        pitch_id: PitchId(i32::try_from(pitch).unwrap()),
        owner_id: Some(bob.id),
        viewer_id: Some(viewer.id),
        viewer_type: Some(viewer.user_type),
        at: app.clock.now(),
        source: ViewSource::Direct,
        protected: false,
        seconds: None,
        ip: None,
        user_agent: None,
        request: None,
        nth: None,
    };
    let of_nobody = View { viewer_id: None, viewer_type: None, ..opened(&reader, of[0]) };
    let items = vec![opened(&reader, of[1]), of_nobody, opened(&reader, of[1]), opened(&reader, 999_999)];
    deliveries(&app).await.deliver(&PitchOpened { items }).await;
    assert_eq!(recommended(&reader).await, [of[1], of[0], of[3], of[2]], "a genre that is read");
    assert_eq!(recommended(&ann).await, [of[3], of[2], of[1]], "by somebody else");
    app.post(&format!("/api/pitches/{}/like", of[2]), &reader, json!({})).await.expect(201);
    assert_eq!(recommended(&reader).await[0], of[2], "a genre that is liked");
    app.post(&format!("/api/users/{}/follow", ann.id), &reader, json!({})).await.expect(201);
    assert_eq!(recommended(&reader).await[0], of[0], "somebody who is followed");
    app.signed(of[0], &ann, &reader).await;
    assert!(!recommended(&reader).await.contains(&of[0]), "what was signed for is known");
    assert_eq!(recommended(&reader).await[0], of[1], "but its genre is liked");
    assert_eq!(recommended(&bob).await, [of[0]], "never one's own");
    app.others.known().blocks.insert((bob.id.0, reader.id.0));
    assert_eq!(recommended(&reader).await, Vec::<i64>::new());
    app.client.get("/api/pitches/recommended").send().await.expect(200);
    app.others.known().away = true;
    app.get("/api/pitches/recommended", &reader).await.refused(503, "dependency_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_has_the_newest_of_followed_people() {
    let app = App::start().await;
    let (ann, bob, reader) = (app.creator().await, app.creator().await, app.investor().await);
    let mut of_ann = Vec::new();
    for _ in 0..3 {
        app.pass(TimeDelta::minutes(1));
        of_ann.insert(0, app.published(&ann).await);
        app.published(&bob).await;
    }
    let feed = async |query: &str| app.get(&format!("/api/pitches/following{query}"), &reader).await.ok();
    assert_eq!(ids(&feed("").await["data"]), Vec::<i64>::new());
    app.post(&format!("/api/users/{}/follow", ann.id), &reader, json!({})).await.expect(201);
    assert_eq!(ids(&feed("").await["data"]), of_ann);
    let first = feed("?limit=2").await;
    let cursor = first["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(ids(&feed(&format!("?limit=2&cursor={cursor}")).await["data"]), of_ann[2..]);
    app.client.get("/api/pitches/following").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_pitches_are_read_archived_and_deleted_at_once() {
    let app = App::start().await;
    let (owner, other) = (app.creator().await, app.creator().await);
    let (one, two, foreign) =
        (app.published(&owner).await, app.published(&owner).await, app.published(&other).await);
    let draft = app.pitch_with(&other, json!({})).await;
    let batch = async |ids: &str| app.get(&format!("/api/pitches/batch?ids={ids}"), &owner).await;
    let found = batch(&format!("{two},{foreign},{draft},{one},{two},999999")).await.ok();
    assert_eq!(ids(&found["pitches"]), [two, foreign, one]);
    assert!(found["pitches"][0].get("longSynopsis").is_none(), "lists show the public part");
    assert_eq!(batch("").await.ok()["pitches"], json!([]));
    batch("1,x").await.invalid(&["ids"]);
    batch(&vec!["1"; 101].join(",")).await.invalid(&["ids"]);

    let post = async |what: &str, ids: &[i64]| {
        app.post(&format!("/api/pitches/batch/{what}"), &owner, json!({ "ids": ids })).await
    };
    post("archive", &[]).await.invalid(&["ids"]);
    post("archive", &[one, foreign]).await.refused(403, "forbidden");
    assert_eq!(app.get(&format!("/api/pitches/{one}"), &owner).await["status"], "published", "all or none");
    assert_eq!(post("archive", &[two, one, one]).await.expect(200)["updated"], 2);
    assert_eq!(app.get(&format!("/api/pitches/{two}"), &owner).await["status"], "archived");
    post("delete", &[one, draft]).await.refused(404, "not_found");
    assert_eq!(post("delete", &[two, one]).await.expect(200)["deleted"], 2);
    app.get(&format!("/api/pitches/{one}"), &owner).await.refused(404, "not_found");
}
