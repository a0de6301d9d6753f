use pitchey_events::{UserBlocked, UserId, UserUnblocked};
use pitchey_testkit::Answer;
use serde_json::json;

use crate::app::{App, Member};

async fn block(app: &App, by: &Member, whom: UserId) -> Answer {
    app.client.post(&format!("/api/users/{whom}/block")).as_(&by.actor).send().await
}

async fn unblock(app: &App, by: &Member, whom: UserId) -> Answer {
    app.client.delete(&format!("/api/users/{whom}/block")).as_(&by.actor).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_made_once_and_taken_back_once() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let bob = app.register("investor", "bob").await.id;
    let before = app.actions().await.len();
    let first = block(&app, &ada, bob).await.expect(201);
    assert_eq!(first["blocked"], json!(true));
    for _ in 0..3 {
        block(&app, &ada, bob).await.expect(200);
    }
    let event: UserBlocked = app.emitted.take().await;
    assert_eq!((event.blocker_id, event.blocked_id), (ada.actor.id, bob));
    let listed = app.client.get("/api/users/blocked").as_(&ada.actor).send().await.expect(200);
    assert_eq!((&listed["data"][0]["username"], &listed["meta"]["total"]), (&json!("bob"), &json!(1)));
    assert!(app.gateway.relation(bob, ada.actor.id).await.unwrap().blocked);
    assert_eq!(app.gateway.blocked_ids(bob).await.unwrap(), [ada.actor.id], "whichever side made it");
    assert_eq!(app.gateway.blocked_ids(ada.actor.id).await.unwrap(), [bob]);

    for _ in 0..3 {
        let answer = unblock(&app, &ada, bob).await.expect(200);
        assert_eq!(answer["blocked"], json!(false));
    }
    assert_eq!(app.emitted.take::<UserUnblocked>().await.blocked_id, bob);
    assert_eq!(app.actions().await[before..], ["user.blocked", "user.unblocked"]);
    assert_eq!(app.gateway.blocked_ids(bob).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_blocks_oneself_or_somebody_who_is_not_there() {
    let app = App::start().await;
    let mut ada = app.creator("ada").await;
    let own = block(&app, &ada, ada.actor.id).await.refused(400, "own_block");
    assert_eq!(own["validation_errors"][0]["field"], "id");
    block(&app, &ada, UserId(999_999)).await.refused(404, "not_found");
    unblock(&app, &ada, UserId(999_999)).await.refused(404, "not_found");
    app.client.post("/api/users/x/block").as_(&ada.actor).send().await.refused(404, "not_found");
    ada.actor.suspended = true;
    block(&app, &ada, UserId(1)).await.refused(403, "account_suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_the_blockers_alone_and_goes_on_by_cursor() {
    let app = App::start().await;
    let (ada, bob) = (app.creator("ada").await, app.creator("bob").await);
    app.db
        .execute(&format!(
            "INSERT INTO users (email, username, password_hash) SELECT n || '@x.test', 'user' || n, '' FROM generate_series(1, 45) AS n;
             INSERT INTO user_blocks (blocker_id, blocked_id) SELECT {}, id FROM users WHERE username LIKE 'user%'",
            ada.actor.id
        ))
        .await;
    let mut seen = Vec::new();
    let mut path = "/api/users/blocked".to_owned();
    loop {
        let page = app.client.get(&path).as_(&ada.actor).send().await.expect(200);
        assert_eq!(page["meta"]["total"], 45);
        seen.extend(page["data"].as_array().unwrap().iter().map(|user| user["id"].as_i64().unwrap()));
        match page["meta"]["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/users/blocked?cursor={cursor}"),
            None => break,
        }
    }
    assert!(seen.len() == 45 && seen.is_sorted(), "{seen:?}");
    let second = app.client.get("/api/users/blocked?page=3").as_(&ada.actor).send().await.expect(200);
    assert_eq!(second["data"].as_array().unwrap().len(), 5);
    let nobodys = app.client.get("/api/users/blocked").as_(&bob.actor).send().await.expect(200);
    assert_eq!(nobodys["data"], json!([]));
    app.client.get("/api/users/blocked").send().await.refused(401, "unauthenticated");
}
