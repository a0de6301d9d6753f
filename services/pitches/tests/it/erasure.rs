use std::collections::BTreeMap;

use futures_util::StreamExt;
use pitchey_events::{NdaExpired, PitchDeleted, Service, UserDeleted, UserId};
use pitchey_rpc::{Privacy, Targets};
use pitchey_testkit::identity;
use serde_json::{Value, json};

use crate::app::App;
use crate::discovery::deliveries;

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_account_only_what_is_somebody_elses_evidence_stays() {
    let app = App::start().await;
    let (gone, other, buyer) = (app.creator().await, app.creator().await, app.investor().await);
    let draft = app.pitch_with(&gone, json!({})).await;
    let (shown, signed_for) = (app.published(&gone).await, app.published(&gone).await);
    let asked = app.requested(shown, &buyer).await;
    let signed = app.signed(signed_for, &gone, &buyer).await;
    let theirs = app.published(&other).await;
    app.post(&format!("/api/pitches/{theirs}/like"), &gone, json!({})).await.expect(201);
    app.post(&format!("/api/pitches/{theirs}/like"), &buyer, json!({})).await.expect(201);
    app.post(&format!("/api/pitches/{theirs}/comments"), &gone, json!({ "content": "Mine!" }))
        .await
        .expect(201);
    app.post(
        &format!("/api/pitches/{theirs}/report"),
        &gone,
        json!({ "reason": "other", "description": "Mine!" }),
    )
    .await
    .expect(201);
    app.post(&format!("/api/pitches/{theirs}/share"), &gone, json!({})).await.expect(201);
    app.post("/api/watchlist", &gone, json!({ "pitchId": theirs })).await.expect(201);
    app.post(&format!("/api/users/{}/follow", gone.id), &buyer, json!({})).await.expect(201);
    app.db
        .execute(&format!(
            "INSERT INTO investments (investor_id, pitch_id, amount_cents) VALUES ({}, {theirs}, 100)",
            gone.id
        ))
        .await;
    app.post(&format!("/api/users/{}/follow", buyer.id), &gone, json!({})).await.expect(201);

    let event = UserDeleted { user_id: gone.id };
    deliveries(&app).await.deliver(&event).await;
    let count = async |what: &str| app.number(&format!("SELECT count(*) FROM {what}")).await;
    assert_eq!(count(&format!("pitches WHERE id = {draft}")).await, 0);
    assert_eq!(
        count(&format!("pitches WHERE id IN ({shown}, {signed_for}) AND deleted_at IS NOT NULL")).await,
        2
    );
    for what in [
        format!("pitch_likes WHERE user_id = {}", gone.id),
        format!("pitch_comments WHERE author_id = {}", gone.id),
        format!("pitch_share_links WHERE user_id = {}", gone.id),
        format!("follows WHERE follower_id = {0} OR following_id = {0}", gone.id),
        "content_reports WHERE description IS NOT NULL".to_owned(),
        format!("pitch_versions WHERE pitch_id = {shown} AND content IS NOT NULL"),
        format!("pitch_search WHERE user_id = {}", gone.id),
        format!("investments WHERE investor_id = {}", gone.id),
    ] {
        assert_eq!(count(&what).await, 0, "{what}");
    }
    let left = app.get(&format!("/api/pitches/{theirs}"), &other).await;
    assert_eq!((&left["likeCount"], &left["commentCount"]), (&json!(1), &json!(0)));
    assert_eq!(app.text(&format!("SELECT status FROM ndas WHERE id = {asked}")).await, "expired");
    assert_eq!(app.text(&format!("SELECT status FROM ndas WHERE id = {signed}")).await, "signed");
    assert!(!app.opens(signed_for, &buyer).await);
    app.get(&format!("/api/ndas/{signed}/receipt"), &buyer).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_told_once_and_frees_what_was_held() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<pitchey_events::PitchPublished>();
    app.emitted.ignore::<pitchey_events::PitchChanged>();
    app.emitted.ignore::<pitchey_events::NdaRequested>();
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let (draft, shown) = (app.pitch_with(&owner, json!({})).await, app.published(&owner).await);
    app.requested(shown, &buyer).await;
    for (pitch, was_published) in [(draft, false), (shown, true)] {
        app.client.delete(&format!("/api/pitches/{pitch}")).as_(&owner).send().await.expect(200);
        let told = app.emitted.take::<PitchDeleted>().await;
        assert_eq!(
            (i64::from(told.pitch_id.0), told.owner_id, told.was_published),
            (pitch, owner.id, was_published)
        );
    }
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_gets_a_copy_of_everything_that_is_kept_and_of_nothing_of_others() {
    let app = App::start().await;
    let (ann, other) = (app.creator().await, app.investor().await);
    let draft = app.pitch_with(&ann, json!({ "longSynopsis": "Only mine" })).await;
    let shown = app.published(&ann).await;
    let nda = app.signed(shown, &ann, &other).await;
    let theirs = app.published(&app.creator().await).await;
    app.post(&format!("/api/pitches/{theirs}/like"), &ann, json!({})).await.expect(201);
    app.post(&format!("/api/pitches/{theirs}/comments"), &ann, json!({ "content": "Said." }))
        .await
        .expect(201);
    app.post(&format!("/api/pitches/{theirs}/report"), &ann, json!({ "reason": "other" })).await.expect(201);
    app.post(&format!("/api/pitches/{theirs}/share"), &ann, json!({})).await.expect(201);
    app.post("/api/watchlist", &ann, json!({ "pitchId": theirs })).await.expect(201);

    app.db
        .execute(&format!(
            "INSERT INTO investments (investor_id, pitch_id, amount_cents) VALUES ({0}, {theirs}, 100);
             INSERT INTO media_files (pitch_id, owner_id, kind, title, link) VALUES ({draft}, {0}, 'video', 'Mine', 'https://video.test')",
            ann.id
        ))
        .await;
    let copy = async |service: Service, user: UserId| {
        let targets = Targets::from(BTreeMap::from([(
            "pitches".to_owned(),
            format!("http://{}", app.service.rpc_address()),
        )]));
        let signer = identity::signer_by(service, &app.clock);
        let privacy = Privacy::new(Service::Pitches, &targets, signer).unwrap();
        privacy.export(user).collect::<Vec<_>>().await
    };
    let mut parts: BTreeMap<String, Value> = BTreeMap::new();
    for part in copy(Service::Accounts, ann.id).await {
        let (name, rows) = part.unwrap();
        parts.insert(name, serde_json::from_str(rows.get()).unwrap());
    }
    assert_eq!(parts["pitches"][0]["id"], draft);
    assert_eq!(parts["pitches"][0]["longSynopsis"], "Only mine");
    assert_eq!(
        (&parts["ndas_received"][0]["id"], &parts["comments"][0]["content"]),
        (&json!(nda), &json!("Said."))
    );
    for name in ["pitch_versions", "likes", "reports", "shared_links", "follows"] {
        assert_eq!(
            parts[name][0]["pitchId"],
            if name == "pitch_versions" { draft } else { theirs },
            "{name}"
        );
    }
    let all = serde_json::to_string(&parts).unwrap();
    assert!(!all.contains("Ada Buyer"), "the signer's name is the signer's: {all}");
    let of_other = copy(Service::Accounts, other.id).await;
    let names: Vec<String> = of_other.into_iter().map(|part| part.unwrap().0).collect();
    assert_eq!(names, ["ndas_requested"]);
    assert!(copy(Service::Messaging, ann.id).await.iter().any(Result::is_err), "only accounts may ask");
}
