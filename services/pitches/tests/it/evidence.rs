use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pitchey_events::{
    NdaApproved, NdaRequested, NdaRevoked, NdaSigned, PitchChanged, PitchDeleted, PitchPublished,
};
use pitchey_pitches::Receipt;
use pitchey_seal::Sealer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_frozen_when_it_is_offered() {
    let app = App::start().await;
    let (owner, buyer, stranger) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.requested(pitch, &buyer).await;
    let path = format!("/api/ndas/{nda}/document");
    app.get(&path, &buyer).await.refused(404, "not_found");
    assert_eq!(app.get(&format!("/api/ndas/{nda}"), &buyer).await["documentUrl"], Value::Null);
    let body = json!({ "terms": "No remakes in {{ owner.name }} <b>space</b>.", "expiryDays": 90 });
    app.post(&format!("/api/ndas/{nda}/approve"), &owner, body).await.expect(200);

    let document = app.get(&path, &buyer).await.expect(200);
    assert_eq!(document.header("content-type"), Some("application/pdf"));
    assert!(document.bytes.starts_with(b"%PDF-"));
    assert_eq!(document.header("cache-control"), Some("private, no-store"));
    let text = String::from_utf8_lossy(&document.bytes).into_owned();
    let version =
        app.text(&format!("SELECT content_sha256 FROM pitch_versions WHERE pitch_id = {pitch}")).await;
    let owner_name = format!("First{0} Last{0}", owner.id);
    for expected in [
        "The Lighthouse",
        &version,
        &owner_name,
        &format!("Company{}", buyer.id),
        "90 days",
        "No remakes in {{ owner.name }} <b>space</b>.",
    ] {
        assert!(text.contains(expected), "{expected} is missing");
    }
    assert!(!text.contains("SECRET"));
    let hash: String = Sha256::digest(&document.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let told = app.get(&format!("/api/ndas/{nda}"), &owner).await.ok();
    assert_eq!((&told["documentHash"], &told["documentUrl"]), (&json!(hash), &json!(path)));

    // Neither a new name nor a new title changes what was offered.
    app.others.change(owner.id, |user| user.first_name = Some("Somebody".to_owned()));
    app.client
        .put(&format!("/api/pitches/{pitch}"))
        .as_(&owner)
        .json(&json!({ "title": "Renamed" }))
        .send()
        .await
        .ok();
    assert_eq!(app.get(&path, &owner).await.bytes, document.bytes);
    app.get(&path, &stranger).await.refused(404, "not_found");
    app.client.get(&path).send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_was_never_published_reaches_nobody_by_an_nda() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchDeleted>();
    app.emitted.ignore::<PitchChanged>();
    app.emitted.ignore::<NdaRequested>();
    app.emitted.ignore::<NdaApproved>();
    app.emitted.ignore::<NdaSigned>();
    app.emitted.ignore::<PitchDeleted>();
    let (owner, buyer, late) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.signed(pitch, &owner, &buyer).await;
    let open = app.requested(pitch, &late).await;
    let path = format!("/api/pitches/{pitch}");
    let rename = json!({ "title": "An unseen title" });
    app.client.put(&path).as_(&owner).json(&rename).send().await.expect(200);
    app.act(open, "approve", &owner).await.expect(200);
    let pdf = app.get(&format!("/api/ndas/{open}/document"), &late).await.bytes;
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains("The Lighthouse") && !text.contains("An unseen title"));
    app.post(&format!("{path}/unpublish"), &owner, json!({})).await.expect(200);
    app.act(open, "revoke", &owner).await.expect(200);
    assert_eq!(app.emitted.take::<NdaRevoked>().await.parties.pitch_title, "The Lighthouse");
    app.client.delete(&path).as_(&owner).send().await.expect(200);
    app.act(nda, "revoke", &owner).await.expect(200);
    assert_eq!(app.emitted.take::<NdaRevoked>().await.parties.pitch_title, "a deleted pitch");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_very_document_can_be_signed_and_only_with_consent() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.approved(pitch, &owner, &buyer).await;
    let good = app.signature(nda).await;
    let path = format!("/api/ndas/{nda}/sign");
    for (field, value) in [
        ("acceptTerms", json!(false)),
        ("fullName", json!("  ")),
        ("fullName", json!("n".repeat(201))),
        ("company", json!("c".repeat(201))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = app.post(&path, &buyer, body).await.refused(400, "validation_failed");
        assert_eq!(refused["validation_errors"][0]["field"], field);
    }
    let mut other = good.clone();
    other["documentHash"] = json!("0".repeat(64));
    app.post(&path, &buyer, other).await.refused(409, "document_hash_mismatch");
    assert!(!app.opens(pitch, &buyer).await);
    let unverified = pitchey_identity::Actor { email_verified: false, ..buyer.clone() };
    app.post(&path, &unverified, good.clone()).await.refused(403, "email_not_verified");
    app.post(&path, &buyer, good).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_verifies_offline_and_breaks_when_altered() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let unsigned = app.approved(pitch, &owner, &app.investor().await).await;
    app.get(&format!("/api/ndas/{unsigned}/receipt"), &owner).await.refused(404, "not_found");
    let nda = app.signed(pitch, &owner, &buyer).await;
    let json = app.get(&format!("/api/ndas/{nda}/receipt"), &buyer).await.ok();
    let receipt: Receipt = serde_json::from_value(json.clone()).unwrap();
    assert!(receipt.holds());
    assert_eq!(json["statement"]["signerName"], "Ada Buyer");
    assert_eq!(json["statement"]["pitchVersion"], 1);

    // With nothing of ours: the key, the signature, the canonical text.
    let bytes = |field: &str| STANDARD.decode(json[field].as_str().unwrap()).unwrap();
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes("publicKey").try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&bytes("signature")).unwrap();
    let text = serde_json_canonicalizer::to_vec(&json["statement"]).unwrap();
    key.verify_strict(&text, &signature).unwrap();

    for (field, value) in [
        ("signerName", json!("Bob")),
        ("pitchVersionSha256", json!("0")),
        ("expiresAt", Value::Null),
        ("more", json!(1)),
    ] {
        let mut altered = receipt.clone();
        altered.statement[field] = value;
        assert!(!altered.holds(), "{field}");
    }
    let checked = app.get(&format!("/api/ndas/{nda}/verify"), &owner).await.ok();
    assert_eq!((&checked["valid"], &checked["status"]), (&json!(true), &json!("signed")));
    app.act(nda, "revoke", &owner).await.expect(200);
    let checked = app.get(&format!("/api/ndas/{nda}/verify"), &buyer).await.ok();
    assert_eq!(
        (&checked["valid"], &checked["status"]),
        (&json!(true), &json!("revoked")),
        "evidence outlives the end"
    );

    app.db.execute(&format!("UPDATE ndas SET document = 'other words' WHERE id = {nda}")).await;
    let checked = app.get(&format!("/api/ndas/{nda}/verify"), &buyer).await.ok();
    assert_eq!((&checked["valid"], &checked["documentValid"]), (&json!(false), &json!(false)));
    app.db.execute(&format!("UPDATE ndas SET receipt = jsonb_set(receipt, '{{statement,signerName}}', '\"Bob\"') WHERE id = {nda}")).await;
    assert_eq!(app.get(&format!("/api/ndas/{nda}/verify"), &buyer).await["signatureValid"], false);
    for what in ["receipt", "verify"] {
        app.get(&format!("/api/ndas/{nda}/{what}"), &app.investor().await).await.refused(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_signed_is_sealed_to_the_row() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.approved(pitch, &owner, &buyer).await;
    let body = app.signature(nda).await;
    let request = app.client.post(&format!("/api/ndas/{nda}/sign")).as_(&buyer).from_ip([203, 0, 113, 9]);
    request.header("user-agent", "A browser").json(&body).send().await.expect(200);
    let sealer = Sealer::new(&app.settings.pii_key).unwrap();
    for (column, plain) in [("ip_address", "203.0.113.9"), ("user_agent", "A browser")] {
        let sealed = app.text(&format!("SELECT {column} FROM ndas WHERE id = {nda}")).await;
        assert!(!sealed.contains(plain));
        assert_eq!(sealer.open(&format!("ndas.{column}/{nda}"), &sealed).unwrap(), plain);
        assert!(sealer.open(&format!("ndas.{column}/{}", nda + 1), &sealed).is_err());
    }
    let seen = app.get(&format!("/api/ndas/{nda}"), &owner).await.ok().to_string();
    assert!(!seen.contains("203.0.113.9") && !seen.contains("ipAddress"));
}
