use pitchey_events::UserChanged;
use serde_json::json;

use crate::app::{App, Member};

async fn found(app: &App, by: Option<&Member>, query: &str) -> Vec<String> {
    let request = app.client.get(&format!("/api/search/users?q={query}"));
    let request = match by {
        Some(member) => request.as_(&member.actor),
        None => request,
    };
    let answer = request.send().await.expect(200);
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned())
        .collect()
}

async fn people(app: &App) -> [Member; 3] {
    let [ada, bob, eve] =
        [app.creator("ada").await, app.creator("bob.adams").await, app.creator("eve").await];
    for (member, names) in [
        (&ada, json!({ "firstName": "Ada", "lastName": "Lovelace" })),
        (&bob, json!({ "companyName": "Analytical Engines Ltd", "bio": "Knows Ada" })),
        (&eve, json!({ "firstName": "Evą", "phone": "+49 30 5555", "companyAddress": "Secret Street" })),
    ] {
        app.client.put("/api/user/profile").as_(&member.actor).json(&names).send().await.expect(200);
    }
    app.emitted.ignore::<UserChanged>();
    [ada, bob, eve]
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_the_beginnings_of_their_public_names() {
    let app = App::start().await;
    people(&app).await;
    assert_eq!(found(&app, None, "ada").await, ["ada", "bob.adams"], "whole names come first");
    assert_eq!(found(&app, None, "LOVE").await, ["ada"]);
    assert_eq!(found(&app, None, "lovelace%20ad").await, ["ada"], "every word must begin one");
    assert_eq!(found(&app, None, "engines").await, ["bob.adams"]);
    assert_eq!(found(&app, None, "ev%C4%85").await, ["eve"]);
    for nothing in ["", "velace", "%20%27", "knows", "5555", "secret", "example.test"] {
        assert_eq!(found(&app, None, nothing).await, Vec::<String>::new(), "{nothing}");
    }
    let all = app.client.get("/api/search/users").send().await.expect(200);
    assert_eq!((&all["data"], &all["meta"]["total"]), (&json!([]), &json!(0)));
    app.client.get("/api/search/users?q=a&limit=0").send().await.refused(400, "validation_failed");
    app.client.get("/api/search/users?q=a&userType=robot").send().await.refused(400, "validation_failed");
    let none = app.client.get("/api/search/users?q=ada&userType=investor").send().await.expect(200);
    assert_eq!(none["data"], json!([]));
    let shown = app.client.get("/api/search/users?q=eve").send().await.expect(200);
    for field in ["email", "phone", "companyAddress", "lastLoginAt"] {
        assert!(shown["data"][0].get(field).is_none(), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_hides_each_from_the_other_and_the_closed_are_not_there() {
    let app = App::start().await;
    let [ada, bob, eve] = people(&app).await;
    app.db.execute(&format!("INSERT INTO user_blocks VALUES ({}, {})", ada.actor.id, bob.actor.id)).await;
    assert_eq!(found(&app, Some(&ada), "ada").await, ["ada"]);
    assert_eq!(found(&app, Some(&bob), "ada").await, ["bob.adams"]);
    assert_eq!(found(&app, Some(&eve), "ada").await, ["ada", "bob.adams"]);
    assert_eq!(found(&app, None, "ada").await, ["ada", "bob.adams"]);
    for closed in ["suspended_at = now()", "banned_at = now()", "deleted_at = now()", "is_active = false"] {
        app.db.execute(&format!("UPDATE users SET {closed} WHERE username = 'ada'")).await;
        assert_eq!(found(&app, None, "ada").await, ["bob.adams"], "{closed}");
        app.db
            .execute(
                "UPDATE users SET suspended_at = NULL, banned_at = NULL, deleted_at = NULL, is_active = true",
            )
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_that_thousands_share_is_counted_to_a_thousand() {
    let app = App::start().await;
    app.db
        .execute(
            "INSERT INTO users (email, username, password_hash)
             SELECT n || '@x.test', 'common' || n, '' FROM generate_series(1, 1500) AS n",
        )
        .await;
    let page = app.client.get("/api/search/users?q=common&page=2").send().await.expect(200);
    let meta = &page["meta"];
    assert_eq!(
        (&meta["total"], &meta["totalIsMinimum"], &meta["hasNext"]),
        (&json!(1000), &json!(true), &json!(true))
    );
    assert_eq!(page["data"].as_array().unwrap().len(), 20);
}
