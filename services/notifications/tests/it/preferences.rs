use pitchey_events::*;
use pitchey_identity::Actor;
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;

use crate::app::{World, parties};

const PATH: &str = "/api/email/preferences";

#[tokio::test(flavor = "multi_thread")]
async fn who_never_chose_has_the_defaults() {
    let world = World::new().await;
    let user = world.db.creator().await;
    let app = world.start().await;
    let preferences = app.client.get(PATH).as_(&user).send().await.ok();
    assert_eq!(
        preferences,
        json!({
            "userId": user.id, "ndaRequests": "instant", "messages": "instant", "pitchViews": "daily",
            "weeklyDigest": true, "marketing": "weekly", "updatedAt": null,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_of_the_service_are_those_of_the_table() {
    let world = World::new().await;
    let (chose, never_chose) = (world.db.creator().await, world.db.creator().await);
    world.db.execute(&format!("INSERT INTO email_preferences (user_id) VALUES ({})", chose.id)).await;
    let app = world.start().await;
    let mut of_table = app.client.get(PATH).as_(&chose).send().await.ok();
    let mut of_service = app.client.get(PATH).as_(&never_chose).send().await.ok();
    for preferences in [&mut of_table, &mut of_service] {
        let object = preferences.as_object_mut().unwrap();
        object.remove("userId");
        object.remove("updatedAt");
    }
    assert_eq!(of_table, of_service);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_given_stays_as_it_is() {
    let world = World::new().await;
    let (user, other) = (world.db.creator().await, world.db.creator().await);
    let app = world.start().await;
    let put = |body| app.client.put(PATH).as_(&user).json(&body).send();
    let answer =
        put(json!({ "ndaRequests": "daily", "weeklyDigest": false, "userId": other.id, "x": 1 })).await.ok();
    assert_eq!(answer["preferences"]["ndaRequests"], "daily");
    assert!(answer["message"].is_string());
    let answer = put(json!({ "messages": "never" })).await.ok();
    let saved = app.client.get(PATH).as_(&user).send().await.ok();
    assert_eq!(answer["preferences"], saved);
    assert_eq!(
        (&saved["ndaRequests"], &saved["messages"], &saved["pitchViews"], &saved["weeklyDigest"]),
        (&json!("daily"), &json!("never"), &json!("daily"), &json!(false))
    );
    put(json!({})).await.expect(200);
    let others = app.client.get(PATH).as_(&other).send().await.ok();
    assert_eq!(others["ndaRequests"], "instant", "nobody changes another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_preference_is_refused() {
    let world = World::new().await;
    let user = world.db.creator().await;
    let suspended =
        world.db.insert(Actor { suspended: true, ..pitchey_testkit::actors::creator(UserId(0)) }).await;
    let app = world.start().await;
    for (field, value) in
        [("ndaRequests", json!("hourly")), ("weeklyDigest", json!("yes")), ("marketing", json!("Daily"))]
    {
        let answer = app.client.put(PATH).as_(&user).json(&json!({ field: value })).send().await;
        let answer = answer.refused(400, "validation_failed");
        assert_eq!(answer["validation_errors"][0]["field"], field, "{answer}");
    }
    app.client.put(PATH).as_(&user).body("application/json", "{").send().await.refused(400, "malformed_json");
    app.client
        .put(PATH)
        .as_(&user)
        .body("text/plain", "{}")
        .send()
        .await
        .refused(415, "unsupported_media_type");
    app.client.put(PATH).as_(&suspended).json(&json!({})).send().await.refused(403, "account_suspended");
    app.client.get(PATH).send().await.refused(401, "unauthenticated");
    app.client.put(PATH).json(&json!({})).send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_decide_what_is_sent_now_kept_for_a_digest_or_not_sent() {
    let world = World::new().await;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let mut owners = Vec::new();
    for _ in 0..4 {
        owners.push(world.person(UserType::Creator, "Alex").await);
    }
    let app = world.start().await;
    for (owner, frequency) in owners.iter().zip(["instant", "daily", "weekly", "never"]) {
        app.client.put(PATH).as_(owner).json(&json!({ "ndaRequests": frequency })).send().await.ok();
        let parties = parties(owner.id, requester, "The Lighthouse");
        app.emit(&NdaRequested { parties, with_message: false }).await;
        app.emit(&PasswordChanged { user_id: owner.id }).await;
    }
    wait_until("all fates", SOON, async || {
        let fates = "SELECT (SELECT count(*) FROM email_queue WHERE status <> 'pending')
                          + (SELECT count(*) FROM email_requests WHERE held IS NOT NULL)";
        app.world.number(fates).await == 8
    })
    .await;
    let world = app.drained().await;
    let fates = world
        .text(
            "SELECT string_agg(coalesce(status::text, 'held ' || held), ', ' ORDER BY users.id)
             FROM users
             LEFT JOIN email_queue AS q ON q.user_id = users.id AND q.template = 'nda-requested'
             LEFT JOIN email_requests AS r ON r.user_id = users.id AND r.template = 'nda-requested'",
        )
        .await;
    assert_eq!(fates, "sent, held daily, held weekly, unsubscribed");
    let transactional =
        "SELECT count(*) FROM email_queue WHERE template = 'password-changed' AND status = 'sent'";
    assert_eq!(world.number(transactional).await, 4, "those come whatever the preferences say");
    let in_app = "SELECT count(*) FROM notifications WHERE type = 'nda_requested'";
    assert_eq!(world.number(in_app).await, 4, "preferences are about mail");
    let unsent = world.queue().await.into_iter().find(|mail| mail.status == "unsubscribed").unwrap();
    assert_eq!(unsent.html_content, None, "what is never sent is not kept");
    assert_eq!(unsent.error.as_deref(), Some("preference ndaRequests is never"));
}
