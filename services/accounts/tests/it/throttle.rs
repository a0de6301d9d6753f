use pitchey_events::SessionStarted;
use serde_json::json;

use crate::app::{App, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_try_after_five_failures_waits() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    for _ in 0..5 {
        app.try_log_in("ADA@example.test", "wrong").await.refused(401, "wrong_credentials");
    }
    let refused = app.try_log_in(&ada.email, PASSWORD).await.refused(429, "too_many_login_attempts");
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((890..=901).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    let reset: i64 = refused.header("x-ratelimit-reset").unwrap().parse().unwrap();
    let now: i64 = app.text("SELECT extract(epoch FROM now())::bigint").await.unwrap().parse().unwrap();
    assert!((reset - now - i64::from(seconds)).abs() < 5, "Unix time, like the gateway's");

    // From elsewhere, or for somebody else, it goes on; and here after a quarter of an hour.
    let body = json!({ "email": ada.email, "password": PASSWORD });
    app.client.post("/api/auth/login").from_ip([10, 0, 0, 1]).json(&body).send().await.expect(200);
    app.try_log_in("bob@example.test", "wrong").await.refused(401, "wrong_credentials");
    app.pass("15 minutes 1 second").await;
    app.try_log_in(&ada.email, PASSWORD).await.expect(200);
    app.emitted.ignore::<SessionStarted>();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_does_not_exist_is_throttled_alike() {
    let app = App::start().await;
    for _ in 0..5 {
        app.try_log_in("nobody@example.test", "wrong").await.refused(401, "wrong_credentials");
    }
    app.try_log_in("nobody@example.test", "wrong").await.refused(429, "too_many_login_attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_guesses_at_once_are_five_guesses() {
    let app = App::start().await;
    app.register("creator", "ada").await;
    let guesses = (0..20).map(|_| app.try_log_in("ada@example.test", "wrong"));
    let answers = futures_util::future::join_all(guesses).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(429)), (5, 15));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_the_limit() {
    let app = App::start().await;
    app.register("creator", "ada").await;
    let other = app.replica().await;
    let body = json!({ "email": "ada@example.test", "password": "wrong" });
    let guesses = (0..20).map(|i| {
        let client = if i % 2 == 0 { &app.client } else { &other };
        client.post("/api/auth/login").json(&body).send()
    });
    let answers = futures_util::future::join_all(guesses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_makes_former_failures_forgotten() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    for _ in 0..2 {
        for _ in 0..4 {
            app.try_log_in(&ada.email, "wrong").await.refused(401, "wrong_credentials");
        }
        app.log_in(&ada.email).await;
    }
    assert_eq!(app.count("login_attempts").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_is_no_way_to_guess_the_password() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let guess = async || {
        let body = json!({ "currentPassword": "wrong", "newPassword": "another long phrase" });
        app.client.post("/api/auth/change-password").as_(&ada.actor).json(&body).send().await
    };
    for _ in 0..5 {
        let refused = guess().await.refused(400, "wrong_password");
        assert_eq!(refused["validation_errors"][0]["field"], "currentPassword");
    }
    guess().await.refused(429, "too_many_login_attempts");
}
