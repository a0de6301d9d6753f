use pitchey_events::{SessionStarted, SessionsRevoked, UserType};
use serde_json::json;

use crate::app::{App, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_answers_with_tokens_that_work_and_the_own_profile() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let answer = app.try_log_in("ADA@example.test", PASSWORD).await.expect(200);
    assert_eq!(answer["expires_in"], 7200);
    assert_eq!(answer["user"]["email"], "ada@example.test");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.json.get("message").is_none());
    let token = answer["token"].as_str().unwrap();
    assert!(
        token.starts_with("pitchey_at_")
            && answer["refreshToken"].as_str().unwrap().starts_with("pitchey_rt_")
    );

    let actor = app.session(token).await.unwrap().actor;
    assert_eq!((actor.id, actor.user_type), (ada.id, UserType::Creator));
    assert!(!actor.admin && !actor.suspended && !actor.email_verified);
    let event: SessionStarted = app.emitted.take().await;
    assert_eq!((event.user_id, event.session_id, event.device_known), (ada.id, actor.session_id, true));
    let audited = app.audited().await;
    assert_eq!(audited.last(), Some(&("login.succeeded".to_owned(), Some(actor.session_id.to_string()))));
    assert_eq!(app.count("sessions WHERE token LIKE '%pitchey%' OR refresh_token LIKE '%pitchey%'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_door_lets_in_its_own_type_only() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let body = json!({ "email": ada.email, "password": PASSWORD });
    for door in ["investor", "production"] {
        let refused =
            app.post(&format!("/api/auth/{door}/login"), &body).await.refused(403, "wrong_login_door");
        assert_eq!(refused["details"]["userType"], "creator");
    }
    app.post("/api/auth/creator/login", &body).await.expect(200);
    app.emitted.take::<SessionStarted>().await;
    let wrong = json!({ "email": ada.email, "password": "wrong" });
    app.post("/api/auth/investor/login", &wrong).await.refused(401, "wrong_credentials");
    assert_eq!(app.count("login_attempts").await, 1, "a right password at the wrong door is no failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_and_a_wrong_password_look_alike() {
    let app = App::start().await;
    app.register("creator", "ada").await;
    let wrong = app.try_log_in("ada@example.test", "wrong").await.refused(401, "wrong_credentials");
    let unknown = app.try_log_in("bob@example.test", "wrong").await.refused(401, "wrong_credentials");
    for field in ["error", "message", "code", "status", "details", "validation_errors"] {
        assert_eq!(wrong[field], unknown[field]);
    }
    let names = |answer: &pitchey_testkit::Answer| answer.headers.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&wrong), names(&unknown));
    assert_eq!(app.actions().await, ["user.registered", "login.failed", "login.failed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_costs_a_verification_too() {
    // With nobody there to hash, whoever needs a hash is told to come again.
    let app = App::start_with(|settings| {
        settings.hashing.at_once = 0;
        settings.hashing.wait_ms = 10;
    })
    .await;
    app.db
        .execute("INSERT INTO users (email, username, password_hash) VALUES ('ada@example.test', 'ada', '')")
        .await;
    for email in ["ada@example.test", "bob@example.test"] {
        let busy = app.try_log_in(email, "wrong").await.refused(503, "too_busy");
        assert_eq!(busy.header("retry-after"), Some("1"));
    }
    assert_eq!(app.count("login_attempts").await, 0, "nobody looked at the password");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_take_their_time() {
    let app = App::start_with(|settings| settings.quiet_ms = 700).await;
    let begun = std::time::Instant::now();
    app.try_log_in("bob@example.test", "wrong").await.refused(401, "wrong_credentials");
    assert!(begun.elapsed().as_millis() >= 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bcrypt_hash_verifies_once_and_is_replaced() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let old = bcrypt::hash("Demo123", 4).unwrap();
    app.db.execute(&format!("UPDATE users SET password_hash = '{old}'")).await;
    app.try_log_in(&ada.email, "Demo124").await.refused(401, "wrong_credentials");
    let hash = async || app.text("SELECT password_hash FROM users").await.unwrap();
    assert_eq!(hash().await, old);
    app.try_log_in(&ada.email, "Demo123").await.expect(200);
    let replaced = hash().await;
    assert!(replaced.starts_with("$argon2id$"), "{replaced}");
    app.try_log_in(&ada.email, "Demo123").await.expect(200);
    assert_eq!(hash().await, replaced);
    app.emitted.ignore::<SessionStarted>();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_hash_nobody_logs_in() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    for hash in ["", "!", "secret", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ"] {
        app.db
            .execute(&format!("UPDATE users SET password_hash = '{hash}'; DELETE FROM login_attempts"))
            .await;
        for password in ["", hash] {
            app.try_log_in(&ada.email, password).await.refused(401, "wrong_credentials");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_banned_or_gone_has_no_session_and_who_is_suspended_has() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    for (column, at) in [("banned_at", "now()"), ("deleted_at", "now() - interval '15 days'")] {
        app.db.execute(&format!("UPDATE users SET {column} = {at}")).await;
        app.try_log_in(&ada.email, PASSWORD).await.refused(403, "account_closed");
        assert_eq!(app.session(&ada.token).await, None, "{column}");
        app.refresh(&ada.refresh).await.refused(401, "refresh_token_invalid");
        app.db.execute(&format!("UPDATE users SET {column} = NULL")).await;
    }
    app.db.execute("UPDATE users SET suspended_at = now()").await;
    assert!(app.session(&ada.token).await.unwrap().actor.suspended);
    assert!(app.log_in(&ada.email).await.actor.suspended);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_session_drops_the_oldest() {
    let app = App::start().await;
    let first = app.creator("ada").await;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(app.log_in(&first.email).await);
    }
    assert!(app.session(&first.token).await.is_some());
    let sixth = app.log_in(&first.email).await;
    assert_eq!(app.session(&first.token).await, None);
    for member in others.iter().chain([&sixth]) {
        assert!(app.session(&member.token).await.is_some());
    }
    let event: SessionsRevoked = app.emitted.take().await;
    assert_eq!(event.session_ids, [first.actor.session_id]);
    app.refresh(&first.refresh).await.refused(401, "refresh_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_at_once_leave_five_sessions() {
    let app = App::start().await;
    app.register("creator", "ada").await;
    let logins = (0..9).map(|_| app.try_log_in("ada@example.test", PASSWORD));
    for answer in futures_util::future::join_all(logins).await {
        answer.expect(200);
    }
    assert_eq!(app.count("sessions WHERE ended_at IS NULL").await, 5);
    app.emitted.ignore::<SessionStarted>();
    app.emitted.ignore::<SessionsRevoked>();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_is_told_apart_from_one_seen_before() {
    let app = App::start().await;
    app.register("creator", "ada").await;
    let body = json!({ "email": "ada@example.test", "password": PASSWORD });
    for (device, known) in [("phone", true), ("laptop", false), ("phone", true)] {
        app.client.post("/api/auth/login").header("user-agent", device).json(&body).send().await.expect(200);
        assert_eq!(app.emitted.take::<SessionStarted>().await.device_known, known, "{device}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_input_is_refused_and_never_breaks() {
    let app = App::start().await;
    app.try_log_in("a\u{0}b@example.test", PASSWORD).await.refused(400, "validation_failed");
    app.try_log_in("ada@example.test", "nul\u{0}inside").await.refused(400, "validation_failed");
    app.try_log_in(&"a".repeat(256), "x").await.refused(400, "validation_failed");
    app.try_log_in("ada@example.test", &"x".repeat(1_001)).await.refused(400, "validation_failed");
    app.client.post("/api/auth/login").send().await.refused(400, "validation_failed");
    app.client
        .post("/api/auth/login")
        .body("application/json", "{")
        .send()
        .await
        .refused(400, "malformed_json");
}
