use pitchey_events::UserType;
use serde_json::{Value, json};

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_request_is_told_why_by_both_questions() {
    let app = App::start().await;
    let owner = app.person(UserType::Production, |_| {}).await;
    let pitch = app.published(&owner).await;
    let open = app.published_with(&owner, json!({ "requiresNDA": false })).await;
    let draft = app.pitch_with(&owner, json!({})).await;
    let (creator, viewer, buyer) =
        (app.creator().await, app.person(UserType::Viewer, |_| {}).await, app.investor().await);
    let unverified = app.person(UserType::Investor, |actor| actor.email_verified = false).await;
    let suspended = app.person(UserType::Investor, |actor| actor.suspended = true).await;
    let admin = app.person(UserType::Investor, |actor| actor.admin = true).await;
    let blocked = app.investor().await;
    app.others.known().blocks.insert((owner.id.0, blocked.id.0));
    let blocking = app.investor().await;
    app.others.known().blocks.insert((blocking.id.0, owner.id.0));

    for (who, pitch, status, code) in [
        (&creator, pitch, 403, "nda_buyers_only"),
        (&viewer, pitch, 403, "nda_buyers_only"),
        (&admin, pitch, 403, "nda_buyers_only"),
        (&owner, pitch, 403, "nda_own_pitch"),
        (&unverified, pitch, 403, "email_not_verified"),
        (&suspended, pitch, 403, "account_suspended"),
        (&buyer, open, 409, "nda_not_required"),
        (&blocked, pitch, 403, "nda_not_possible"),
        (&blocking, pitch, 403, "nda_not_possible"),
    ] {
        app.request(pitch, who).await.refused(status, code);
        let asked = app.get(&format!("/api/ndas/pitch/{pitch}/can-request"), who).await.ok();
        assert_eq!((&asked["canRequest"], &asked["code"]), (&json!(false), &json!(code)));
    }
    for pitch in [draft, 999_999] {
        app.request(pitch, &buyer).await.refused(404, "not_found");
        app.get(&format!("/api/ndas/pitch/{pitch}/can-request"), &buyer).await.refused(404, "not_found");
        app.get(&format!("/api/ndas/pitch/{pitch}/status"), &buyer).await.refused(404, "not_found");
    }
    app.client
        .post("/api/ndas/request")
        .json(&json!({ "pitchId": pitch }))
        .send()
        .await
        .refused(401, "unauthenticated");
    let fine = app.get(&format!("/api/ndas/pitch/{pitch}/can-request"), &buyer).await.ok();
    assert_eq!(fine, json!({ "canRequest": true, "reason": null, "code": null }));
    assert_eq!(app.number("SELECT count(*) FROM ndas").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_accounts_says_now_counts_more_than_the_session() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let (unverified, changed, buyer) = (app.investor().await, app.investor().await, app.investor().await);
    app.others.change(unverified.id, |user| user.email_verified = false);
    app.request(pitch, &unverified).await.refused(403, "email_not_verified");
    app.others.change(changed.id, |user| user.user_type = "viewer".to_owned());
    app.request(pitch, &changed).await.refused(403, "nda_buyers_only");
    app.others.change(owner.id, |user| user.is_active = false);
    app.request(pitch, &buyer).await.refused(403, "nda_not_possible");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_accounts_nobody_gets_in_but_readers_read_on() {
    let app = App::start().await;
    let (owner, buyer, signer) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    app.signed(pitch, &owner, &signer).await;
    let asked = app.requested(pitch, &app.investor().await).await;
    // Whoever begins to listen forgets what may have changed before.
    app.connected().await;
    app.get("/api/pitches/public", &buyer).await.ok();
    app.others.known().away = true;
    let refused = app.request(pitch, &buyer).await.refused(503, "dependency_unavailable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    app.act(asked, "approve", &owner).await.refused(503, "dependency_unavailable");
    app.get(&format!("/api/ndas/pitch/{pitch}/can-request"), &buyer)
        .await
        .refused(503, "dependency_unavailable");
    assert!(app.opens(pitch, &signer).await);
    let list = app.get("/api/pitches/public", &buyer).await.ok();
    assert_eq!(list["data"][0]["user"]["id"], owner.id.0, "the owner is remembered");
    let (_replica, client) = app.replica().await;
    let list = client.get("/api/pitches/public").send().await.ok();
    assert!(list["data"][0].get("user").is_none(), "an owner whom nobody knows is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_in_is_shown_in_every_list_with_one_question() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let mut pitches = Vec::new();
    for _ in 0..4 {
        pitches.push(app.published(&owner).await);
    }
    app.signed(pitches[0], &owner, &buyer).await;
    app.requested(pitches[1], &buyer).await;
    let rejected = app.requested(pitches[2], &buyer).await;
    app.act(rejected, "reject", &owner).await.expect(200);
    let (_replica, client) = app.replica().await;
    app.others.known().asked = 0;
    let list = client.get("/api/pitches/public").as_(&buyer).send().await.ok();
    assert_eq!(app.others.known().asked, 1, "accounts is asked once for the whole page");
    let shown: Vec<(i64, bool, bool)> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pitch| {
            let flag = |value: &Value| value.as_bool().unwrap();
            (
                pitch["id"].as_i64().unwrap(),
                flag(&pitch["hasSignedNDA"]),
                flag(&pitch["canRequestNDA"]["canRequest"]),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (pitches[3], false, true),
            (pitches[2], false, false),
            (pitches[1], false, false),
            (pitches[0], true, false)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_somebody_has_come() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let path = format!("/api/ndas/pitch/{pitch}/status");
    let status = async |actor| app.get(&path, actor).await.ok();
    assert_eq!(status(&buyer).await, json!({ "hasNDA": false, "nda": null, "canAccess": false }));
    assert_eq!(status(&owner).await["canAccess"], true);
    let nda = app.signed(pitch, &owner, &buyer).await;
    let told = status(&buyer).await;
    assert_eq!(
        (&told["hasNDA"], &told["nda"]["id"], &told["canAccess"]),
        (&json!(true), &json!(nda), &json!(true))
    );
    app.act(nda, "revoke", &owner).await.expect(200);
    let told = status(&buyer).await;
    assert_eq!((&told["nda"]["status"], &told["canAccess"]), (&json!("revoked"), &json!(false)));
}
