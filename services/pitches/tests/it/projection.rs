use pitchey_events::UserType;
use pitchey_identity::Actor;
use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::app::{App, SECRETS};

fn assert_no_secret(answer: &Answer, what: &str) {
    let text = String::from_utf8_lossy(&answer.bytes);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}: {answer}");
    }
    assert!(!text.contains("customNDAUrl") || !text.contains("PRIVATE-MEDIA"), "{what}: {answer}");
    assert!(!text.contains("PRIVATE-MEDIA"), "{what}: {answer}");
}

/// Every way to read anything about a pitch and an NDA for it.
async fn look_everywhere(app: &App, pitch: i64, nda: i64, who: Option<&Actor>, what: &str) {
    let reads = [
        "/api/pitches".to_owned(),
        "/api/pitches?limit=100&status=active".to_owned(),
        "/api/pitches/public".to_owned(),
        "/api/pitches/public?genre=drama&format=feature".to_owned(),
        format!("/api/pitches/public/{pitch}"),
        format!("/api/pitches/{pitch}"),
        format!("/api/pitches/{pitch}/versions"),
        format!("/api/pitches/{pitch}/versions/1"),
        "/api/ndas".to_owned(),
        "/api/ndas/signed".to_owned(),
        "/api/ndas/stats".to_owned(),
        "/api/ndas/policy".to_owned(),
        format!("/api/ndas/{nda}"),
        format!("/api/ndas/{nda}/document"),
        format!("/api/ndas/{nda}/receipt"),
        format!("/api/ndas/{nda}/verify"),
        format!("/api/ndas/pitch/{pitch}/status"),
        format!("/api/ndas/pitch/{pitch}/can-request"),
    ];
    for path in reads {
        let request = app.client.get(&path);
        let answer = match who {
            Some(actor) => request.as_(actor).send().await,
            None => request.send().await,
        };
        assert!(answer.status < 500, "{answer}");
        assert_no_secret(&answer, what);
    }
    let writes = [
        ("PUT", format!("/api/pitches/{pitch}"), json!({ "title": "Mine" })),
        ("PATCH", format!("/api/pitches/{pitch}"), json!({ "archived": true })),
        ("POST", format!("/api/pitches/{pitch}/publish"), json!({})),
        ("POST", format!("/api/pitches/{pitch}/hide"), json!({})),
        ("DELETE", format!("/api/pitches/{pitch}"), json!({})),
        ("POST", format!("/api/ndas/{nda}/remind"), json!({})),
    ];
    for (method, path, body) in writes {
        let request = app.client.request(method.parse().unwrap(), &path).json(&body);
        let answer = match who {
            Some(actor) => request.as_(actor).send().await,
            None => request.send().await,
        };
        assert!((400..500).contains(&answer.status) || path.ends_with("remind"), "{answer}");
        assert_no_secret(&answer, what);
    }
}

