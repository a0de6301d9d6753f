use pitchey_events::{ReportResolved, UserType};
use pitchey_identity::Actor;
use serde_json::{Value, json};

use crate::app::{App, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_open_once_and_decided_once() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<pitchey_events::PitchPublished>();
    app.emitted.ignore::<pitchey_events::PitchChanged>();
    let (owner, ann, admin) =
        (app.creator().await, app.person(UserType::Viewer, |_| {}).await, app.operator().await);
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}/report");
    let spam = json!({ "reason": "spam", "description": "Again and again." });
    let first = app.post(&path, &ann, spam.clone()).await.expect(201)["report"].clone();
    assert_eq!((&first["status"], &first["reason"]), (&json!("open"), &json!("spam")));
    let again = app.post(&path, &ann, json!({ "reason": "other" })).await.expect(200)["report"].clone();
    assert_eq!(again["id"], first["id"]);
    app.post(&path, &owner, spam.clone()).await.refused(403, "own_pitch");
    app.post(&path, &ann, json!({ "reason": "dislike" })).await.invalid(&["reason"]);
    app.post(&path, &ann, json!({})).await.invalid(&["reason"]);
    let other = app.post(&path, &app.investor().await, json!({ "reason": "copyright" })).await.expect(201);

    app.get("/api/admin/reports", &ann).await.refused(403, "forbidden");
    let list = app.get("/api/admin/reports?status=open", &admin).await.ok();
    assert_eq!(list["meta"]["total"], 2);
    assert_eq!(list["data"][1]["pitchTitle"], "The Lighthouse");
    assert_eq!(list["data"][1]["reporter"]["id"], ann.id.0);
    app.get("/api/admin/reports?status=lost", &admin).await.invalid(&["status"]);

    let resolve = async |report: i64, actor: &Actor, body: Value| {
        app.post(&format!("/api/admin/reports/{report}/resolve"), actor, body).await
    };
    let upheld = json!({ "outcome": "upheld", "note": "Right." });
    resolve(id(&first), &ann, upheld.clone()).await.refused(403, "forbidden");
    resolve(id(&first), &admin, json!({ "outcome": "open" })).await.invalid(&["outcome"]);
    resolve(999_999, &admin, upheld.clone()).await.refused(404, "not_found");
    let done = resolve(id(&first), &admin, upheld.clone()).await.expect(200);
    assert_eq!(done["report"]["status"], "upheld");
    let told = app.emitted.take::<ReportResolved>().await;
    assert_eq!((told.reporter_id, told.outcome.as_str(), told.target_id), (ann.id, "upheld", pitch));
    resolve(id(&first), &admin, upheld).await.expect(200);
    let lost = resolve(id(&first), &admin, json!({ "outcome": "dismissed" })).await;
    assert_eq!(lost.refused(409, "report_wrong_state")["details"]["status"], "upheld");
    assert_eq!(app.actions("report", id(&first)).await, ["report.resolved"]);
    // A new one can be made, and hiding goes with a decision.
    app.post(&path, &ann, spam).await.expect(201);
    let hidden = json!({ "outcome": "upheld", "hidePitch": true });
    resolve(id(&other["report"]), &admin, hidden).await.expect(200);
    app.emitted.take::<ReportResolved>().await;
    assert_eq!(app.get(&format!("/api/pitches/{pitch}"), &owner).await["status"], "hidden");
    app.post(&path, &ann, json!({ "reason": "other" })).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_moderator_hides_stays_hidden_until_it_is_given_back() {
    let app = App::start().await;
    let (owner, signer, admin) = (app.creator().await, app.investor().await, app.operator().await);
    let pitch = app.published(&owner).await;
    app.signed(pitch, &owner, &signer).await;
    let hide = async |actor: &Actor, body: Value| {
        app.post(&format!("/api/admin/pitches/{pitch}/hide"), actor, body).await
    };
    hide(&owner, json!({ "reason": "No." })).await.refused(403, "forbidden");
    hide(&admin, json!({})).await.invalid(&["reason"]);
    for _ in 0..2 {
        let hidden = hide(&admin, json!({ "reason": "Somebody else's work." })).await.expect(200);
        assert_eq!(
            (&hidden["pitch"]["status"], &hidden["pitch"]["hiddenBy"]),
            (&json!("hidden"), &json!("moderator"))
        );
    }
    assert!(!app.opens(pitch, &signer).await, "not even a signer sees it");
    let publish = async || app.post(&format!("/api/pitches/{pitch}/publish"), &owner, json!({})).await;
    publish().await.refused(409, "pitch_hidden_by_moderator");
    hide(&admin, json!({ "reason": "A mistake.", "hidden": false })).await.expect(200);
    assert!(app.opens(pitch, &signer).await);
    publish().await.expect(200);
    let expected = ["pitch.hidden_by_moderator", "pitch.given_back_by_moderator", "pitch.published"];
    let actions = app.actions("pitch", pitch).await;
    let moderated: Vec<_> = actions.iter().filter(|action| expected.contains(&action.as_str())).collect();
    assert_eq!(moderated, ["pitch.published", expected[0], expected[1], expected[2]]);

    // One in the archive comes back hidden.
    app.client
        .patch(&format!("/api/pitches/{pitch}"))
        .as_(&owner)
        .json(&json!({ "archived": true }))
        .send()
        .await
        .expect(200);
    assert_eq!(hide(&admin, json!({ "reason": "Again." })).await.expect(200)["pitch"]["status"], "archived");
    let restored = app
        .client
        .patch(&format!("/api/pitches/{pitch}"))
        .as_(&owner)
        .json(&json!({ "archived": false }))
        .send()
        .await;
    assert_eq!(restored.expect(200)["pitch"]["status"], "hidden");
    publish().await.refused(409, "pitch_hidden_by_moderator");
    app.post("/api/admin/pitches/999999/hide", &admin, json!({ "reason": "Gone." }))
        .await
        .refused(404, "not_found");
}
