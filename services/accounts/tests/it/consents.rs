use serde_json::{Value, json};

use crate::app::{App, Member};

const PATH: &str = "/api/gdpr/consents";

fn of<'a>(answer: &'a Value, purpose: &str) -> &'a Value {
    let all = answer["consents"].as_array().unwrap();
    all.iter().find(|consent| consent["purpose"] == purpose).unwrap()
}

async fn say(app: &App, member: &Member, consents: Value) -> pitchey_testkit::Answer {
    app.client.put(PATH).as_(&member.actor).json(&json!({ "consents": consents })).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_agrees_to_the_terms_and_nothing_else() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let now = app.client.get(PATH).as_(&ada.actor).send().await.expect(200);
    for (purpose, granted) in [("terms", true), ("privacy", true), ("marketing", false), ("analytics", false)]
    {
        let consent = of(&now.json, purpose);
        assert_eq!(consent["granted"], granted, "{purpose}");
        assert_eq!(consent["documentVersion"].is_string(), granted, "{purpose}");
        assert!(consent["currentVersion"].is_string());
    }
    app.client.get(PATH).send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_word_is_kept_with_version_time_and_address_and_the_newest_holds() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    for granted in [true, true, false] {
        let said = say(&app, &ada, json!([{ "purpose": "marketing", "granted": granted }])).await.expect(200);
        assert_eq!(of(&said.json, "marketing")["granted"], granted);
    }
    assert_eq!(app.count("user_consents WHERE purpose = 'marketing'").await, 2, "a repetition is no news");
    let row = "SELECT document_version || ' ' || (ip_address IS NOT NULL) FROM user_consents ORDER BY id DESC LIMIT 1";
    assert_eq!(app.text(row).await.unwrap(), "2026-11 true");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_stay_and_old_texts_are_not_agreed_to() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    say(&app, &ada, json!([{ "purpose": "terms", "granted": false }])).await.refused(400, "consent_needed");
    let old = json!([{ "purpose": "marketing", "granted": true, "documentVersion": "2019-01" }]);
    let refused = say(&app, &ada, old).await.refused(409, "consent_outdated");
    assert_eq!(refused["details"], json!({ "purpose": "marketing", "documentVersion": "2026-11" }));
    say(&app, &ada, json!([])).await.refused(400, "validation_failed");
    say(&app, &ada, json!([{ "purpose": "all", "granted": true }])).await.refused(400, "validation_failed");
    app.client.put(PATH).as_(&ada.actor).json(&json!({})).send().await.invalid(&["consents"]);
}
