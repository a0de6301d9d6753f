use pitchey_events::UserType;
use serde_json::{Value, json};

use crate::app::{App, id};

#[tokio::test(flavor = "multi_thread")]
async fn only_creators_and_productions_write_pitches() {
    let app = App::start().await;
    for user_type in UserType::ALL {
        let actor = app.person(*user_type, |_| {}).await;
        let answer = app.post("/api/pitches", &actor, App::draft()).await;
        match user_type {
            UserType::Creator | UserType::Production => answer.expect(201),
            UserType::Investor | UserType::Viewer => answer.refused(403, "forbidden"),
        };
    }
    app.client.post("/api/pitches").json(&App::draft()).send().await.refused(401, "unauthenticated");
    let suspended = app.person(UserType::Creator, |actor| actor.suspended = true).await;
    app.post("/api/pitches", &suspended, App::draft()).await.refused(403, "account_suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pitch_comes_back_whole_under_both_names() {
    let app = App::start().await;
    let owner = app.creator().await;
    let answer = app.post("/api/pitches", &owner, App::draft()).await.expect(201);
    let pitch = &answer["pitch"];
    for (field, expected) in [
        ("userId", json!(owner.id)),
        ("requiresNDA", json!(true)),
        ("requireNda", json!(true)),
        ("stage", json!("script")),
        ("productionStage", json!("script")),
        ("budget", json!("1-5 million")),
        ("budgetRange", json!("1-5 million")),
        ("views", json!(0)),
        ("viewCount", json!(0)),
        ("visibility", json!("private")),
        ("isOwner", json!(true)),
        ("themes", json!(["sea", "waiting"])),
        ("comparables", json!(["The Fog", { "title": "The Sea", "year": 1911 }])),
        ("completionPercentage", json!(95)),
        ("version", json!(1)),
        ("mediaFiles", json!([])),
    ] {
        assert_eq!(pitch[field], expected, "{field}");
    }
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_are_understood_and_numbers_are_budgets() {
    let app = App::start().await;
    let owner = app.creator().await;
    for (sent, format, category) in [
        ("series", "tv", Value::Null),
        ("documentary", "other", json!("documentary")),
        ("animation", "other", json!("animation")),
        ("webseries", "webseries", Value::Null),
    ] {
        let body = json!({ "title": "A title", "logline": "A logline of enough words.", "genre": "comedy", "format": sent,
            "requireNda": true, "productionStage": "idea", "estimatedBudget": 2_500_000 });
        let answer = app.post("/api/pitches", &owner, body).await.expect(201);
        let pitch = &answer["pitch"];
        assert_eq!((&pitch["format"], &pitch["formatCategory"]), (&json!(format), &category));
        assert_eq!((&pitch["requiresNDA"], &pitch["ndaType"]), (&json!(true), &json!("basic")));
        assert_eq!((&pitch["stage"], &pitch["estimatedBudget"]), (&json!("idea"), &json!("2500000")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_set_is_ignored() {
    let app = App::start().await;
    let (owner, other) = (app.creator().await, app.creator().await);
    let pitch = app
        .pitch_with(&owner, json!({ "userId": other.id, "status": "published", "views": 99, "ndaCount": 7, "version": 12, "nonsense": [1] }))
        .await;
    let got = app.get(&format!("/api/pitches/{pitch}"), &owner).await.ok();
    assert_eq!(got["userId"], owner.id.0);
    assert_eq!((&got["status"], &got["views"], &got["ndaCount"]), (&json!("draft"), &json!(0), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_named() {
    let app = App::start().await;
    let owner = app.creator().await;
    let wrong = |answer: pitchey_testkit::Answer| -> Vec<String> {
        let answer = answer.refused(400, "validation_failed");
        let errors = answer["validation_errors"].as_array().unwrap().clone();
        let mut fields: Vec<String> =
            errors.iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect();
        fields.sort_unstable();
        fields
    };
    assert_eq!(
        wrong(app.post("/api/pitches", &owner, json!({})).await),
        ["format", "genre", "logline", "title"]
    );
    let body = json!({
        "title": "ab", "logline": "short", "genre": "western", "format": "opera", "longSynopsis": "x".repeat(50_001),
        "opener": "o".repeat(50_001), "thumbnailUrl": "javascript:alert(1)", "ndaType": "secret", "stage": "s".repeat(51),
        "themes": vec!["t"; 101], "comparables": [{ "title": "t".repeat(201) }], "characters": [{ "name": "n".repeat(2_001) }],
    });
    assert_eq!(
        wrong(app.post("/api/pitches", &owner, body).await),
        [
            "characters",
            "comparables",
            "format",
            "genre",
            "logline",
            "longSynopsis",
            "ndaType",
            "opener",
            "stage",
            "themes",
            "thumbnailUrl",
            "title"
        ]
    );
    for body in
        [json!({ "title": 5 }), json!({ "themes": "sea" }), json!({ "keyTalent": [{ "role": "lead" }] })]
    {
        wrong(app.post("/api/pitches", &owner, body).await);
    }
    let exact = json!({ "title": "t".repeat(200), "logline": "l".repeat(500), "genre": "other", "format": "other", "premise": "ä".repeat(50_000) });
    app.post("/api/pitches", &owner, exact).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_merges_what_is_given_and_null_clears() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.pitch_with(&owner, json!({})).await;
    let body = json!({ "title": "Another title", "opener": null, "themes": null });
    let path = format!("/api/pitches/{pitch}");
    let answer = app.client.put(&path).as_(&owner).json(&body).send().await.expect(200);
    let pitch = &answer["pitch"];
    assert_eq!(
        (&pitch["title"], &pitch["opener"], &pitch["themes"]),
        (&json!("Another title"), &Value::Null, &Value::Null)
    );
    assert_eq!((&pitch["premise"], &pitch["version"]), (&json!("SECRET-premise"), &json!(2)));
    assert_eq!(pitch["completionPercentage"], 85);
    app.client
        .put(&path)
        .as_(&owner)
        .json(&json!({ "title": null }))
        .send()
        .await
        .refused(400, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_keeps_two_tabs_from_overwriting_each_other() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.pitch_with(&owner, json!({})).await;
    let put = async |version: &str, title: &str| {
        let body = json!({ "title": title });
        let request =
            app.client.put(&format!("/api/pitches/{pitch}")).as_(&owner).header("if-match", version);
        request.json(&body).send().await
    };
    put("1", "The first tab").await.expect(200);
    let refused = put("1", "The second tab").await.refused(409, "pitch_changed");
    assert_eq!(refused["details"]["version"], 2);
    put("\"2\"", "The second tab").await.expect(200);
    put("*", "Whatever is there").await.expect(200);
    put("yesterday", "Nonsense").await.refused(400, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_edits_of_a_version_wins() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.pitch_with(&owner, json!({})).await;
    let edits = (0..20).map(|n| {
        let (app, owner) = (&app, &owner);
        async move {
            let body = json!({ "title": format!("Title {n}") });
            let request = app.client.put(&format!("/api/pitches/{pitch}")).as_(owner).header("if-match", "1");
            request.json(&body).send().await.status
        }
    });
    let statuses = futures_util::future::join_all(edits).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    assert_eq!(app.number(&format!("SELECT count(*) FROM pitch_versions WHERE pitch_id = {pitch}")).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_repeated_under_its_key_is_one_pitch() {
    let app = App::start().await;
    let owner = app.creator().await;
    let create = async |body: &Value| {
        app.client.post("/api/pitches").as_(&owner).header("idempotency-key", "once").json(body).send().await
    };
    let first = create(&App::draft()).await.expect(201);
    let again = create(&App::draft()).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(id(&again["pitch"]), id(&first["pitch"]));
    let mut other = App::draft();
    other["title"] = json!("Something else");
    create(&other).await.refused(409, "idempotency_key_reused");
    assert_eq!(app.number("SELECT count(*) FROM pitches").await, 1);
}
