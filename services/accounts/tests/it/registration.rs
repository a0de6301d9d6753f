use pitchey_events::{
    EmailVerificationRequested, EmailVerified, Tier, UserChanged, UserId, UserRegistered, UserType,
};
use serde_json::json;

use crate::app::{App, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_a_user_without_a_session_and_the_promise_of_a_mail() {
    let app = App::start().await;
    let body = json!({
        "email": "Ada@Example.test", "username": "ada", "password": PASSWORD, "userType": "production",
        "firstName": "Ada", "lastName": "L", "companyName": "Films",
        "subscriptionTier": "pro", "emailVerified": true, "companyVerified": true, "isAdmin": true, "is_admin": true,
    });
    let answer = app.post("/api/auth/register", &body).await.expect(201);
    let user = &answer["user"];
    assert_eq!(user["email"], "Ada@Example.test");
    assert_eq!(user["userType"], "production");
    assert_eq!((&user["subscriptionTier"], &user["emailVerified"]), (&json!("free"), &json!(false)));
    assert_eq!((&user["companyName"], &user["companyVerified"]), (&json!("Films"), &json!(false)));
    assert!(
        answer.json.get("token").is_none()
            && user.get("password").is_none()
            && user.get("passwordHash").is_none()
    );
    assert_eq!(app.count("users WHERE is_admin").await, 0);

    let event: UserRegistered = app.emitted.take().await;
    assert_eq!(event.user_type, UserType::Production);
    assert_eq!(json!(event.user_id), user["id"]);
    assert_eq!(app.actions().await, ["user.registered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_door_makes_its_own_type_and_the_general_one_viewers() {
    let app = App::start().await;
    let doors = [
        ("/api/auth/creator/register", "creator"),
        ("/api/auth/investor/register", "investor"),
        ("/api/auth/production/register", "production"),
        ("/api/auth/register", "viewer"),
    ];
    for (door, user_type) in doors {
        let mut body =
            json!({ "email": format!("{user_type}@a.test"), "username": user_type, "password": PASSWORD });
        if user_type != "viewer" {
            body["userType"] = json!("viewer");
        }
        assert_eq!(app.post(door, &body).await.expect(201)["user"]["userType"], user_type, "{door}");
        app.emitted.take::<UserRegistered>().await;
    }
    let admin = json!({ "email": "x@a.test", "username": "xyz", "password": PASSWORD, "userType": "admin" });
    app.post("/api/auth/register", &admin).await.refused(400, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_or_name_that_differs_only_by_case_is_taken() {
    let app = App::start().await;
    app.register("creator", "ada").await;
    let body = |email, username| json!({ "email": email, "username": username, "password": PASSWORD });
    let register = async |body| app.post("/api/auth/register", &body).await;
    register(body("ADA@example.TEST", "other")).await.refused(409, "email_taken");
    register(body("other@example.test", "Ada")).await.refused(409, "username_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_with_one_address_one_wins() {
    let app = App::start().await;
    let register = async |email: &str, username: &str| {
        let body = json!({ "email": email, "username": username, "password": PASSWORD });
        app.post("/api/auth/register", &body).await.status
    };
    let (one, other) = tokio::join!(register("a@b.test", "one"), register("A@B.test", "two"));
    assert_eq!([one.min(other), one.max(other)], [201, 409]);
    assert_eq!(app.count("users").await, 1);
    app.emitted.take::<UserRegistered>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_field_by_field() {
    let app = App::start().await;
    let refused = async |body: serde_json::Value, field: &str| {
        let answer = app.post("/api/auth/register", &body).await.refused(400, "validation_failed");
        let errors = answer["validation_errors"].as_array().unwrap();
        assert!(!errors.is_empty() && errors.iter().all(|error| error["field"] == field), "{answer}");
    };
    let with = |field: &str, value: serde_json::Value| {
        let mut body = json!({ "email": "a@b.test", "username": "ada", "password": PASSWORD });
        body[field] = value;
        body
    };
    refused(json!({ "username": "ada", "password": PASSWORD }), "email").await;
    refused(with("email", json!("nonsense")), "email").await;
    refused(with("email", json!(format!("{}@b.test", "a".repeat(300)))), "email").await;
    refused(with("username", json!("a b c")), "username").await;
    refused(with("username", json!("a\u{7}b")), "username").await;
    refused(with("firstName", json!("a\u{7}b")), "firstName").await;
    refused(with("companyName", json!("x".repeat(201))), "companyName").await;
    refused(with("password", json!("short")), "password").await;
    refused(with("password", json!("1234567890")), "password").await;
    refused(with("password", json!("x".repeat(201))), "password").await;
    refused(with("password", json!(17)), "password").await;
    assert_eq!(app.count("users").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_repeated_with_its_key_happens_once() {
    let app = App::start().await;
    let body = json!({ "email": "a@b.test", "username": "ada", "password": PASSWORD });
    let register = async || {
        app.client
            .post("/api/auth/register")
            .header("idempotency-key", "k1")
            .json(&body)
            .send()
            .await
            .expect(201)
    };
    let (first, second) = (register().await, register().await);
    assert_eq!(first.json, second.json);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    app.emitted.take::<UserRegistered>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailed_token_verifies_the_address_once() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let token = app.notifications.mail_token(ada.mail).await.unwrap();
    assert_eq!((token.recipient.user_id, token.recipient.email.as_str()), (ada.id, "ada@example.test"));

    let verify = async || app.post("/api/auth/verify-email", &json!({ "token": token.token })).await;
    let answer = verify().await.expect(200);
    assert_eq!(answer["user"]["emailVerified"], true);
    assert!(answer["user"].get("email").is_none(), "who has the link need not be who may see the profile");
    let event: EmailVerified = app.emitted.take().await;
    assert_eq!((event.user_id, event.user_type), (ada.id, UserType::Creator));
    let changed: UserChanged = app.emitted.take().await;
    assert_eq!((changed.version, changed.tier, changed.is_active), (2, Tier::Free, true));

    let again = verify().await.refused(400, "mail_token_invalid");
    assert_eq!(again["validation_errors"][0]["field"], "token");
    assert!(app.log_in(&ada.email).await.actor.email_verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_for_a_day_and_only_for_its_purpose() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let token = app.notifications.mail_token(ada.mail).await.unwrap().token;
    app.post("/api/auth/reset-password", &json!({ "token": token, "newPassword": "another long phrase" }))
        .await
        .refused(400, "mail_token_invalid");
    app.pass("24 hours 1 second").await;
    app.post("/api/auth/verify-email", &json!({ "token": token })).await.refused(400, "mail_token_invalid");
    assert!(matches!(app.notifications.mail_token(ada.mail).await, Err(pitchey_rpc::Error::NotFound { .. })));
    app.post("/api/auth/verify-email", &json!({ "token": "nonsense" }))
        .await
        .refused(400, "mail_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_newer_mails_make_an_older_one_worthless_and_asking_twice_at_once_sends_one() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let old = app.notifications.mail_token(ada.mail).await.unwrap().token;
    let member = app.log_in(&ada.email).await;
    let resend =
        async || app.client.post("/api/auth/resend-verification").as_(&member.actor).send().await.expect(200);

    resend().await;
    assert_eq!(app.emitted.types().await, Vec::<String>::new(), "a mail was promised a moment ago");
    for _ in 0..2 {
        app.pass("2 minutes").await;
        resend().await;
        app.emitted.take::<EmailVerificationRequested>().await;
    }
    app.pass("2 minutes").await;
    resend().await;
    let event: EmailVerificationRequested = app.emitted.take().await;
    assert_eq!(event.user_id, ada.id);
    app.post("/api/auth/verify-email", &json!({ "token": old })).await.refused(400, "mail_token_invalid");

    let new = app.notifications.mail_token(event.mail_request_id).await.unwrap().token;
    app.post("/api/auth/verify-email", &json!({ "token": new })).await.expect(200);
    app.emitted.take::<EmailVerified>().await;
    app.emitted.take::<UserChanged>().await;
    app.pass("2 minutes").await;
    resend().await;
    app.client.post("/api/auth/resend-verification").send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_token_or_password_is_stored_or_told() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let token = app.notifications.mail_token(ada.mail).await.unwrap().token;
    let everything = app
        .text(
            "SELECT string_agg(t, ' ') FROM (
                 SELECT u::text AS t FROM users u UNION ALL SELECT m::text FROM mail_tokens m
                 UNION ALL SELECT a::text FROM audit_log a UNION ALL SELECT e::text FROM testkit.emitted e) all_rows",
        )
        .await
        .unwrap();
    assert!(!everything.contains(&token) && !everything.contains(PASSWORD));
    assert!(everything.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(ada.id, UserId(0));
}
