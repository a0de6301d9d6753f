use chrono::TimeDelta;
use pitchey_identity::Actor;
use serde_json::{Value, json};

use crate::app::App;

fn ids(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn five(app: &App, owner: &Actor) -> Vec<i64> {
    let mut pitches = Vec::new();
    for n in 0..5 {
        // Two share an instant.
        if n != 3 {
            app.pass(TimeDelta::seconds(1));
        }
        pitches.insert(0, app.published(owner).await);
    }
    pitches
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_cursors_lead_through_the_whole_list_once() {
    let app = App::start().await;
    let owner = app.creator().await;
    let all = five(&app, &owner).await;
    for path in ["/api/pitches/public", "/api/pitches"] {
        let mut seen = Vec::new();
        let mut next = format!("{path}?limit=2");
        loop {
            let page = app.get(&next, &owner).await.ok();
            assert_eq!(page["meta"]["total"], 5);
            seen.extend(ids(&page));
            match page["meta"]["nextCursor"].as_str() {
                Some(cursor) => next = format!("{path}?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, all, "{path} by cursor");
        let second = app.get(&format!("{path}?limit=2&page=2"), &owner).await.ok();
        assert_eq!(ids(&second), all[2..4]);
        let meta = &second["meta"];
        assert_eq!(
            (&meta["page"], &meta["limit"], &meta["totalPages"], &meta["hasNext"], &meta["hasPrevious"]),
            (&json!(2), &json!(2), &json!(3), &json!(true), &json!(true))
        );
        assert_eq!(ids(&app.get(&format!("{path}?page=9"), &owner).await.ok()), Vec::<i64>::new());
        app.get(&format!("{path}?cursor=bm9uc2Vuc2U"), &owner).await.refused(400, "validation_failed");
        app.get(&format!("{path}?limit=0"), &owner).await.refused(400, "validation_failed");
        app.get(&format!("{path}?limit=1000"), &owner).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_list_has_every_state_and_the_public_one_has_one() {
    let app = App::start().await;
    let (owner, other) = (app.creator().await, app.creator().await);
    let draft = app.pitch_with(&owner, json!({ "genre": "horror" })).await;
    let shown = app.published_with(&owner, json!({ "format": "series" })).await;
    let foreign = app.published(&other).await;
    assert_eq!(ids(&app.get("/api/pitches", &owner).await.ok()), [shown, draft]);
    assert_eq!(ids(&app.get("/api/pitches?status=draft", &owner).await.ok()), [draft]);
    assert_eq!(ids(&app.get("/api/pitches?status=active", &owner).await.ok()), [shown]);
    assert_eq!(ids(&app.get("/api/pitches?genre=horror", &owner).await.ok()), [draft]);
    for list in ["/api/pitches", "/api/pitches/public"] {
        assert_eq!(ids(&app.client.get(list).send().await.ok()), [foreign, shown]);
        assert_eq!(ids(&app.client.get(&format!("{list}?format=series")).send().await.ok()), [shown]);
        assert_eq!(
            ids(&app.client.get(&format!("{list}?genre=horror")).send().await.ok()),
            Vec::<i64>::new()
        );
        let wrong = app.client.get(&format!("{list}?genre=western&format=opera&status=x")).send().await;
        assert_eq!(wrong.refused(400, "validation_failed")["validation_errors"].as_array().unwrap().len(), 3);
    }
    let investor = app.investor().await;
    assert_eq!(ids(&app.get("/api/pitches", &investor).await.ok()), Vec::<i64>::new());
    app.client.delete(&format!("/api/pitches/{shown}")).as_(&owner).send().await.expect(200);
    assert_eq!(ids(&app.get("/api/pitches", &owner).await.ok()), [draft]);
    assert_eq!(ids(&app.client.get("/api/pitches/public").send().await.ok()), [foreign]);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_parties_find_their_ndas_and_nobody_elses() {
    let app = App::start().await;
    let (owner, ann, bob) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let first = app.signed(pitch, &owner, &ann).await;
    app.pass(TimeDelta::seconds(60));
    let second = app.requested(pitch, &bob).await;
    for (actor, path, expected) in [
        (&owner, "/api/ndas", vec![second, first]),
        (&owner, "/api/ndas?role=incoming", vec![second, first]),
        (&owner, "/api/ndas?role=outgoing", vec![]),
        (&owner, "/api/ndas?status=signed", vec![first]),
        (&owner, "/api/ndas/signed", vec![first]),
        (&ann, "/api/ndas", vec![first]),
        (&ann, "/api/ndas?role=outgoing&status=pending", vec![]),
        (&bob, "/api/ndas?role=outgoing", vec![second]),
        (&bob, "/api/ndas?role=incoming", vec![]),
        (&bob, "/api/ndas/signed", vec![]),
    ] {
        assert_eq!(ids(&app.get(path, actor).await.ok()), expected, "{path} as {}", actor.id);
    }
    app.get(&format!("/api/ndas/{first}"), &bob).await.refused(404, "not_found");
    app.get("/api/ndas?role=both", &bob).await.refused(400, "validation_failed");
    app.get("/api/ndas?status=maybe", &bob).await.refused(400, "validation_failed");
    app.pass(TimeDelta::seconds(40));
    app.act(second, "reject", &owner).await.expect(200);
    let stats = app.get("/api/ndas/stats", &owner).await.ok();
    assert_eq!(
        stats,
        json!({ "total": 2, "pending": 0, "approved": 0, "signed": 1, "rejected": 1, "expired": 0, "revoked": 0, "withdrawn": 0,
                "medianAnswerSeconds": 20.0 })
    );
    let nothing = app.get("/api/ndas/stats", &app.investor().await).await.ok();
    assert_eq!(
        (&nothing["total"], &nothing["medianAnswerSeconds"]),
        (&json!(0), &Value::Null),
        "no invented numbers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ndas_are_paged_like_everything() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        app.pass(TimeDelta::seconds(1));
        all.insert(0, app.requested(pitch, &app.investor().await).await);
    }
    let page = app.get("/api/ndas?role=incoming&limit=2", &owner).await.ok();
    assert_eq!(ids(&page), all[..2]);
    let cursor = page["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(ids(&app.get(&format!("/api/ndas?limit=2&cursor={cursor}"), &owner).await.ok()), all[2..]);
}
