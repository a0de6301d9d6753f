use pitchey_events::{
    DeletionCancelled, DeletionRequested, SessionStarted, SessionsRevoked, UserBlocked, UserChanged,
    UserDeleted,
};
use pitchey_testkit::Answer;
use serde_json::json;

use crate::app::{App, Member, PASSWORD};

async fn close(app: &App, member: &Member, password: &str) -> Answer {
    let body = json!({ "password": password });
    app.client.delete("/api/user/account").as_(&member.actor).json(&body).send().await
}

/// Closes it, and accounts for the events.
async fn closed(app: &App, member: &Member) -> DeletionRequested {
    close(app, member, PASSWORD).await.expect(200);
    app.emitted.take::<SessionsRevoked>().await;
    assert!(!app.emitted.take::<UserChanged>().await.is_active);
    app.emitted.take().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_has_no_session_and_is_not_there_for_others() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    close(&app, &ada, "wrong").await.refused(400, "wrong_password");
    assert!(app.session(&ada.token).await.is_some());
    let asked = closed(&app, &ada).await;
    let days = (asked.deleted_from - pitchey_clock::Clock::system().now()).num_hours();
    assert!((335..=336).contains(&days), "{days} hours");
    assert_eq!(app.session(&ada.token).await, None);
    app.client.get(&format!("/api/users/{}", ada.actor.id)).send().await.refused(404, "not_found");
    let recipient = &app.notifications.recipients(&[ada.actor.id]).await.unwrap()[0];
    assert!(!recipient.active && recipient.closing, "gets only mail about that");
    close(&app, &ada, PASSWORD).await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_in_within_the_grace_keeps_the_account() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    closed(&app, &ada).await;
    app.pass("13 days 23 hours").await;
    let back = app.log_in(&ada.email).await;
    assert_eq!(app.emitted.take::<DeletionCancelled>().await.user_id, ada.actor.id);
    assert!(app.emitted.take::<UserChanged>().await.is_active);
    let requests = app.client.get("/api/gdpr/requests").as_(&back.actor).send().await.expect(200);
    let request = &requests["data"][0];
    assert_eq!((&request["type"], &request["status"]), (&json!("deletion"), &json!("cancelled")));
    let actions = app.actions().await;
    assert!(
        actions.contains(&"user.deletion_requested".into())
            && actions.contains(&"user.deletion_cancelled".into())
    );
    // And it can be asked for again, through the other door.
    let ask = async |body| app.client.post("/api/gdpr/requests").as_(&back.actor).json(&body).send().await;
    ask(json!({ "type": "deletion" })).await.invalid(&["password"]);
    ask(json!({ "type": "deletion", "password": "wrong" })).await.refused(400, "wrong_password");
    ask(json!({ "type": "deletion", "password": PASSWORD })).await.expect(200);
    app.emitted.ignore::<SessionsRevoked>();
    app.emitted.ignore::<UserChanged>();
    app.emitted.ignore::<DeletionRequested>();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_a_pseudonym_is_left_and_the_evidence() {
    let app = App::start().await;
    app.emitted.ignore::<SessionStarted>();
    app.emitted.ignore::<UserBlocked>();
    let (ada, bob) = (app.creator("ada").await, app.creator("bob").await);
    let profile =
        json!({ "firstName": "Ada", "phone": "+49 30 1", "companyAddress": "Street 5", "bio": "Lives" });
    app.client.put("/api/user/profile").as_(&ada.actor).json(&profile).send().await.expect(200);
    app.emitted.take::<UserChanged>().await;
    app.client
        .put("/api/user/preferences")
        .as_(&ada.actor)
        .json(&json!({ "theme": "dark" }))
        .send()
        .await
        .expect(200);
    app.client.post(&format!("/api/users/{}/block", bob.actor.id)).as_(&ada.actor).send().await.expect(201);
    closed(&app, &ada).await;

    app.pass("13 days 23 hours").await;
    app.tidy().await;
    assert_eq!(app.count("users WHERE anonymised_at IS NOT NULL").await, 0, "not before its time");
    app.pass("1 hour 1 second").await;
    app.try_log_in(&ada.email, PASSWORD).await.refused(403, "account_closed");
    app.tidy().await;
    assert_eq!(app.count("users WHERE anonymised_at IS NOT NULL").await, 1);
    assert_eq!(app.emitted.take::<UserDeleted>().await.user_id, ada.actor.id);
    assert!(!app.emitted.take::<UserChanged>().await.is_active);

    let row = app.text(&format!("SELECT u FROM users AS u WHERE id = {}", ada.actor.id)).await.unwrap();
    for personal in ["ada@", "Ada", "Lives", "s1.", "argon2"] {
        assert!(!row.contains(personal), "{personal} in {row}");
    }
    for table in ["sessions", "mail_tokens", "user_preferences"] {
        assert_eq!(app.count(&format!("{table} WHERE user_id = {}", ada.actor.id)).await, 0, "{table}");
    }
    assert_eq!(app.count("user_blocks").await, 0);
    let consents = format!("user_consents WHERE user_id = {}", ada.actor.id);
    assert_eq!(app.count(&consents).await, 2, "that they were given is evidence");
    assert_eq!(app.count(&format!("{consents} AND ip_address IS NOT NULL")).await, 0);
    assert!(app.count(&format!("audit_log WHERE user_id = {}", ada.actor.id)).await > 0);
    assert_eq!(app.count("data_requests WHERE kind = 'deletion' AND status = 'completed'").await, 1);

    // The names are free again, the pseudonym can't be taken.
    app.register("creator", "ada").await;
    let squat = json!({ "email": "deleted:1@invalid", "username": "deleted:1", "password": PASSWORD });
    app.post("/api/auth/register", &squat).await.invalid(&["email", "username"]);
}
