use pitchey_clock::Clock;
use pitchey_events::SessionStarted;
use pitchey_testkit::Answer;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::app::{App, Member, PASSWORD};

const PATH: &str = "/api/user/totp";

/// A code of the app that holds `secret`, so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    let seconds = Clock::system().now().timestamp() + 30 * steps;
    totp.generate(seconds.try_into().unwrap()).to_string()
}

async fn log_in(app: &App, email: &str, code: Option<&str>) -> Answer {
    app.post("/api/auth/login", &json!({ "email": email, "password": PASSWORD, "code": code })).await
}

/// (secret, recovery codes) of a second factor that `member` has now.
async fn set_up(app: &App, member: &Member) -> (String, Vec<String>) {
    let body = json!({ "password": PASSWORD });
    let enrolled = app.client.post(PATH).as_(&member.actor).json(&body).send().await.expect(200);
    let secret = enrolled["secret"].as_str().unwrap().to_owned();
    assert!(enrolled["otpauthUrl"].as_str().unwrap().contains(&secret));
    let body = json!({ "code": code(&secret, -1) });
    let confirmed =
        app.client.post("/api/user/totp/confirm").as_(&member.actor).json(&body).send().await.expect(200);
    let codes = confirmed["recoveryCodes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn standing(app: &App, member: &Member) -> Value {
    app.client.get(PATH).as_(&member.actor).send().await.expect(200).json
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_none_logs_in_as_ever_and_who_has_one_needs_a_code_that_works_once() {
    let app = App::start().await;
    app.emitted.ignore::<SessionStarted>();
    let ada = app.creator("ada").await;
    log_in(&app, &ada.email, Some("123456")).await.expect(200);
    assert_eq!(standing(&app, &ada).await["enabled"], false);
    let (secret, recovery) = set_up(&app, &ada).await;
    let now = standing(&app, &ada).await;
    assert_eq!((&now["enabled"], &now["recoveryCodesLeft"]), (&json!(true), &json!(10)));
    let stored = app.text("SELECT secret FROM user_totp").await.unwrap();
    assert!(stored.starts_with("s1.") && !stored.contains(&secret));

    log_in(&app, &ada.email, None).await.refused(401, "second_factor_required");
    log_in(&app, &ada.email, Some(" ")).await.refused(401, "second_factor_required");
    log_in(&app, &ada.email, Some("000000")).await.refused(401, "second_factor_wrong");
    let right = code(&secret, 0);
    log_in(&app, &ada.email, Some(&right)).await.expect(200);
    log_in(&app, &ada.email, Some(&right)).await.refused(401, "second_factor_wrong");

    log_in(&app, &ada.email, Some(&recovery[0])).await.expect(200);
    log_in(&app, &ada.email, Some(&recovery[0])).await.refused(401, "second_factor_wrong");
    assert_eq!(standing(&app, &ada).await["recoveryCodesLeft"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_guessing_passwords_and_no_door_makes_it_begin_anew() {
    let app = App::start().await;
    app.emitted.ignore::<SessionStarted>();
    let ada = app.creator("ada").await;
    let (secret, _) = set_up(&app, &ada).await;
    for _ in 0..5 {
        log_in(&app, &ada.email, Some("000000")).await.refused(401, "second_factor_wrong");
        log_in(&app, &ada.email, None).await;
        let door = json!({ "email": ada.email, "password": PASSWORD });
        app.post("/api/auth/investor/login", &door).await;
    }
    log_in(&app, &ada.email, Some(&code(&secret, 0))).await.refused(429, "too_many_login_attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_one_only_where_a_second_factor_was_proved() {
    let app = App::start().await;
    app.emitted.ignore::<SessionStarted>();
    let ada = app.creator("ada").await;
    app.db.execute("UPDATE users SET is_admin = true").await;
    let admin = async |token: &str| app.session(token).await.unwrap().actor.admin;
    let password_only = app.log_in(&ada.email).await;
    assert!(!admin(&password_only.token).await);
    app.client.get("/api/admin/users").as_(&password_only.actor).send().await.refused(403, "forbidden");

    let (secret, _) = set_up(&app, &password_only).await;
    assert!(admin(&password_only.token).await, "the session that set it up has proved it");
    assert!(!admin(&ada.token).await, "an older one has not");
    let answer = log_in(&app, &ada.email, Some(&code(&secret, 0))).await.expect(200);
    let proved = app.member(&ada.email, &answer.json).await;
    assert!(proved.actor.admin);
    app.client.get("/api/admin/users").as_(&proved.actor).send().await.expect(200);
    let refreshed = app.refresh(&proved.refresh).await.expect(200);
    assert!(admin(refreshed["token"].as_str().unwrap()).await, "a refresh keeps it");

    let body = json!({ "password": PASSWORD, "code": code(&secret, 1) });
    app.client.delete(PATH).as_(&proved.actor).json(&body).send().await.expect(200);
    assert!(!admin(refreshed["token"].as_str().unwrap()).await, "without the factor nothing is proved");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_and_removing_take_the_password_and_a_code() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let post = async |path: &str, body: Value| app.client.post(path).as_(&ada.actor).json(&body).send().await;
    let remove = async |body: Value| app.client.delete(PATH).as_(&ada.actor).json(&body).send().await;
    let wrong = json!({ "password": "wrong" });
    let refused = post(PATH, wrong).await.refused(400, "wrong_password");
    assert_eq!(refused["validation_errors"][0]["field"], "password");
    let confirm = "/api/user/totp/confirm";
    post(confirm, json!({ "code": "1" })).await.refused(409, "second_factor_not_set");
    let right = json!({ "password": PASSWORD });
    post(PATH, right.clone()).await.expect(200);
    post(confirm, json!({ "code": "000000" })).await.refused(400, "code_wrong");
    let (secret, _) = set_up(&app, &ada).await;
    post(PATH, right.clone()).await.refused(409, "second_factor_set");
    post(confirm, json!({ "code": code(&secret, 0) })).await.refused(409, "second_factor_set");
    remove(right).await.refused(400, "code_wrong");
    let body = json!({ "password": PASSWORD, "code": code(&secret, 0) });
    remove(body.clone()).await.expect(200);
    remove(body).await.refused(409, "second_factor_not_set");
    let actions = app.actions().await;
    for action in ["second_factor.enrolled", "second_factor.confirmed", "second_factor.removed"] {
        assert!(actions.iter().any(|done| done == action), "{action} in {actions:?}");
    }
}