/// Whatever the pitch and the NDA stand at: who has no access finds no protected word anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn no_protected_word_reaches_who_has_no_access_by_any_door() {
    let app = App::start().await;
    let (owner, creator, production, operator) = (
        app.creator().await,
        app.creator().await,
        app.person(UserType::Production, |_| {}).await,
        app.operator().await,
    );
    let viewer = app.person(UserType::Viewer, |_| {}).await;
    for pitch_state in ["published", "draft", "hidden", "archived"] {
        for nda_state in ["pending", "approved", "rejected", "withdrawn", "expired", "revoked", "run out"] {
            let buyer = app.investor().await;
            let pitch = app.published(&owner).await;
            app.db
                .execute(&format!(
                    r#"UPDATE pitches SET media_files = '[{{"type": "video", "url": "https://PRIVATE-MEDIA/v", "public": false}}]' WHERE id = {pitch}"#
                ))
                .await;
            let nda = match nda_state {
                "pending" | "rejected" | "withdrawn" => app.requested(pitch, &buyer).await,
                "run out" => app.signed(pitch, &owner, &buyer).await,
                _ => app.approved(pitch, &owner, &buyer).await,
            };
            match nda_state {
                "rejected" => drop(app.act(nda, "reject", &owner).await.expect(200)),
                "withdrawn" => drop(app.act(nda, "withdraw", &buyer).await.expect(200)),
                "revoked" => drop(app.act(nda, "revoke", &owner).await.expect(200)),
                "expired" => {
                    app.db.execute(&format!("UPDATE ndas SET status = 'expired' WHERE id = {nda}")).await;
                }
                "run out" => {
                    app.db
                        .execute(&format!("UPDATE ndas SET expires_at = '2020-01-01' WHERE id = {nda}"))
                        .await;
                }
                _ => {}
            }
            match pitch_state {
                "draft" => drop(
                    app.post(&format!("/api/pitches/{pitch}/unpublish"), &owner, json!({})).await.expect(200),
                ),
                "hidden" => {
                    drop(
                        app.post(&format!("/api/pitches/{pitch}/hide"), &owner, json!({})).await.expect(200),
                    );
                }
                "archived" => {
                    let path = format!("/api/pitches/{pitch}");
                    app.client
                        .patch(&path)
                        .as_(&owner)
                        .json(&json!({ "archived": true }))
                        .send()
                        .await
                        .expect(200);
                }
                _ => {}
            }
            let what = format!("a {pitch_state} pitch, NDA {nda_state}");
            look_everywhere(&app, pitch, nda, Some(&buyer), &what).await;
            if nda_state == "pending" {
                look_everywhere(&app, pitch, nda, None, &what).await;
                for actor in [&creator, &production, &viewer, &operator] {
                    look_everywhere(&app, pitch, nda, Some(actor), &what).await;
                }
            }
            // The test can fail: the owner sees all of it.
            let own = app.get(&format!("/api/pitches/{pitch}"), &owner).await;
            let text = String::from_utf8_lossy(&own.bytes).into_owned();
            assert!(SECRETS.iter().chain(&["PRIVATE-MEDIA"]).all(|secret| text.contains(secret)), "{own}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_viewer_sees_the_group_that_the_rules_give() {
    let app = App::start().await;
    let owner = app.creator().await;
    let closed = app.published(&owner).await;
    let open = app.published_with(&owner, json!({ "requiresNDA": false })).await;
    let draft = app.pitch_with(&owner, json!({})).await;
    let signer = app.investor().await;
    app.signed(closed, &owner, &signer).await;
    let operator = app.operator().await;
    let people = [
        ("owner", Some(owner.clone()), [Some(true), Some(true), Some(true)]),
        ("signer", Some(signer), [Some(true), Some(true), None]),
        ("investor", Some(app.investor().await), [Some(false), Some(true), None]),
        ("production", Some(app.person(UserType::Production, |_| {}).await), [Some(false), Some(true), None]),
        ("creator", Some(app.creator().await), [Some(false), Some(true), None]),
        ("viewer", Some(app.person(UserType::Viewer, |_| {}).await), [Some(false), Some(false), None]),
        ("admin without a reason", Some(operator), [Some(false), Some(false), None]),
        ("nobody", None, [Some(false), Some(false), None]),
    ];
    for (name, who, expected) in people {
        for (pitch, expected) in [closed, open, draft].into_iter().zip(expected) {
            let request = app.client.get(&format!("/api/pitches/{pitch}"));
            let answer = match &who {
                Some(actor) => request.as_(actor).send().await,
                None => request.send().await,
            };
            let seen = (answer.status == 200).then(|| answer.json.get("longSynopsis").is_some());
            assert_eq!(seen, expected, "{name}: {answer}");
            let cache = if answer.status != 200 {
                None
            } else if who.is_some() {
                Some("private, no-store")
            } else {
                Some("public, no-cache")
            };
            assert_eq!(answer.header("cache-control"), cache, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_with_a_reason_sees_everything_and_leaves_a_trace() {
    let app = App::start().await;
    let (owner, operator, investor) = (app.creator().await, app.operator().await, app.investor().await);
    let (shown, draft) = (app.published(&owner).await, app.pitch_with(&owner, json!({})).await);
    for pitch in [shown, draft] {
        for path in [format!("/api/pitches/{pitch}"), format!("/api/pitches/{pitch}/versions/1")] {
            let answer = app
                .client
                .get(&path)
                .as_(&operator)
                .header("x-access-reason", "Report 17")
                .send()
                .await
                .expect(200);
            assert!(String::from_utf8_lossy(&answer.bytes).contains("SECRET-premise"));
        }
        let reason = format!(
            "SELECT new_values ->> 'reason' FROM audit_log WHERE entity_id = {pitch} AND action = 'pitch.protected_read' LIMIT 1"
        );
        assert_eq!(app.text(&reason).await, "Report 17");
    }
    let path = format!("/api/pitches/{shown}");
    let answer =
        app.client.get(&path).as_(&investor).header("x-access-reason", "I want to").send().await.ok();
    assert!(answer.get("premise").is_none(), "a reason is no permission");
    app.client
        .get(&path)
        .as_(&operator)
        .header("x-access-reason", &"r".repeat(501))
        .send()
        .await
        .refused(400, "validation_failed");
    let blank = app.client.get(&path).as_(&operator).header("x-access-reason", "  ").send().await.ok();
    assert!(blank.get("premise").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_protected_is_shown_if_it_cannot_be_recorded() {
    let app = App::start().await;
    let (owner, signer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    app.signed(pitch, &owner, &signer).await;
    app.db.execute("REVOKE INSERT ON audit_log FROM pitchey_pitches").await;
    let answer = app.get(&format!("/api/pitches/{pitch}"), &signer).await.refused(500, "internal_error");
    assert_no_secret(&answer, "an unrecorded read");
}

#[tokio::test(flavor = "multi_thread")]
async fn media_show_as_their_flag_says() {
    let app = App::start().await;
    let (owner, reader) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    app.db
        .execute(&format!(
            r#"UPDATE pitches SET custom_nda_url = 'https://files/nda.pdf', media_files = '[
                {{"type": "poster", "url": "https://files/p", "public": true}}, {{"type": "video", "url": "https://files/v", "public": false}}]'
               WHERE id = {pitch}"#
        ))
        .await;
    let path = format!("/api/pitches/{pitch}");
    let seen = app.get(&path, &reader).await.ok();
    assert_eq!((&seen["posterUrl"], &seen["videoUrl"]), (&json!("https://files/p"), &Value::Null));
    assert_eq!(seen["mediaFiles"].as_array().unwrap().len(), 1);
    assert_eq!(seen["customNDAUrl"], "https://files/nda.pdf", "who may sign it must read it");
    let creator = app.creator().await;
    assert!(app.get(&path, &creator).await.json.get("customNDAUrl").is_none());
    assert!(app.client.get(&path).send().await.json.get("customNDAUrl").is_none());
    assert_eq!(app.get(&path, &owner).await["videoUrl"], "https://files/v");
}
