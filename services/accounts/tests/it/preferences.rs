use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/api/user/preferences";

#[tokio::test(flavor = "multi_thread")]
async fn settings_have_defaults_merge_and_reset() {
    let app = App::start().await;
    let (ada, bob) = (app.creator("ada").await, app.creator("bob").await);
    let get = async |member: &crate::app::Member| -> Value {
        app.client.get(PATH).as_(&member.actor).send().await.expect(200).json
    };
    let default = get(&ada).await;
    assert_eq!((&default["theme"], &default["language"]), (&json!("system"), &json!("en")));

    let body = json!({ "theme": "dark", "language": "pt-BR", "itemsPerPage": 50, "isAdmin": true });
    let saved = app.client.put(PATH).as_(&ada.actor).json(&body).send().await.expect(200);
    assert_eq!(saved["preferences"], get(&ada).await);
    let body = json!({ "theme": null, "autoplayVideos": true });
    app.client.put(PATH).as_(&ada.actor).json(&body).send().await.expect(200);
    let now = get(&ada).await;
    assert_eq!([&now["theme"], &now["language"]], [&json!("system"), &json!("pt-BR")]);
    assert_eq!([&now["itemsPerPage"], &now["autoplayVideos"]], [&json!(50), &json!(true)]);
    assert!(now.get("isAdmin").is_none());
    assert_eq!(get(&bob).await, default);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_settings_are_refused() {
    let app = App::start().await;
    let mut ada = app.creator("ada").await;
    for (field, value) in [
        ("theme", json!("pink")),
        ("language", json!("english please")),
        ("timezone", json!("here; drop")),
        ("currency", json!("eur")),
        ("itemsPerPage", json!(0)),
        ("itemsPerPage", json!(101)),
        ("autoplayVideos", json!("yes")),
    ] {
        app.client.put(PATH).as_(&ada.actor).json(&json!({ field: value })).send().await.invalid(&[field]);
    }
    app.client.get(PATH).send().await.refused(401, "unauthenticated");
    app.client.put(PATH).json(&json!({})).send().await.refused(401, "unauthenticated");
    ada.actor.suspended = true;
    app.client.put(PATH).as_(&ada.actor).json(&json!({})).send().await.refused(403, "account_suspended");
    app.client.get(PATH).as_(&ada.actor).send().await.expect(200);
}
