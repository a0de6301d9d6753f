use pitchey_pitches::Receipt;
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::app::{App, file, id};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_leaves_a_copy_that_the_receipt_vouches_for() {
    let app = App::start().await;
    let (owner, buyer, stranger) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.approved(pitch, &owner, &buyer).await;
    let path = format!("/api/ndas/{nda}/document");
    let copy = format!("{path}?copy=signed");
    app.get(&copy, &buyer).await.refused(404, "not_found");
    app.get(&format!("{path}?copy=other"), &buyer).await.refused(400, "validation_failed");
    let body = app.signature(nda).await;
    let sign = app.client.post(&format!("/api/ndas/{nda}/sign")).as_(&buyer).from_ip([203, 0, 113, 9]);
    sign.json(&body).send().await.expect(200);

    let offered = app.get(&path, &buyer).await.expect(200);
    assert_eq!(json!(sha256(&offered.bytes)), body["documentHash"], "the offered one stays what it was");
    let signed = app.get(&copy, &owner).await.expect(200);
    assert_eq!(signed.header("content-type"), Some("application/pdf"));
    assert_eq!(signed.bytes, app.get(&copy, &buyer).await.bytes);
    let text = String::from_utf8_lossy(&signed.bytes);
    for expected in [
        "The Lighthouse",
        "Ada Buyer, Partner, Johnson Ventures",
        "203.0.113.9",
        body["documentHash"].as_str().unwrap(),
    ] {
        assert!(text.contains(expected), "{expected} is missing");
    }
    let receipt = app.get(&format!("/api/ndas/{nda}/receipt"), &buyer).await.ok();
    assert_eq!(receipt["statement"]["signedCopySha256"], sha256(&signed.bytes));
    app.get(&copy, &stranger).await.refused(404, "not_found");
    app.client.get(&copy).send().await.refused(401, "unauthenticated");
    let kept = app.text(&format!("SELECT signed_copy FROM ndas WHERE id = {nda}")).await;
    assert!(kept.starts_with("s1."), "it names an address, so it is sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_own_document_is_what_is_offered_and_signed() {
    let app = App::start().await;
    let (owner, first, second) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published_with(&owner, json!({ "ndaType": "custom" })).await;
    let own = file("pdf", 50_000, 1);
    let media = id(&app.upload(&owner, pitch, "custom_nda", &own).await.expect(201)["file"]);
    let seen = app.get(&format!("/api/pitches/{pitch}"), &first).await.ok();
    assert!(
        seen["customNDAUrl"].as_str().unwrap().starts_with(&format!("/api/media/{media}/file?token=")),
        "{seen}"
    );
    assert_eq!(app.client.get(seen["customNDAUrl"].as_str().unwrap()).send().await.expect(200).bytes, own);
    app.get(&format!("/api/media/{media}/file"), &app.creator().await).await.refused(404, "not_found");

    let nda = app.requested(pitch, &first).await;
    // A new file does not touch the NDA that is under way.
    let newer = file("pdf", 60_000, 2);
    app.upload(&owner, pitch, "custom_nda", &newer).await.expect(201);
    let path = format!("/api/ndas/{nda}/approve");
    let refused =
        app.post(&path, &owner, json!({ "terms": "And more." })).await.refused(400, "validation_failed");
    assert_eq!(refused["validation_errors"][0]["field"], "terms");
    let approved = app.post(&path, &owner, json!({ "expiryDays": 30 })).await.expect(200);
    assert_eq!(approved["nda"]["documentHash"], sha256(&own));
    assert_eq!(app.get(&format!("/api/ndas/{nda}/document"), &first).await.expect(200).bytes, own);
    app.get(&format!("/api/ndas/{nda}/document"), &second).await.refused(404, "not_found");
    app.act(nda, "sign", &first).await.expect(200);
    let verified = app.get(&format!("/api/ndas/{nda}/verify"), &owner).await.ok();
    assert_eq!((&verified["valid"], &verified["documentValid"]), (&json!(true), &json!(true)));
    let copy = app.get(&format!("/api/ndas/{nda}/document?copy=signed"), &first).await.expect(200);
    assert!(String::from_utf8_lossy(&copy.bytes).contains(&sha256(&own)));

    let later = app.approved(pitch, &owner, &second).await;
    assert_eq!(app.get(&format!("/api/ndas/{later}/document"), &second).await.expect(200).bytes, newer);

    // What NDAs name outlives the pitch; it is evidence.
    app.delete(&format!("/api/pitches/{pitch}"), &owner).await.expect(200);
    app.pass(chrono::TimeDelta::days(2));
    app.service.tidy().await.unwrap();
    assert_eq!(app.get(&format!("/api/ndas/{nda}/document"), &first).await.expect(200).bytes, own);
    assert_eq!(app.get(&format!("/api/ndas/{nda}/verify"), &first).await.ok()["valid"], true);
    app.get(&format!("/api/media/{media}/file"), &owner).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_custom_agreement_without_a_file_is_made_from_the_terms() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published_with(&owner, json!({ "ndaType": "custom" })).await;
    let nda = app.requested(pitch, &buyer).await;
    let terms = json!({ "terms": "First.\n\nSecond." });
    app.post(&format!("/api/ndas/{nda}/approve"), &owner, terms).await.expect(200);
    let document = app.get(&format!("/api/ndas/{nda}/document"), &buyer).await.expect(200);
    let text = String::from_utf8_lossy(&document.bytes);
    assert!(text.contains("CUSTOM") && text.contains("Second."));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_outlive_the_change_of_keys() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.signed(pitch, &owner, &buyer).await;
    let receipt = app.get(&format!("/api/ndas/{nda}/receipt"), &buyer).await.ok();
    let keys = app.client.get("/.well-known/pitchey-keys").send().await.ok();
    let [key] = keys["keys"].as_array().unwrap().as_slice() else { panic!("{keys}") };
    assert_eq!(
        (&key["keyId"], &key["publicKey"], &key["current"]),
        (&receipt["keyId"], &receipt["publicKey"], &json!(true))
    );

    let rotated = app.replica_with(|settings| {
        use secrecy::ExposeSecret;
        let former = settings.receipt_signing_key.expose_secret().to_owned();
        let newer = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [9; 32]);
        settings.receipt_signing_key = SecretString::from(format!("{newer}, {former}"));
    });
    let (_second, client) = rotated.await;
    let keys = client.get("/.well-known/pitchey-keys").send().await.ok();
    assert_eq!(keys["keys"][1]["keyId"], receipt["keyId"]);
    assert_eq!((&keys["keys"][0]["current"], &keys["keys"][1]["current"]), (&json!(true), &json!(false)));
    let verified = client.get(&format!("/api/ndas/{nda}/verify")).as_(&buyer).send().await.ok();
    assert_eq!(verified["valid"], true, "an older key of ours is ours");
    let other = app.approved(pitch, &owner, &app.investor().await).await;
    let receipt: Receipt = serde_json::from_value(receipt).unwrap();
    assert!(receipt.holds());
    let _ = other;

    // A key that is gone from the settings is nobody's.
    let (_third, client) = app
        .replica_with(|settings| {
            let newer = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [9; 32]);
            settings.receipt_signing_key = SecretString::from(newer);
        })
        .await;
    let verified = client.get(&format!("/api/ndas/{nda}/verify")).as_(&buyer).send().await.ok();
    assert_eq!((&verified["valid"], &verified["signatureValid"]), (&json!(false), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_revocation_is_safe_to_repeat() {
    let app = App::start().await;
    let (owner, buyer, admin) = (app.creator().await, app.investor().await, app.operator().await);
    let pitch = app.published(&owner).await;
    let nda = app.signed(pitch, &owner, &buyer).await;
    let revoke = async |reason: &str| {
        let request =
            app.client.post(&format!("/api/ndas/{nda}/revoke")).as_(&admin).header("idempotency-key", "k");
        request.json(&json!({ "reason": reason })).send().await
    };
    let first = revoke("A court order.").await.expect(200);
    let again = revoke("A court order.").await.expect(200);
    assert_eq!((&again.json, again.header("idempotency-replayed")), (&first.json, Some("true")));
    revoke("Another.").await.refused(409, "idempotency_key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_approved_is_on_record() {
    let app = App::start().await;
    let (owner, by_hand, by_policy) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let approved = app.approved(pitch, &owner, &by_hand).await;
    app.client.put("/api/ndas/policy").as_(&owner).json(&json!({ "policy": "all" })).send().await.ok();
    let automatic = app.requested(pitch, &by_policy).await;
    let who = async |nda: i64| app.text(&format!("SELECT approved_by FROM ndas WHERE id = {nda}")).await;
    assert_eq!((who(approved).await, who(automatic).await), (owner.id.to_string(), String::new()));
    // By hand it is a repetition; after the policy it is too late.
    app.act(approved, "sign", &by_hand).await.expect(200);
    app.act(approved, "approve", &owner).await.expect(200);
    app.act(automatic, "sign", &by_policy).await.expect(200);
    app.act(automatic, "approve", &owner).await.refused(409, "nda_wrong_state");
}
