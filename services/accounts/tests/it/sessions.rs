use pitchey_events::SessionsRevoked;
use pitchey_testkit::Answer;
use serde_json::Value;

use crate::app::{App, Member};

async fn list(app: &App, member: &Member) -> Answer {
    app.client.get("/api/user/sessions").as_(&member.actor).send().await.expect(200)
}

async fn revoke(app: &App, member: &Member, id: &str) -> Answer {
    app.client.delete(&format!("/api/user/sessions/{id}")).as_(&member.actor).send().await
}

fn ids(list: &Answer) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_ones_own_live_sessions() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let bob = app.creator("bob").await;
    let second = app.log_in(&ada.email).await;

    let answer = list(&app, &ada).await;
    assert_eq!(ids(&answer), [second.actor.session_id.to_string(), ada.actor.session_id.to_string()]);
    let current: Vec<_> =
        answer["data"].as_array().unwrap().iter().map(|session| &session["current"]).collect();
    assert_eq!(current, [&Value::Bool(false), &Value::Bool(true)]);
    assert_eq!(answer["data"][0]["ipAddress"], "127.0.0.1");
    assert_eq!(answer["meta"]["total"], 2);
    assert_eq!(ids(&list(&app, &bob).await), [bob.actor.session_id.to_string()]);

    let page = app.client.get("/api/user/sessions?limit=1&page=2").as_(&ada.actor).send().await.expect(200);
    assert_eq!(ids(&page), [ada.actor.session_id.to_string()]);
    app.client.get("/api/user/sessions").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_is_refused_from_the_commit_on() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let phone = app.log_in(&ada.email).await;
    let id = phone.actor.session_id.to_string();
    revoke(&app, &ada, &id).await.expect(200);
    assert_eq!(app.session(&phone.token).await, None);
    assert!(app.session(&ada.token).await.is_some());
    assert_eq!(ids(&list(&app, &ada).await), [ada.actor.session_id.to_string()]);
    let event: SessionsRevoked = app.emitted.take().await;
    assert_eq!(event.session_ids, [phone.actor.session_id]);
    assert_eq!(app.audited().await.last(), Some(&("session.revoked".to_owned(), Some(id.clone()))));
    assert_eq!(app.count("sessions WHERE ended_at IS NOT NULL AND ip_address IS NOT NULL").await, 0);

    revoke(&app, &ada, &id).await.expect(200);
    assert_eq!(app.emitted.types().await, Vec::<String>::new(), "a repetition ends nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_what_is_not_theirs() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let bob = app.creator("bob").await;
    revoke(&app, &bob, &ada.actor.session_id.to_string()).await.refused(404, "not_found");
    revoke(&app, &bob, "17").await.refused(404, "not_found");
    assert!(app.session(&ada.token).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_this_session_only() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let phone = app.log_in(&ada.email).await;
    let log_out = async || app.client.post("/api/auth/logout").as_(&ada.actor).send().await.expect(200);
    log_out().await;
    assert_eq!(app.session(&ada.token).await, None);
    assert!(app.session(&phone.token).await.is_some());
    let event: SessionsRevoked = app.emitted.take().await;
    assert_eq!(event.session_ids, [ada.actor.session_id]);
    assert_eq!(
        app.audited().await.last(),
        Some(&("logout".to_owned(), Some(ada.actor.session_id.to_string())))
    );
    log_out().await;
    assert_eq!(app.emitted.types().await, Vec::<String>::new());
    app.client.get("/api/auth/session").as_(&ada.actor).send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_tells_who_is_logged_in() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let answer = app.client.get("/api/auth/session").as_(&ada.actor).send().await.expect(200);
    assert_eq!(answer["user"]["email"], "ada@example.test");
    assert_eq!(answer["session"]["id"], ada.actor.session_id.to_string());
    assert_eq!(answer["session"]["current"], true);
    app.client.get("/api/auth/session").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_forgotten_after_its_time() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    app.try_log_in(&ada.email, "wrong").await.refused(401, "wrong_credentials");
    app.pass("8 days").await;
    app.tidy().await;
    assert_eq!(app.count("sessions WHERE ip_address IS NOT NULL").await, 0);
    assert_eq!(app.count("login_attempts").await, 0);
    assert_eq!((app.count("sessions").await, app.count("mail_tokens").await), (1, 1));
    app.pass("31 days").await;
    app.tidy().await;
    assert_eq!((app.count("sessions").await, app.count("mail_tokens").await), (0, 0));
}
