use chrono::TimeDelta;
use pitchey_identity::Actor;
use pitchey_testkit::{Answer, SOON, wait_until};
use serde_json::{Value, json};

use crate::app::App;

fn ids(found: &Value) -> Vec<i64> {
    found["pitches"].as_array().unwrap().iter().map(|pitch| pitch["id"].as_i64().unwrap()).collect()
}

async fn published(app: &App, owner: &Actor, changes: Value) -> i64 {
    app.pass(TimeDelta::hours(30));
    app.published_with(owner, changes).await
}

async fn find(app: &App, query: &str) -> Vec<i64> {
    ids(&app.client.get(&format!("/api/pitches/search?{query}")).send().await.ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn published_pitches_are_found_by_their_public_words() {
    let app = App::start().await;
    let owner = app.creator().await;
    let by_theme =
        published(&app, &owner, json!({ "title": "First one", "themes": ["lanterns", "sea"] })).await;
    let by_title = published(&app, &owner, json!({ "title": "The Lantern" })).await;
    let draft = app.pitch_with(&owner, json!({ "title": "A lantern in a drawer" })).await;
    let other = published(&app, &owner, json!({ "title": "Something else" })).await;

    assert_eq!(find(&app, "q=lantern").await, [by_title, by_theme], "newest first");
    published(&app, &owner, json!({ "title": "Again", "whyNow": "Lanterns are back." })).await;
    assert_eq!(find(&app, "q=lanterns&sort=relevance").await[0], by_title, "the title weighs most");
    assert_eq!(find(&app, "q=lantern+-first&sort=relevance").await.len(), 2, "a word can be excluded");
    assert_eq!(find(&app, "q=%22something+else%22").await, [other], "a phrase");
    assert_eq!(find(&app, "q=the").await, Vec::<i64>::new(), "nothing to look for");
    assert_eq!(find(&app, "").await.len(), 4, "everything published");
    for path in ["/api/pitches/search?q=lantern", "/api/search/advanced?query=lantern"] {
        let found = app.client.get(path).send().await.ok();
        assert!(!ids(&found).contains(&draft));
        assert_eq!(
            (&found["total"], &found["query"], &found["meta"]["total"]),
            (&json!(3), &json!("lantern"), &json!(3))
        );
        for key in ["pitches", "users", "filters", "facets", "meta"] {
            assert!(found.get(key).is_some(), "{key}");
        }
    }
    // What an edit takes away is gone, and so is what is taken from view.
    let path = format!("/api/pitches/{by_title}");
    app.client.put(&path).as_(&owner).json(&json!({ "title": "The Lamp" })).send().await.expect(200);
    assert!(!find(&app, "q=lantern").await.contains(&by_title));
    assert_eq!(find(&app, "q=lamp").await, [by_title]);
    app.post(&format!("{path}/hide"), &owner, json!({})).await.expect(200);
    assert_eq!(find(&app, "q=lamp").await, Vec::<i64>::new());
    app.post(&format!("{path}/publish"), &owner, json!({})).await.expect(200);
    assert_eq!(find(&app, "q=lamp").await, [by_title]);
    app.client.delete(&path).as_(&owner).send().await.expect(200);
    assert_eq!(find(&app, "q=lamp").await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn protected_words_are_neither_matched_nor_inferred() {
    let app = App::start().await;
    let (owner, signer) = (app.creator().await, app.investor().await);
    let secret = published(
        &app,
        &owner,
        json!({ "longSynopsis": "The zeppelin did it. A zeppelin!", "opener": "zeppelin" }),
    )
    .await;
    let plain = published(&app, &owner, json!({})).await;
    app.signed(secret, &owner, &signer).await;
    for actor in [&owner, &signer, &app.creator().await] {
        let found = app.get("/api/pitches/search?q=zeppelin&sort=relevance", actor).await.ok();
        assert_eq!((ids(&found), &found["total"]), (Vec::new(), &json!(0)));
        let found = app.get("/api/pitches/search?q=lighthouse&sort=relevance", actor).await.ok();
        assert_eq!(ids(&found), [plain, secret], "what is protected raises no rank");
        assert!(!found.to_string().contains("zeppelin"), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_narrowed_and_says_to_what_it_could_be() {
    let app = App::start().await;
    let owner = app.creator().await;
    let horror = published(
        &app,
        &owner,
        json!({ "genre": "horror", "format": "tv", "stage": "Script", "estimatedBudget": "1-5 million" }),
    )
    .await;
    let drama =
        published(&app, &owner, json!({ "seekingInvestment": false, "stage": "It's \"done\"" })).await;
    let short = published(&app, &owner, json!({ "format": "short", "stage": "Concept" })).await;
    for (query, expected) in [
        ("genre=horror", vec![horror]),
        ("genre=horror,drama", vec![short, drama, horror]),
        ("format=series", vec![horror]),
        ("format=series&genre=horror", vec![horror]),
        ("format=series&genre=drama", vec![]),
        ("stage=script", vec![horror]),
        ("stage=it's+%22done%22", vec![drama]),
        ("budget=1-5+MILLION", vec![horror]),
        ("estimatedBudget=1-5+million", vec![horror]),
        ("seekingInvestment=false", vec![drama]),
        ("seekingInvestment=true&q=lighthouse", vec![short, horror]),
        ("q=lighthouse&genre=drama&format=short&stage=concept", vec![short]),
    ] {
        assert_eq!(find(&app, query).await, expected, "{query}");
    }
    let found = app.client.get("/api/pitches/search?q=lighthouse&seekingInvestment=true").send().await.ok();
    assert_eq!(
        found["facets"]["genre"],
        json!([{ "value": "drama", "count": 1 }, { "value": "horror", "count": 1 }])
    );
    assert_eq!(found["facets"]["budget"], json!([{ "value": "1-5 million", "count": 1 }]));
    assert_eq!(found["filters"]["seekingInvestment"], "true");
    let wrong = app
        .client
        .get("/api/pitches/search?genre=western&format=opera&sort=best&seekingInvestment=perhaps")
        .send()
        .await;
    wrong.invalid(&["genre", "format", "sort", "seekingInvestment"]);
    let long = app.client.get(&format!("/api/pitches/search?q={}", "x".repeat(201))).send().await;
    long.invalid(&["q"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_through_all_that_was_found_once() {
    let app = App::start().await;
    let owner = app.creator().await;
    let mut all = Vec::new();
    for n in 0..7 {
        all.insert(0, published(&app, &owner, json!({ "title": format!("Lighthouse {n}") })).await);
    }
    for sort in ["newest", "relevance"] {
        let (mut seen, mut next) =
            (Vec::new(), format!("/api/pitches/search?q=lighthouse&limit=2&sort={sort}"));
        let begin = next.clone();
        while !next.is_empty() {
            let page = app.client.get(&next).send().await.ok();
            assert_eq!(page["total"], 7);
            seen.extend(ids(&page));
            next = page["meta"]["nextCursor"]
                .as_str()
                .map_or_else(String::new, |cursor| format!("{begin}&cursor={cursor}"));
        }
        assert_eq!(seen, all, "{sort} by cursor");
        let third = app.client.get(&format!("{begin}&page=3")).send().await.ok();
        assert_eq!(ids(&third), all[4..6], "{sort} by page");
        app.client.get(&format!("{begin}&cursor=bm9uc2Vuc2U")).send().await.refused(400, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_thousand_are_counted_to_a_thousand_and_reached_all_the_same() {
    let app = App::start().await;
    let owner = app.creator().await;
    let first = published(&app, &owner, json!({ "title": "Lighthouse of old" })).await;
    app.db
        .execute(&format!(
            "INSERT INTO pitches (user_id, title, logline, genre, format, status, published_at)
             SELECT user_id, 'Lighthouse ' || n, logline, genre, format, 'published', published_at + n * interval '1 hour'
             FROM pitches, generate_series(1, 1100) AS n WHERE id = {first}"
        ))
        .await;
    let page = app.client.get("/api/pitches/search?q=lighthouse&limit=100&page=12").send().await.ok();
    assert_eq!((&page["total"], &page["meta"]["totalIsMinimum"]), (&json!(1_000), &json!(true)));
    assert_eq!(*ids(&page).last().unwrap(), first);
    let ranked = app.client.get("/api/pitches/search?q=lighthouse+old&sort=relevance").send().await.ok();
    assert_eq!(ids(&ranked), [first]);
    let count: i64 = ranked["facets"]["genre"][0]["count"].as_i64().unwrap();
    assert_eq!(count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_hides_each_from_the_other_and_nobody_to_ask_finds_nothing() {
    let app = App::start().await;
    let (ann, bob, eve) = (app.creator().await, app.creator().await, app.creator().await);
    let of_ann = published(&app, &ann, json!({})).await;
    let of_bob = published(&app, &bob, json!({})).await;
    app.others.known().blocks.insert((ann.id.0, bob.id.0));
    let find = async |actor: &Actor, path: &str| ids(&app.get(path, actor).await.ok());
    for path in ["/api/pitches/search?q=lighthouse", "/api/search/advanced"] {
        assert_eq!(find(&ann, path).await, [of_ann]);
        assert_eq!(find(&bob, path).await, [of_bob]);
        assert_eq!(find(&eve, path).await, [of_bob, of_ann]);
    }
    let titles = |answer: Answer| answer.ok()["suggestions"].as_array().unwrap().len();
    assert_eq!(titles(app.get("/api/pitches/search/suggestions?q=light", &ann).await), 1);
    assert_eq!(titles(app.get("/api/pitches/search/suggestions?q=light", &eve).await), 2);
    let users = async |actor: &Actor, name: &str| {
        app.get(&format!("/api/pitches/search?q={name}"), actor).await.ok()["users"].as_array().unwrap().len()
    };
    let name = format!("user{}", bob.id);
    assert_eq!((users(&eve, &name).await, users(&ann, &name).await), (1, 0));
    app.others.known().away = true;
    app.get("/api/pitches/search?q=lighthouse", &ann).await.refused(503, "dependency_unavailable");
    app.get("/api/pitches/search/suggestions?q=light", &ann).await.refused(503, "dependency_unavailable");
    // Nobody in particular has blocked anybody.
    app.client.get("/api/pitches/search?q=lighthouse").send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_types_is_completed() {
    let app = App::start().await;
    let owner = app.creator().await;
    for title in ["The Lighthouse", "Lightning", "A Lighter Load", "100% Light"] {
        published(&app, &owner, json!({ "title": title })).await;
    }
    let complete = async |typed: &str| {
        let found = app.client.get(&format!("/api/pitches/search/suggestions?q={typed}")).send().await.ok();
        let titles = found["suggestions"].as_array().unwrap().iter();
        titles.map(|suggestion| suggestion["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(complete("light").await, ["A Lighter Load", "The Lighthouse", "Lightning"]);
    assert_eq!(complete("the%20LIGHTH").await, ["The Lighthouse"]);
    assert_eq!(complete("100%25").await, ["100% Light"]);
    assert_eq!(complete("%25").await, Vec::<String>::new());
    assert_eq!(complete("").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_kept_hears_of_changes() {
    let app = App::start_with(|settings| settings.public_cache_ms = 600_000).await;
    app.emitted.ignore::<pitchey_events::PitchPublished>();
    app.emitted.ignore::<pitchey_events::PitchChanged>();
    let owner = app.creator().await;
    let (_second, client) = app.replica().await;
    let pitch = published(&app, &owner, json!({})).await;
    let find = async |q: &str| ids(&client.get(&format!("/api/pitches/search?q={q}")).send().await.ok());
    wait_until("the other replica to have heard of it", SOON, async || find("lighthouse").await == [pitch])
        .await;
    let body = json!({ "title": "The Dark House" });
    app.client.put(&format!("/api/pitches/{pitch}")).as_(&owner).json(&body).send().await.ok();
    wait_until("the other replica to hear of it", SOON, async || find("lighthouse").await.is_empty()).await;
}
