use serde_json::{Value, json};

use crate::app::App;

async fn edit(app: &App, pitch: i64, owner: &pitchey_identity::Actor, body: Value) {
    app.client.put(&format!("/api/pitches/{pitch}")).as_(owner).json(&body).send().await.expect(200);
}

fn numbers(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|version| version["number"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_content_is_a_version_and_nothing_else_is() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}/versions");
    edit(&app, pitch, &owner, json!({ "premise": "SECRET-second" })).await;
    edit(&app, pitch, &owner, json!({ "premise": "SECRET-second" })).await;
    let list = app.get(&path, &owner).await.ok();
    assert_eq!(numbers(&list), [2, 1]);
    assert_eq!(list["data"][0]["authorId"], owner.id.0);
    let page = app.get(&format!("{path}?limit=1"), &owner).await.ok();
    let next = page["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(numbers(&app.get(&format!("{path}?limit=1&cursor={next}"), &owner).await.ok()), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_canonical_json_with_its_hash() {
    let app = App::start().await;
    let owner = app.creator().await;
    let (one, two) = (app.pitch_with(&owner, json!({})).await, app.pitch_with(&owner, json!({})).await);
    let [first, second] = [one, two].map(|pitch| format!("/api/pitches/{pitch}/versions/1"));
    let (first, second) = (app.get(&first, &owner).await.ok(), app.get(&second, &owner).await.ok());
    assert_eq!(first["contentSha256"], second["contentSha256"], "the same content has the same hash");
    let canonical = first["canonical"].as_str().unwrap();
    assert_eq!(first["contentSha256"], sha256(canonical.as_bytes()));
    assert_eq!(serde_json::from_str::<Value>(canonical).unwrap(), first["content"]);
    assert_eq!(first["content"]["premise"], "SECRET-premise");
    // RFC 8785: members in order, no white space.
    assert!(canonical.starts_with(r#"{"budget":"1-5 million","characters":[{"#), "{canonical}");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_for_the_owner_and_from_the_named_one_on_for_a_signer() {
    let app = App::start().await;
    let (owner, signer, stranger) = (app.creator().await, app.investor().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}/versions");
    edit(&app, pitch, &owner, json!({ "premise": "SECRET-second" })).await;
    app.signed(pitch, &owner, &signer).await;
    edit(&app, pitch, &owner, json!({ "premise": "SECRET-third" })).await;

    assert_eq!(numbers(&app.get(&path, &signer).await.ok()), [3, 2]);
    assert_eq!(app.get(&format!("{path}/3"), &signer).await["content"]["premise"], "SECRET-third");
    app.get(&format!("{path}/1"), &signer).await.refused(404, "not_found");
    app.get(&path, &stranger).await.refused(404, "not_found");
    app.get(&format!("{path}/3"), &stranger).await.refused(404, "not_found");
    app.client.get(&path).send().await.refused(401, "unauthenticated");
    app.get(&format!("{path}/4"), &owner).await.refused(404, "not_found");
    app.get(&format!("{path}/first"), &owner).await.refused(404, "not_found");

    let reads: Vec<_> = app.audited("pitch", pitch).await;
    let about = |who: &pitchey_identity::Actor| -> Vec<&str> {
        reads
            .iter()
            .filter(|(_, by)| *by == Some(who.id.0.into()))
            .map(|(action, _)| action.as_str())
            .collect()
    };
    assert_eq!(about(&signer), ["pitch.protected_read", "pitch.protected_read_denied"]);
    assert_eq!(about(&stranger), ["pitch.protected_read_denied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pitch_that_is_open_to_all_keeps_its_history_to_itself() {
    let app = App::start().await;
    let (owner, reader) = (app.creator().await, app.creator().await);
    let pitch = app.published_with(&owner, json!({ "requiresNDA": false })).await;
    assert!(app.opens(pitch, &reader).await);
    app.get(&format!("/api/pitches/{pitch}/versions"), &reader).await.refused(404, "not_found");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
