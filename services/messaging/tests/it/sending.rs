use chrono::TimeDelta;
use pitchey_events::{ConversationCreated, MessageDeleted, MessageEdited, MessageSent, UserType};
use pitchey_rpc::proto::pitches::StandingReply;
use serde_json::json;

use crate::app::{App, conversation, id};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_the_other_and_is_told_of_without_its_text() {
    let app = App::start_with(|_| {}).await;
    let (ann, bob) = app.pair().await;
    let sent = app.sent(&ann, &bob, "  Hello Bob, this is Ann.  ").await;
    assert_eq!(sent["content"], "Hello Bob, this is Ann.");
    assert_eq!((&sent["senderId"], &sent["receiverId"]), (&json!(ann.id), &json!(bob.id)));
    assert_eq!((&sent["messageType"], &sent["sentAt"]), (&json!("text"), &sent["createdAt"]));

    let page = app.get(&format!("/api/conversations/{}", conversation(&sent)), &bob).await.ok();
    assert_eq!(page["messages"][0]["content"], "Hello Bob, this is Ann.");
    assert_eq!(
        (&page["messages"][0]["read"], &page["conversation"]["unreadCount"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(page["conversation"]["lastMessage"]["id"], sent["id"]);
    assert_eq!(page["conversation"]["participants"].as_array().unwrap().len(), 2);

    let created = app.emitted.take::<ConversationCreated>().await;
    assert_eq!((created.created_by, created.hold), (ann.id, None));
    let told = app.emitted.take::<MessageSent>().await;
    assert_eq!((told.message_id.0, told.sender_id), (id(&sent), ann.id));
    assert_eq!(told.recipient_ids, [bob.id]);
    assert!(!serde_json::to_string(&told).unwrap().contains("Hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_write_to_whom() {
    let app = App::start().await;
    let (creator, buyer) = (app.creator().await, app.investor().await);
    let unverified = app.person(UserType::Investor, |actor| actor.company_verified = false).await;
    let viewer = app.person(UserType::Viewer, |_| {}).await;
    let operator = app.person(UserType::Viewer, |actor| actor.admin = true).await;
    let publishes = StandingReply { other_has_published_pitch: true, ..StandingReply::default() };
    let signed = StandingReply { signed_nda_between: true, ..StandingReply::default() };
    let mutual = StandingReply { mutual_follow: true, ..StandingReply::default() };
    let own = StandingReply { user_has_published_pitch: true, ..StandingReply::default() };

    // Nothing is between them.
    app.send(&creator, &buyer, "Hi").await.refused(403, "messaging_not_allowed");
    // An own pitch is no reason, nor is another's for who is not verified.
    app.others.standing(creator.id, buyer.id, own);
    app.send(&creator, &buyer, "Hi").await.refused(403, "messaging_not_allowed");
    app.others.standing(unverified.id, creator.id, publishes);
    app.send(&unverified, &creator, "Hi").await.refused(403, "messaging_not_allowed");
    // Viewers may only reply.
    app.others.standing(viewer.id, creator.id, mutual);
    app.send(&viewer, &creator, "Hi").await.refused(403, "messaging_not_allowed");

    for (from, standing) in [(&buyer, publishes), (&unverified, signed)] {
        app.others.standing(from.id, creator.id, standing);
        app.send(from, &creator, "Hi").await.expect(201);
    }
    let other = app.investor().await;
    app.others.standing(creator.id, other.id, mutual);
    app.send(&creator, &other, "Hi").await.expect(201);
    let first = app.send(&operator, &viewer, "Hello from the platform.").await.expect(201);
    app.send(&viewer, &operator, "Hi").await.expect(201);
    app.say(&viewer, conversation(&first["messageData"]), "Me again").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_a_no() {
    let app = App::start().await;
    let (creator, buyer) = (app.creator().await, app.investor().await);
    app.others.known().pitches_away = true;
    app.send(&buyer, &creator, "Hi").await.refused(503, "dependency_unavailable");
    app.others.known().pitches_away = false;
    app.others.known().accounts_away = true;
    app.send(&buyer, &creator, "Hi").await.refused(503, "dependency_unavailable");
    app.others.known().accounts_away = false;

    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Hi").await);
    app.others.known().accounts_away = true;
    // What was learned of blocks is remembered for less than a second.
    pitchey_testkit::wait_until("the memory to fade", pitchey_testkit::SOON, async || {
        app.say(&ann, talk, "Hi").await.status == 503
    })
    .await;
    app.say(&ann, talk, "Hi").await.refused(503, "dependency_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_conversation_is_paid_once_by_who_pays() {
    let app = App::start_with(|settings| settings.credits = pitchey_messaging::CreditsMode::Payments).await;
    let (ann, bob) = (app.creator().await, app.creator().await);
    app.send(&ann, &bob, "Hi").await.refused(402, "not_enough_credits");
    app.others.known().balances.insert(ann.id.0, 5);
    app.send(&ann, &bob, "Hi").await.expect(201);
    app.send(&ann, &bob, "Hi again").await.expect(201);
    app.send(&bob, &ann, "Replies are free.").await.expect(201);
    assert_eq!(app.others.known().balances[&ann.id.0], 3);
    let created = app.emitted.take::<ConversationCreated>().await;
    assert_eq!(created.hold.map(|key| key.to_string()), app.others.known().held.first().cloned());

    let (eve, dan) = app.pair().await;
    app.send(&eve, &dan, "Investors pay nothing.").await.expect(201);
    assert_eq!(app.emitted.take::<ConversationCreated>().await.hold, None);
    app.others.known().payments_away = true;
    let carl = app.creator().await;
    app.send(&ann, &carl, "Hi").await.refused(503, "dependency_unavailable");
    app.ignore_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_may_change_ones_words_for_fifteen_minutes_and_take_them_back_for_ever() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let message = id(&app.sent(&ann, &bob, "Helo").await);
    let path = format!("/api/messages/{message}");
    let edit = async |content: &str, actor| {
        app.client.put(&path).as_(actor).json(&json!({ "content": content })).send().await
    };
    edit("Hello", &bob).await.refused(403, "forbidden");
    let stranger = app.investor().await;
    edit("Hello", &stranger).await.refused(404, "not_found");
    let edited = edit("Hello", &ann).await.expect(200)["messageData"].clone();
    assert_eq!(edited["content"], "Hello");
    assert!(edited["editedAt"].is_string());
    app.emitted.take::<MessageEdited>().await;

    app.pass(TimeDelta::minutes(15));
    edit("Hullo", &ann).await.refused(409, "message_edit_window_over");
    app.client.delete(&path).as_(&bob).send().await.refused(403, "forbidden");
    app.client.delete(&path).as_(&ann).send().await.expect(200);
    app.emitted.take::<MessageDeleted>().await;
    app.client.delete(&path).as_(&ann).send().await.expect(200);
    edit("Hullo", &ann).await.refused(409, "message_deleted");

    let talk = app.text(&format!("SELECT conversation_id FROM messages WHERE id = {message}")).await;
    let seen = app.get(&format!("/api/conversations/{talk}"), &bob).await.ok()["messages"][0].clone();
    assert_eq!((seen["content"].as_str(), seen["deletedAt"].is_string()), (Some(""), true), "{seen}");
    assert_eq!(app.text("SELECT encrypted_content FROM messages").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_stay_in_their_conversation_and_files_come_from_here() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let eve = app.investor().await;
    let first = app.sent(&ann, &bob, "Hi").await;
    let elsewhere = app.sent(&eve, &ann, "Hi").await;
    let path = format!("/api/conversations/{}/messages", conversation(&first));
    let answer =
        app.post(&path, &bob, json!({ "content": "Yes", "parentId": first["id"] })).await.expect(201);
    assert_eq!(answer["messageData"]["parentId"], first["id"]);
    app.post(&path, &ann, json!({ "content": "No", "parentId": elsewhere["id"] }))
        .await
        .invalid(&["parentId"]);
    app.post(&path, &ann, json!({ "content": "No", "parentId": 999_999 })).await.invalid(&["parentId"]);

    let file = json!({ "url": "/api/media/12", "name": "Secret plan.pdf", "mediaType": "application/pdf", "size": 9 });
    let body = json!({ "messageType": "file", "attachments": [file] });
    let sent = app.post(&path, &ann, body).await.expect(201)["messageData"].clone();
    assert_eq!(sent["attachments"], json!([file]));
    let seen = app.get(&format!("/api/conversations/{}", conversation(&first)), &bob).await.ok();
    assert_eq!(seen["messages"][0]["attachments"], json!([file]));
    assert!(
        !app.text("SELECT attachments FROM messages WHERE attachments IS NOT NULL").await.contains("Secret")
    );

    for (body, field) in [
        (json!({}), "content"),
        (json!({ "content": "   " }), "content"),
        (json!({ "content": "x".repeat(5_001) }), "content"),
        (json!({ "content": "x", "messageType": "system" }), "messageType"),
        (json!({ "content": "x", "messageType": "shout" }), "messageType"),
        (json!({ "messageType": "file" }), "attachments"),
        (
            json!({ "messageType": "file", "attachments": [{ "url": "https://evil.example/x" }] }),
            "attachments",
        ),
        (json!({ "content": "x", "messageType": "pitch_share" }), "pitchId"),
    ] {
        app.post(&path, &ann, body).await.invalid(&[field]);
    }
    app.post("/api/messages/send", &ann, json!({ "receiverId": ann.id, "content": "x" }))
        .await
        .invalid(&["receiverId"]);
    app.post("/api/messages/send", &ann, json!({ "receiverId": 999_999, "content": "x" })).await.expect(404);

    let pitch = app.db.pitch(bob.id).await;
    let share = json!({ "content": "Look", "messageType": "pitch_share", "pitchId": pitch });
    app.post(&path, &ann, share.clone()).await.refused(404, "not_found");
    app.others.known().pitches.insert(pitch.0, bob.id.0);
    assert_eq!(app.post(&path, &ann, share).await.expect(201)["messageData"]["pitchId"], json!(pitch));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_writes_one_message() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let body = json!({ "receiverId": bob.id, "content": "Once" });
    let mut ids = Vec::new();
    for _ in 0..3 {
        let sent =
            app.client.post("/api/messages/send").as_(&ann).header("idempotency-key", "k1").json(&body);
        ids.push(id(&sent.send().await.expect(201)["messageData"]));
    }
    assert_eq!((ids[0], ids[1]), (ids[1], ids[2]));
    assert_eq!(app.number("SELECT count(*) FROM messages").await, 1);
}
