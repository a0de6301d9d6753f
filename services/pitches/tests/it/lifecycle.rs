use pitchey_events::{PitchChanged, PitchPublished, UserType};
use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::app::App;

async fn go(app: &App, pitch: i64, what: &str, owner: &pitchey_identity::Actor) -> Answer {
    let path = format!("/api/pitches/{pitch}");
    match what {
        "archive" | "restore" => {
            let body = json!({ "archived": what == "archive" });
            app.client.patch(&path).as_(owner).json(&body).send().await
        }
        what => app.post(&format!("{path}/{what}"), owner, json!({})).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_move_leads_where_the_rules_say() {
    // From, move, what is answered, where it stands then.
    let table = [
        ("draft", "publish", 200, "published"),
        ("draft", "unpublish", 200, "draft"),
        ("draft", "hide", 409, "draft"),
        ("draft", "archive", 200, "archived"),
        ("draft", "restore", 200, "draft"),
        ("published", "publish", 200, "published"),
        ("published", "unpublish", 200, "draft"),
        ("published", "hide", 200, "hidden"),
        ("published", "archive", 200, "archived"),
        ("published", "restore", 200, "published"),
        ("hidden", "publish", 200, "published"),
        ("hidden", "unpublish", 409, "hidden"),
        ("hidden", "hide", 200, "hidden"),
        ("hidden", "archive", 200, "archived"),
        ("hidden", "restore", 200, "hidden"),
        ("archived", "publish", 409, "archived"),
        ("archived", "unpublish", 409, "archived"),
        ("archived", "hide", 409, "archived"),
        ("archived", "archive", 200, "archived"),
        ("archived", "restore", 200, "published"),
    ];
    let app = App::start().await;
    let owner = app.creator().await;
    for (from, what, status, then) in table {
        let pitch = app.pitch_with(&owner, json!({})).await;
        let way: &[&str] = match from {
            "draft" => &[],
            "published" => &["publish"],
            "hidden" => &["publish", "hide"],
            _ => &["publish", "archive"],
        };
        for step in way {
            go(&app, pitch, step, &owner).await.expect(200);
        }
        let answer = go(&app, pitch, what, &owner).await.expect(status);
        if status == 409 {
            assert_eq!(answer.refused(409, "pitch_wrong_state")["details"]["status"], from);
        } else {
            assert_eq!(answer["pitch"]["status"], then, "{from} {what}");
        }
        assert_eq!(app.get(&format!("/api/pitches/{pitch}"), &owner).await["status"], then);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_pitch_returns_to_where_it_was() {
    let app = App::start().await;
    let owner = app.creator().await;
    for way in [&[][..], &["publish"], &["publish", "hide"]] {
        let pitch = app.pitch_with(&owner, json!({})).await;
        for step in way {
            go(&app, pitch, step, &owner).await.expect(200);
        }
        let before = app.get(&format!("/api/pitches/{pitch}"), &owner).await["status"].clone();
        go(&app, pitch, "archive", &owner).await.expect(200);
        assert_eq!(go(&app, pitch, "restore", &owner).await["pitch"]["status"], before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_moderator_hid_its_owner_cannot_show() {
    let app = App::start().await;
    let (owner, signer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    app.signed(pitch, &owner, &signer).await;
    app.db
        .execute(&format!("UPDATE pitches SET status = 'hidden', hidden_by = 'moderator' WHERE id = {pitch}"))
        .await;
    assert!(!app.opens(pitch, &signer).await, "not even a signer sees it");
    for what in ["publish", "hide", "unpublish"] {
        go(&app, pitch, what, &owner).await.refused(409, "pitch_hidden_by_moderator");
    }
    go(&app, pitch, "archive", &owner).await.expect(200);
    assert!(!app.opens(pitch, &signer).await);
    go(&app, pitch, "publish", &owner).await.refused(409, "pitch_hidden_by_moderator");
    assert_eq!(go(&app, pitch, "restore", &owner).await["pitch"]["status"], "hidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signer_keeps_access_while_the_pitch_is_out_of_sight() {
    let app = App::start().await;
    let (owner, signer, stranger) = (app.creator().await, app.investor().await, app.investor().await);
    for what in ["unpublish", "hide", "archive"] {
        let pitch = app.published(&owner).await;
        app.signed(pitch, &owner, &signer).await;
        go(&app, pitch, what, &owner).await.expect(200);
        assert!(app.opens(pitch, &signer).await, "{what}");
        app.get(&format!("/api/pitches/{pitch}"), &stranger).await.refused(404, "not_found");
        app.client.get(&format!("/api/pitches/public/{pitch}")).send().await.refused(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_needs_a_synopsis_and_a_verified_address() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.pitch_with(&owner, json!({ "shortSynopsis": null })).await;
    let refused = go(&app, pitch, "publish", &owner).await.refused(400, "pitch_incomplete");
    assert_eq!(refused["validation_errors"][0]["field"], "shortSynopsis");

    let newcomer = app.person(UserType::Creator, |actor| actor.email_verified = false).await;
    let pitch = app.pitch_with(&newcomer, json!({})).await;
    go(&app, pitch, "publish", &newcomer).await.refused(403, "email_not_verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_pitch_cannot_lose_what_publishing_needed() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let cleared = json!({ "shortSynopsis": null });
    let path = format!("/api/pitches/{pitch}");
    app.client.put(&path).as_(&owner).json(&cleared).send().await.refused(400, "pitch_incomplete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_pitch_is_published_only_with_what_publishing_needs() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}");
    go(&app, pitch, "archive", &owner).await.expect(200);
    app.client.put(&path).as_(&owner).json(&json!({ "shortSynopsis": null })).send().await.expect(200);
    go(&app, pitch, "restore", &owner).await.refused(400, "pitch_incomplete");
    assert_eq!(app.get(&path, &owner).await["status"], "archived");
    app.client.put(&path).as_(&owner).json(&json!({ "shortSynopsis": "Again." })).send().await.expect(200);
    assert_eq!(go(&app, pitch, "restore", &owner).await.expect(200)["pitch"]["status"], "published");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nda_opens_nothing_of_a_pitch_that_a_moderator_hid_or_its_owner_deleted() {
    let app = App::start().await;
    let (owner, signer) = (app.creator().await, app.investor().await);
    let (hidden, deleted) = (app.published(&owner).await, app.published(&owner).await);
    let ndas = [app.signed(hidden, &owner, &signer).await, app.signed(deleted, &owner, &signer).await];
    for nda in ndas {
        assert_eq!(app.get(&format!("/api/ndas/{nda}"), &signer).await["accessGranted"], true);
    }
    app.db
        .execute(&format!(
            "UPDATE pitches SET status = 'hidden', hidden_by = 'moderator' WHERE id = {hidden}"
        ))
        .await;
    app.client.delete(&format!("/api/pitches/{deleted}")).as_(&owner).send().await.expect(200);
    for nda in ndas {
        let told = app.get(&format!("/api/ndas/{nda}"), &signer).await;
        assert_eq!((&told["status"], &told["accessGranted"]), (&json!("signed"), &json!(false)));
    }
    let list = app.get("/api/ndas/signed", &signer).await.ok();
    assert!(list["data"].as_array().unwrap().iter().all(|nda| nda["accessGranted"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_publication_is_remembered() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<PitchChanged>();
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    assert!(app.emitted.take::<PitchPublished>().await.first_time);
    let path = format!("/api/pitches/{pitch}");
    let first = app.get(&path, &owner).await["publishedAt"].clone();
    go(&app, pitch, "unpublish", &owner).await.expect(200);
    app.pass(chrono::TimeDelta::days(1));
    go(&app, pitch, "publish", &owner).await.expect(200);
    assert!(!app.emitted.take::<PitchPublished>().await.first_time);
    assert_eq!(app.get(&path, &owner).await["publishedAt"], first);
    // A repetition tells nobody anything.
    go(&app, pitch, "publish", &owner).await.expect(200);
    let expected: Vec<String> =
        ["pitch.published", "pitch.unpublished", "pitch.published"].map(str::to_owned).into();
    assert_eq!(app.actions("pitch", pitch).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pitch_that_nobody_saw_is_removed_and_another_leaves_a_tombstone() {
    let app = App::start().await;
    let owner = app.creator().await;
    let delete =
        async |pitch: i64| app.client.delete(&format!("/api/pitches/{pitch}")).as_(&owner).send().await;
    let draft = app.pitch_with(&owner, json!({})).await;
    assert_eq!(delete(draft).await.expect(200)["message"], "The pitch was deleted.");
    assert_eq!(app.number(&format!("SELECT count(*) FROM pitches WHERE id = {draft}")).await, 0);
    delete(draft).await.refused(404, "not_found");

    let shown = app.published(&owner).await;
    go(&app, shown, "archive", &owner).await.expect(200);
    delete(shown).await.expect(200);
    delete(shown).await.refused(404, "not_found");
    let row = app.text(&format!("SELECT row_to_json(pitches) FROM pitches WHERE id = {shown}")).await;
    assert!(!row.contains("SECRET") && !row.contains("Lighthouse"), "{row}");
    let versions =
        app.text(&format!("SELECT json_agg(v) FROM pitch_versions v WHERE pitch_id = {shown}")).await;
    let versions: Value = serde_json::from_str(&versions).unwrap();
    assert_eq!(versions[0]["content"], Value::Null);
    assert_eq!(versions[0]["content_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(app.actions("pitch", shown).await.last().unwrap(), "pitch.deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_pitches_are_forbidden_if_known_and_not_there_if_not() {
    let app = App::start().await;
    let (owner, other) = (app.creator().await, app.creator().await);
    let (draft, shown) = (app.pitch_with(&owner, json!({})).await, app.published(&owner).await);
    for what in ["publish", "unpublish", "hide", "archive", "restore"] {
        go(&app, draft, what, &other).await.refused(404, "not_found");
        go(&app, shown, what, &other).await.refused(403, "forbidden");
    }
    for (pitch, status) in [(draft, 404), (shown, 403)] {
        let path = format!("/api/pitches/{pitch}");
        app.client.put(&path).as_(&other).json(&json!({ "title": "Mine now" })).send().await.expect(status);
        app.client.delete(&path).as_(&other).send().await.expect(status);
    }
}
