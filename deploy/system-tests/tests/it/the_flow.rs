//! The story of one NDA.

use std::time::{Duration, Instant};

use pitchey_system_tests::{Person, Platform, SOON, wait_until};
use serde_json::{Value, json};

const SECRET: &str = "The keeper never lights the lamp.";

#[tokio::test]
async fn one_nda_goes_all_the_way_through_the_platform() {
    let platform = Platform::start().await;
    let [creator, investor, other] = [
        platform.person("creator").await,
        platform.person("investor").await,
        platform.person("investor").await,
    ];

    let pitch = publish(&platform, &creator).await;
    sees_the_public_part_only(&platform, None, pitch).await;
    sees_the_public_part_only(&platform, Some(&investor), pitch).await;

    let nda = request(&platform, &creator, &investor, pitch).await;
    approve_and_sign(&platform, &creator, &investor, nda).await;

    let seen = investor.get(&platform, &format!("/api/pitches/{pitch}")).await;
    assert_eq!(seen.header("cache-control"), Some("private, no-store"), "{seen}");
    assert_eq!(seen.ok()["longSynopsis"], SECRET);
    sees_the_public_part_only(&platform, Some(&other), pitch).await;

    let reason = json!({ "reason": "The rights were sold." });
    creator.post(&platform, &format!("/api/ndas/{nda}/revoke"), &reason).await.expect(200);
    let revoked = Instant::now();
    sees_the_public_part_only(&platform, Some(&investor), pitch).await;
    assert!(revoked.elapsed() < Duration::from_secs(1), "took {:?}", revoked.elapsed());
    platform.mail(&investor.email, "nda-revoked").await;

    platform.settled().await;
    every_step_is_in_the_audit_log(&platform, [&creator, &investor], pitch, nda).await;
}

async fn publish(platform: &Platform, creator: &Person) -> i64 {
    let draft = json!({
        "title": "The Lighthouse at the End of the World",
        "logline": "Two wreckers hold a keeper's island, and the keeper knows every rock of it.",
        "genre": "thriller", "format": "feature", "shortSynopsis": "Three months until the relief ship comes.",
        "longSynopsis": SECRET, "requiresNDA": true, "ndaType": "basic",
    });
    let created = creator.post(platform, "/api/pitches", &draft).await.expect(201);
    let pitch = created["pitch"]["id"].as_i64().unwrap();
    platform.gateway().get(&format!("/api/pitches/public/{pitch}")).send().await.refused(404, "not_found");
    let published = creator.post(platform, &format!("/api/pitches/{pitch}/publish"), &json!({})).await.ok();
    assert_eq!(published["pitch"]["status"], "published");
    pitch
}

async fn sees_the_public_part_only(platform: &Platform, person: Option<&Person>, pitch: i64) {
    let paths = match person {
        Some(_) => vec![format!("/api/pitches/{pitch}")],
        None => vec![format!("/api/pitches/{pitch}"), format!("/api/pitches/public/{pitch}")],
    };
    for path in paths {
        let answer = match person {
            Some(person) => person.get(platform, &path).await,
            None => platform.gateway().get(&path).send().await,
        };
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        let json = answer.ok();
        assert_eq!(json["shortSynopsis"], "Three months until the relief ship comes.");
        assert!(!text.contains(SECRET) && json.get("longSynopsis").is_none(), "{path}: {text}");
    }
}

async fn request(platform: &Platform, creator: &Person, investor: &Person, pitch: i64) -> i64 {
    let body = json!({ "pitchId": pitch, "message": "We have a slot for exactly this." });
    let requested = investor.post(platform, "/api/ndas/request", &body).await.expect(201);
    assert_eq!(requested["nda"]["status"], "pending");
    let nda = requested["nda"]["id"].as_i64().unwrap();
    let again = investor.post(platform, "/api/ndas/request", &body).await.expect(200);
    assert_eq!(again["nda"]["id"], nda, "a repetition is the same request");

    let mail = platform.mail(&creator.email, "nda-requested").await;
    assert!(!mail["text"].as_str().unwrap().contains(SECRET));
    wait_until("the bell to ring", SOON, async || {
        let unread = creator.get(platform, "/api/notifications/unread").await.ok();
        unread["data"][0]["data"]["ndaId"] == nda
    })
    .await;
    nda
}

async fn approve_and_sign(platform: &Platform, creator: &Person, investor: &Person, nda: i64) {
    let path = |what: &str| format!("/api/ndas/{nda}{what}");
    let approved = creator.post(platform, &path("/approve"), &json!({})).await.ok();
    assert_eq!(approved["nda"]["status"], "approved");
    platform.mail(&investor.email, "nda-approved").await;

    let document = investor.get(platform, &path("/document")).await.expect(200);
    let hash = sha256(&document.bytes);
    assert_eq!(
        investor.get(platform, &path("")).await.ok()["documentHash"],
        hash,
        "what is offered is what is read"
    );

    let signature = |hash: &str| {
        json!({
            "fullName": "Ivo Marsh", "title": "Partner", "company": "Marsh Capital", "acceptTerms": true,
            "documentHash": hash,
        })
    };
    let wrong = investor.post(platform, &path("/sign"), &signature(&"0".repeat(64))).await;
    assert!((400..500).contains(&wrong.status), "{wrong}");
    let signed: Value = investor.post(platform, &path("/sign"), &signature(&hash)).await.ok();
    assert_eq!((&signed["nda"]["status"], &signed["nda"]["accessGranted"]), (&json!("signed"), &json!(true)));
}

async fn every_step_is_in_the_audit_log(platform: &Platform, people: [&Person; 2], pitch: i64, nda: i64) {
    let log = platform.audit_log().await;
    let [creator, investor] = people.map(|person| i32::try_from(person.id).unwrap());
    for (who, action, thing) in [
        (creator, "nda.approved", ("nda", nda)),
        (creator, "nda.revoked", ("nda", nda)),
        (investor, "nda.requested", ("nda", nda)),
        (investor, "nda.signed", ("nda", nda)),
        (creator, "pitch.published", ("pitch", pitch)),
    ] {
        let found = log.iter().filter(|line| {
            (line.user_id, line.action.as_str()) == (Some(who), action)
                && (line.entity_type.as_deref(), line.entity_id) == (Some(thing.0), Some(thing.1))
        });
        assert_eq!(found.count(), 1, "{action} by {who} in {log:#?}");
    }
    for who in [creator, investor] {
        for action in ["user.registered", "user.email_verified", "login.succeeded"] {
            assert!(
                log.iter().any(|line| (line.user_id, line.action.as_str()) == (Some(who), action)),
                "{action} by {who} in {log:#?}"
            );
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
