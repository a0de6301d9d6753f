use pitchey_events::UserType;
use serde_json::json;

use crate::app::{App, conversation, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_first_messages_make_one_conversation() {
    let app = App::start_with(|settings| {
        settings.message_burst = 10_000;
        settings.credits = pitchey_messaging::CreditsMode::Payments;
    })
    .await;
    app.ignore_all();
    let (ann, bob) = (app.creator().await, app.creator().await);
    for who in [&ann, &bob] {
        app.others.known().balances.insert(who.id.0, 2);
    }
    let sends = (0..100).map(|n| {
        let (from, to) = if n % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
        let app = &app;
        async move { app.sent(from, to, &format!("first {n}")).await }
    });
    let sent = futures_util::future::join_all(sends).await;
    let mut conversations: Vec<i64> = sent.iter().map(conversation).collect();
    conversations.dedup();
    assert_eq!(conversations.len(), 1);
    assert_eq!(app.number("SELECT count(*) FROM conversations").await, 1);
    assert_eq!(app.number("SELECT count(*) FROM messages").await, 100);
    assert_eq!(app.number("SELECT count(*) FROM conversation_keys").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_what_moved_last_first_and_count_what_is_unread() {
    let app = App::start().await;
    let me = app.investor().await;
    let mut talks = Vec::new();
    for n in 0..5 {
        let other = app.investor().await;
        app.pass(chrono::TimeDelta::seconds(1));
        talks.push(conversation(&app.sent(&other, &me, &format!("hello {n}")).await));
    }
    app.pass(chrono::TimeDelta::seconds(1));
    app.say(&me, talks[1], "back to you").await.expect(201);

    let list = app.get("/api/messages/conversations", &me).await.ok();
    let order: Vec<i64> = list["data"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(order, [talks[1], talks[4], talks[3], talks[2], talks[0]]);
    assert_eq!(list["data"][0]["lastMessage"]["content"], "back to you");
    assert_eq!(list["data"][0]["unreadCount"], 1, "what one writes does not read what was written before");
    assert_eq!(list["data"][1]["lastMessage"]["content"], "hello 4");
    assert_eq!((&list["meta"]["total"], &list["meta"]["hasNext"]), (&json!(5), &json!(false)));

    let first = app.get("/api/messages/conversations?limit=2", &me).await.ok();
    let cursor = first["meta"]["nextCursor"].as_str().unwrap();
    let next = app.get(&format!("/api/messages/conversations?limit=2&cursor={cursor}"), &me).await.ok();
    assert_eq!(next["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [talks[3], talks[2]]);

    let unread = app.get("/api/messages/unread-count", &me).await.ok();
    assert_eq!(unread["unreadCount"], 5);
    assert_eq!(unread["byConversation"][talks[4].to_string()], 1);
    let stranger = app.investor().await;
    assert_eq!(app.get("/api/messages/conversations", &stranger).await.ok()["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_conversation_comes_back_with_the_next_message() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    let flag = format!("SELECT is_archived FROM conversations WHERE id = {talk}");
    let archive = async |actor, archived: bool| {
        let path = format!("/api/conversations/{talk}/archive");
        app.post(&path, actor, json!({ "archived": archived })).await.expect(200)["conversation"].clone()
    };
    assert_eq!(archive(&ann, true).await["archived"], true);
    assert_eq!(app.text(&flag).await, "false", "bob has not");
    assert_eq!(app.get("/api/messages/conversations", &ann).await.ok()["data"], json!([]));
    let away = app.get("/api/messages/conversations?archived=true", &ann).await.ok();
    assert_eq!(id(&away["data"][0]), talk);
    assert_eq!(id(&app.get("/api/messages/conversations", &bob).await.ok()["data"][0]), talk);
    archive(&bob, true).await;
    assert_eq!(app.text(&flag).await, "true");

    app.pass(chrono::TimeDelta::seconds(1));
    app.say(&bob, talk, "One more thing").await.expect(201);
    assert_eq!(app.text(&flag).await, "false");
    assert_eq!(id(&app.get("/api/messages/conversations", &ann).await.ok()["data"][0]), talk);
    archive(&ann, true).await;
    assert_eq!(archive(&ann, false).await["archived"], false);
    let stranger = app.investor().await;
    app.post(&format!("/api/conversations/{talk}/archive"), &stranger, json!({}))
        .await
        .refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_opened_with_a_word_from_the_platform() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let body = json!({ "participantIds": [bob.id] });
    let opened = app.post("/api/conversations", &ann, body.clone()).await.expect(201)["conversation"].clone();
    assert_eq!(
        (&opened["type"], &opened["lastMessage"]["messageType"]),
        (&json!("direct"), &json!("system"))
    );
    let again = app.post("/api/conversations", &bob, json!({ "participantIds": [ann.id] })).await.expect(200);
    assert_eq!(again["conversation"]["id"], opened["id"]);
    app.post("/api/conversations", &ann, json!({})).await.invalid(&["participantIds"]);
    app.post("/api/conversations", &ann, json!({ "type": "group" })).await.invalid(&["participantIds"]);
    let discussion = json!({ "type": "pitch_discussion", "pitchId": 1 });
    app.post("/api/conversations", &ann, discussion).await.refused(409, "discussion_not_open");
    app.post("/api/conversations", &ann, json!({ "type": "pitch_discussion" })).await.invalid(&["pitchId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_an_owner_who_says_who_is_in_it() {
    let app = App::start().await;
    let (ann, bob, eve, dan) =
        (app.investor().await, app.investor().await, app.investor().await, app.investor().await);
    let body = json!({ "participantIds": [bob.id, eve.id], "title": "Financing" });
    let group = app.post("/api/conversations", &ann, body).await.expect(201)["conversation"].clone();
    assert_eq!((&group["type"], &group["title"]), (&json!("group"), &json!("Financing")));
    let (group, path) = (id(&group), format!("/api/conversations/{}/participants", id(&group)));
    app.say(&bob, group, "Hello all").await.expect(201);
    app.say(&dan, group, "Hello").await.refused(404, "not_found");

    app.post(&path, &bob, json!({ "userIds": [dan.id] })).await.refused(403, "forbidden");
    app.post(&path, &dan, json!({ "userIds": [dan.id] })).await.refused(404, "not_found");
    let changed = app.post(&path, &ann, json!({ "userIds": [dan.id] })).await.expect(200);
    assert_eq!(changed["conversation"]["participants"].as_array().unwrap().len(), 4);
    app.say(&dan, group, "Now I am here").await.expect(201);

    app.pass(chrono::TimeDelta::seconds(1));
    app.post(&path, &ann, json!({ "remove": [bob.id] })).await.expect(200);
    app.post(&path, &eve, json!({ "remove": [eve.id] })).await.expect(200);
    app.pass(chrono::TimeDelta::seconds(1));
    app.say(&ann, group, "Without bob").await.expect(201);
    app.say(&bob, group, "But").await.refused(409, "conversation_inactive");
    let seen = app.get(&format!("/api/conversations/{group}"), &bob).await.ok();
    let texts: Vec<&str> = seen["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| message["content"].as_str())
        .collect();
    assert_eq!(texts, ["Now I am here", "Hello all", "The conversation was opened."]);
    assert_eq!(seen["conversation"]["isActive"], false);

    let direct = conversation(&app.sent(&ann, &bob, "Hi").await);
    let direct = format!("/api/conversations/{direct}/participants");
    app.post(&direct, &ann, json!({ "userIds": [eve.id] })).await.refused(409, "not_a_group");
    let many: Vec<i32> = (0..20).map(|n| 1_000_000 + n).collect();
    app.post(&path, &ann, json!({ "userIds": many })).await.refused(409, "group_full");
    let body = json!({ "participantIds": (0..20).map(|n| 1_000_000 + n).collect::<Vec<i32>>() });
    app.post("/api/conversations", &ann, body).await.refused(409, "group_full");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_open_conversations() {
    let app = App::start().await;
    let bob = app.investor().await;
    let unproved = app.person(UserType::Investor, |actor| actor.email_verified = false).await;
    app.send(&unproved, &bob, "Hi").await.refused(403, "email_not_verified");
    let suspended = app.person(UserType::Investor, |actor| actor.suspended = true).await;
    app.send(&suspended, &bob, "Hi").await.refused(403, "account_suspended");
    let gone = app.investor().await;
    app.others.change(gone.id, |user| user.is_active = false);
    app.send(&bob, &gone, "Hi").await.refused(403, "message_not_possible");
}
