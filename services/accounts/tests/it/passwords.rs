use pitchey_events::{MailRequestId, PasswordChanged, PasswordResetRequested, SessionsRevoked};
use pitchey_testkit::Answer;
use serde_json::json;

use crate::app::{App, Member, PASSWORD};

const NEW: &str = "another long phrase";

async fn change(app: &App, member: &Member, current: &str, new: &str) -> Answer {
    let body = json!({ "currentPassword": current, "newPassword": new });
    app.client.post("/api/auth/change-password").as_(&member.actor).json(&body).send().await
}

async fn forgot(app: &App, email: &str) -> Answer {
    app.post("/api/auth/forgot-password", &json!({ "email": email })).await
}

async fn reset(app: &App, token: &str, new: &str) -> Answer {
    app.post("/api/auth/reset-password", &json!({ "token": token, "newPassword": new })).await
}

async fn promised(app: &App, email: &str) -> MailRequestId {
    forgot(app, email).await.expect(200);
    app.emitted.take::<PasswordResetRequested>().await.mail_request_id
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_password_ends_the_other_sessions() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let phone = app.log_in(&ada.email).await;
    change(&app, &ada, PASSWORD, NEW).await.expect(200);
    assert!(app.session(&ada.token).await.is_some());
    assert_eq!(app.session(&phone.token).await, None);
    assert_eq!(app.emitted.take::<SessionsRevoked>().await.session_ids, [phone.actor.session_id]);
    assert_eq!(app.emitted.take::<PasswordChanged>().await.user_id, ada.actor.id);
    assert_eq!(app.actions().await[3..], ["session.revoked", "password.changed"]);
    app.try_log_in(&ada.email, PASSWORD).await.refused(401, "wrong_credentials");
    app.try_log_in(&ada.email, NEW).await.expect(200);
    app.emitted.take::<pitchey_events::SessionStarted>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_current_password_or_a_weak_new_one_changes_nothing() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    change(&app, &ada, "wrong", NEW).await.refused(400, "wrong_password");
    let weak = change(&app, &ada, PASSWORD, "password12").await.refused(400, "validation_failed");
    assert_eq!(weak["validation_errors"][0]["field"], "newPassword");
    app.log_in(&ada.email).await;
    let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    app.post("/api/auth/change-password", &body).await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_one_wins() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let (one, other) =
        tokio::join!(change(&app, &ada, PASSWORD, NEW), change(&app, &ada, PASSWORD, "a third long phrase"));
    assert_eq!([one.status.min(other.status), one.status.max(other.status)], [200, 400]);
    app.emitted.take::<PasswordChanged>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_user_may_change_the_password() {
    let app = App::start().await;
    let mut ada = app.creator("ada").await;
    app.db.execute("UPDATE users SET suspended_at = now()").await;
    ada.actor.suspended = true;
    change(&app, &ada, PASSWORD, NEW).await.expect(200);
    app.emitted.take::<PasswordChanged>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_reset_answers_everybody_alike() {
    let app = App::start_with(|settings| settings.quiet_ms = 500).await;
    let ada = app.register("creator", "ada").await;
    let begun = std::time::Instant::now();
    let (known, unknown) = tokio::join!(forgot(&app, "ADA@example.test"), forgot(&app, "bob@example.test"));
    assert!(begun.elapsed().as_millis() >= 500);
    assert_eq!(known.expect(200).json, unknown.expect(200).json);
    assert_eq!(app.emitted.take::<PasswordResetRequested>().await.user_id, ada.id);
    forgot(&app, &ada.email).await.expect(200);
    assert_eq!(app.emitted.types().await, Vec::<String>::new(), "a mail was promised a moment ago");
    app.db.execute("UPDATE users SET banned_at = now(); DELETE FROM mail_tokens").await;
    forgot(&app, &ada.email).await.expect(200);
    assert_eq!(app.actions().await, ["user.registered", "password.reset_requested"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_sets_the_password_once_and_ends_all_sessions() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let mail = promised(&app, &ada.email).await;
    let token = app.notifications.mail_token(mail).await.unwrap().token;
    reset(&app, &token, "1234567890").await.refused(400, "validation_failed");
    reset(&app, &token, NEW).await.expect(200);
    assert_eq!(app.session(&ada.token).await, None);
    assert_eq!(app.emitted.take::<SessionsRevoked>().await.session_ids, [ada.actor.session_id]);
    assert_eq!(app.emitted.take::<PasswordChanged>().await.user_id, ada.actor.id);
    reset(&app, &token, "a third long phrase").await.refused(400, "mail_token_invalid");
    assert!(matches!(app.notifications.mail_token(mail).await, Err(pitchey_rpc::Error::NotFound { .. })));
    app.try_log_in(&ada.email, NEW).await.expect(200);
    app.emitted.take::<pitchey_events::SessionStarted>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_token_works_for_an_hour_and_only_the_newest_three() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let token = async |mail| app.notifications.mail_token(mail).await.unwrap().token;
    let old = token(promised(&app, &ada.email).await).await;
    let mut new = String::new();
    for _ in 0..3 {
        app.pass("2 minutes").await;
        new = token(promised(&app, &ada.email).await).await;
    }
    reset(&app, &old, NEW).await.refused(400, "mail_token_invalid");
    app.pass("1 hour").await;
    reset(&app, &new, NEW).await.refused(400, "mail_token_invalid");
    reset(&app, "nonsense", NEW).await.refused(400, "mail_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_twice_at_once_resets_once() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let token = app.notifications.mail_token(promised(&app, &ada.email).await).await.unwrap().token;
    let (one, other) = tokio::join!(reset(&app, &token, NEW), reset(&app, &token, "a third long phrase"));
    assert_eq!([one.status.min(other.status), one.status.max(other.status)], [200, 400]);
    app.emitted.take::<PasswordChanged>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_makes_a_mailed_reset_worthless() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let token = app.notifications.mail_token(promised(&app, &ada.email).await).await.unwrap().token;
    change(&app, &ada, PASSWORD, NEW).await.expect(200);
    app.emitted.take::<PasswordChanged>().await;
    reset(&app, &token, "a third long phrase").await.refused(400, "mail_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_with_its_key_gets_the_first_answer() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    let change =
        || app.client.post("/api/auth/change-password").as_(&ada.actor).header("idempotency-key", "k1");
    change().json(&body).send().await.expect(200);
    app.emitted.take::<PasswordChanged>().await;
    assert_eq!(change().json(&body).send().await.expect(200).header("idempotency-replayed"), Some("true"));

    let token = app.notifications.mail_token(promised(&app, &ada.email).await).await.unwrap().token;
    let body = json!({ "token": token, "newPassword": "a third long phrase" });
    let reset = || app.client.post("/api/auth/reset-password").header("idempotency-key", "k2");
    reset().json(&body).send().await.expect(200);
    app.emitted.take::<SessionsRevoked>().await;
    app.emitted.take::<PasswordChanged>().await;
    assert_eq!(reset().json(&body).send().await.expect(200).header("idempotency-replayed"), Some("true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_can_neither_flood_somebody_with_mails_nor_spoil_their_own() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let own = promised(&app, &ada.email).await;
    let token = app.notifications.mail_token(own).await.unwrap().token;
    for _ in 0..40 {
        app.pass("61 seconds").await;
        forgot(&app, &ada.email).await.expect(200);
    }
    let promised = app.emitted.take_all().await.len();
    assert!((2..=4).contains(&promised), "{promised} mails in forty minutes");
    // An hour is over for the own token by the clock alone; two that came after it do not spoil it.
    app.db.execute("DELETE FROM mail_tokens WHERE purpose = 'password_reset'").await;
    let own = self::promised(&app, &ada.email).await;
    let again = app.notifications.mail_token(own).await.unwrap().token;
    assert_ne!(again, token);
    for _ in 0..2 {
        app.pass("61 seconds").await;
        self::promised(&app, &ada.email).await;
    }
    reset(&app, &again, NEW).await.expect(200);
    app.emitted.take_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_place_can_not_have_mails_sent_to_everybody() {
    let app = App::start().await;
    app.db
        .execute(
            "INSERT INTO users (email, username, password_hash)
             SELECT 'p' || n || '@example.test', 'p' || n, '' FROM generate_series(1, 30) AS n",
        )
        .await;
    for n in 1..=30 {
        forgot(&app, &format!("p{n}@example.test")).await.expect(200);
    }
    assert_eq!(app.emitted.take_all().await.len(), 20, "and nobody is told");
    let body = json!({ "email": "p30@example.test" });
    app.client.post("/api/auth/forgot-password").from_ip([10, 0, 0, 9]).json(&body).send().await.expect(200);
    assert_eq!(app.emitted.take_all().await.len(), 1, "from elsewhere it goes on");
}
