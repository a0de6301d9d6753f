use chrono::{DateTime, TimeDelta, Utc};
use pitchey_events::{NdaApproved, NdaRequested, NdaRevoked, NdaSigned, PitchChanged, PitchPublished};
use serde_json::json;

use crate::app::{App, id};

#[tokio::test(flavor = "multi_thread")]
async fn one_nda_goes_all_the_way() {
    let app = App::start_with(|_| {}).await;
    let (owner, buyer, other) = (app.creator().await, app.investor().await, app.investor().await);

    let created = app.post("/api/pitches", &owner, App::draft()).await.expect(201);
    let pitch = id(&created["pitch"]);
    assert_eq!(created["pitch"]["status"], "draft");
    app.emitted.take::<PitchChanged>().await;
    let path = format!("/api/pitches/{pitch}");
    app.get(&path, &buyer).await.refused(404, "not_found");

    app.post(&format!("{path}/publish"), &owner, json!({})).await.expect(200);
    let published = app.emitted.take::<PitchPublished>().await;
    assert!(published.first_time);
    assert_eq!(app.emitted.take::<PitchChanged>().await.version, 2);

    let public = app.get(&path, &buyer).await.expect(200);
    assert_eq!(public["title"], "The Lighthouse");
    assert_eq!(public["user"]["id"], owner.id.0);
    assert_eq!(public["canRequestNDA"], json!({ "canRequest": true, "reason": null }));
    assert!(public.json.get("longSynopsis").is_none());

    let nda = id(&app.request(pitch, &buyer).await.expect(201)["nda"]);
    let requested = app.emitted.take::<NdaRequested>().await;
    assert_eq!((requested.parties.owner_id, requested.parties.requester_id), (owner.id, buyer.id));
    assert_eq!(requested.parties.pitch_title, "The Lighthouse");
    assert!(requested.with_message && requested.parties.hold.is_none());

    let incoming = app.get("/api/ndas?role=incoming&status=pending", &owner).await.ok();
    assert_eq!(incoming["data"][0]["requestMessage"], "Please.");
    let approved = app.act(nda, "approve", &owner).await.expect(200);
    assert_eq!(approved["nda"]["accessGranted"], false);
    let told = app.emitted.take::<NdaApproved>().await;
    assert!(!told.by_policy);
    assert_eq!(told.sign_until, app.clock.now() + TimeDelta::days(30));
    assert!(!app.opens(pitch, &buyer).await, "approval is never a signature");

    let signed = app.act(nda, "sign", &buyer).await.expect(200);
    assert_eq!(signed["nda"]["accessGranted"], true);
    let expires: DateTime<Utc> = signed["nda"]["expiresAt"].as_str().unwrap().parse().unwrap();
    assert_eq!((expires - app.clock.now()).num_days(), 365);
    assert!(app.emitted.take::<NdaSigned>().await.expires_at.is_some());
    let whole = app.get(&path, &buyer).await.expect(200);
    assert_eq!(whole["longSynopsis"], "SECRET-long-synopsis");
    assert_eq!(whole["hasSignedNDA"], true);
    assert_eq!(whole["ndaCount"], 1);
    assert_eq!(whole.header("cache-control"), Some("private, no-store"));
    assert!(!app.opens(pitch, &other).await, "a second investor still sees nothing");

    app.act(nda, "revoke", &owner).await.expect(200);
    let revoked = app.emitted.take::<NdaRevoked>().await;
    assert!(revoked.was_signed && revoked.revoked_by == owner.id);
    assert!(!app.opens(pitch, &buyer).await, "revocation ends access at once");
    assert_eq!(app.get(&path, &owner).await["ndaCount"], 0);

    assert_eq!(app.actions("pitch", pitch).await.iter().filter(|a| *a == "pitch.protected_read").count(), 1);
    assert_eq!(
        app.audited("nda", nda).await,
        [
            ("nda.requested".to_owned(), Some(buyer.id.0.into())),
            ("nda.approved".to_owned(), Some(owner.id.0.into())),
            ("nda.signed".to_owned(), Some(buyer.id.0.into())),
            ("nda.revoked".to_owned(), Some(owner.id.0.into())),
        ]
    );
    let denied: Vec<_> = app
        .audited("pitch", pitch)
        .await
        .into_iter()
        .filter(|(action, _)| action == "pitch.protected_read_denied")
        .filter_map(|(_, who)| who)
        .collect();
    let [buyer, other] = [buyer.id.0, other.id.0].map(i64::from);
    assert_eq!(denied, [buyer, buyer, other, buyer]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_refuses_at_once_after_a_revocation() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.signed(pitch, &owner, &buyer).await;
    let (_second, client) = app.replica().await;
    let path = format!("/api/pitches/{pitch}");
    assert!(client.get(&path).as_(&buyer).send().await.ok().get("longSynopsis").is_some());
    app.act(nda, "revoke", &owner).await.expect(200);
    assert!(client.get(&path).as_(&buyer).send().await.ok().get("longSynopsis").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_of_the_pitch_ends_access_and_open_requests() {
    let app = App::start().await;
    let (owner, signer, asker) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let signed = app.signed(pitch, &owner, &signer).await;
    let asked = app.requested(pitch, &asker).await;
    app.client.delete(&format!("/api/pitches/{pitch}")).as_(&owner).send().await.expect(200);
    app.get(&format!("/api/pitches/{pitch}"), &signer).await.refused(404, "not_found");
    assert_eq!(app.get(&format!("/api/ndas/{asked}"), &asker).await["status"], "expired");
    app.get(&format!("/api/ndas/{signed}/receipt"), &signer).await.expect(200);
    app.get(&format!("/api/ndas/{signed}/document"), &owner).await.expect(200);
    assert_eq!(app.actions("nda", asked).await, ["nda.requested", "nda.expired"]);
}
