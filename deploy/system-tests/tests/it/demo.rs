//! What `ctl seed` loads is served as it should be; `ctl demo` tells its story.

use std::collections::BTreeMap;

use pitchey_system_tests::{Person, Platform};
use serde_json::{Value, json};

async fn log_in(platform: &Platform, email: &str) -> Person {
    let body = json!({ "email": email, "password": "Demo123" });
    let answer = platform.gateway().post("/api/auth/login").json(&body).send().await.ok();
    let text = |key: &str| answer[key].as_str().expect("a token").to_owned();
    let (token, refresh_token) = (text("token"), text("refreshToken"));
    Person {
        id: answer["user"]["id"].as_i64().expect("an id"),
        email: email.to_owned(),
        token,
        refresh_token,
    }
}

#[tokio::test]
async fn the_demo_data_is_alive_and_loading_it_again_changes_nothing() {
    let platform = Platform::start().await;
    let (code, said) = platform.ctl(&["seed"]).await;
    assert_eq!(code, 0, "{said}");
    let [alex, sarah, _stellar] = [
        log_in(&platform, "alex.creator@demo.com").await,
        log_in(&platform, "sarah.investor@demo.com").await,
        log_in(&platform, "stellar.production@demo.com").await,
    ];

    // Her NDA opens the first pitch; his own is open to him; nobody else sees its heart.
    let secret = |answer: Value| answer["longSynopsis"].is_string();
    assert!(secret(sarah.get(&platform, "/api/pitches/1").await.ok()));
    assert!(secret(alex.get(&platform, "/api/pitches/1").await.ok()));
    assert!(!secret(platform.gateway().get("/api/pitches/1").send().await.ok()));

    // Access ended by time alone, by revocation, by the moderator; it stays where the pitch was archived.
    let dana = log_in(&platform, "dana.rosen@demo.com").await;
    assert!(!secret(dana.get(&platform, "/api/pitches/19").await.ok()));
    let victor = log_in(&platform, "victor.lemaire@demo.com").await;
    assert!(!secret(victor.get(&platform, "/api/pitches/29").await.ok()));
    sarah.get(&platform, "/api/pitches/15").await.expect(404);
    sarah.get(&platform, "/api/pitches/8").await.expect(200);
    sarah.get(&platform, "/api/pitches/48").await.expect(404);

    // Every state of an NDA is there, with the document that was offered and a receipt that holds.
    let mut states = BTreeMap::<String, usize>::new();
    let count = "SELECT count(*) AS count FROM ndas WHERE status =";
    for status in ["pending", "approved", "rejected", "signed", "expired", "withdrawn", "revoked"] {
        let rows = platform.number(&format!("{count} '{status}'")).await;
        states.insert(status.to_owned(), usize::try_from(rows).unwrap());
    }
    assert!(states.values().all(|rows| *rows > 0), "{states:?}");
    let document = sarah.get(&platform, "/api/ndas/8/document").await.expect(200);
    assert!(String::from_utf8_lossy(&document.bytes).contains("The Modern Prometheus"));
    let receipt = sarah.get(&platform, "/api/ndas/8/receipt").await.ok();
    let copy = sarah.get(&platform, "/api/ndas/8/document?copy=signed").await.expect(200);
    let hash = copy.header("x-document-sha256").expect("its hash");
    assert!(receipt.to_string().contains(hash), "the receipt names the signed copy: {receipt}");
    let verified = sarah.get(&platform, "/api/ndas/8/verify").await.ok();
    assert_eq!(verified["valid"], true, "{verified}");

    // The offer can be signed, so the hash is that of the document.
    let offered = sarah.get(&platform, "/api/ndas/5").await.ok();
    let signature =
        json!({ "fullName": "Sarah Johnson", "acceptTerms": true, "documentHash": offered["documentHash"] });
    sarah.post(&platform, "/api/ndas/5/sign", &signature).await.expect(200);

    // New rows come after those of the demo; a second load changes nothing.
    assert!(platform.person("viewer").await.id > 34);
    let everything = "SELECT count(*) AS count FROM (
        SELECT id FROM users UNION ALL SELECT id FROM pitches UNION ALL SELECT id FROM ndas UNION ALL SELECT id FROM follows) AS rows";
    let before = platform.number(everything).await;
    let (code, said) = platform.ctl(&["seed"]).await;
    assert_eq!((code, platform.number(everything).await), (0, before), "{said}");
    assert_eq!(sarah.get(&platform, "/api/ndas/5").await.ok()["status"], "signed", "what was changed stays");
}

#[tokio::test]
async fn the_demo_plays_its_story() {
    let platform = Platform::start().await;
    for _ in 0..2 {
        let (code, said) = platform.ctl(&["demo"]).await;
        assert_eq!(code, 0, "{said}");
        for event in
            ["user.registered.v1", "nda.requested.v1", "nda.approved.v1", "nda.signed.v1", "nda.revoked.v1"]
        {
            assert!(said.contains(event), "{event} in {said}");
        }
    }
    platform.settled().await;
}
