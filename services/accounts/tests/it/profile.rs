use pitchey_events::UserChanged;
use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::app::{App, Member};

async fn put(app: &App, member: &Member, body: &Value) -> Answer {
    app.client.put("/api/user/profile").as_(&member.actor).json(body).send().await
}

async fn get(app: &App, member: &Member) -> Value {
    app.client.get("/api/user/profile").as_(&member.actor).send().await.expect(200).json
}

#[tokio::test(flavor = "multi_thread")]
async fn given_keys_change_null_clears_and_the_rest_stays() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let body = json!({
        "firstName": "Ada", "bio": "Lines\nof text", "companyWebsite": "https://films.example", "phone": "+49 30 1",
        "userType": "investor", "subscriptionTier": "pro", "emailVerified": true, "companyVerified": true,
        "isActive": false, "email": "other@example.test", "unknown": 1,
    });
    let answer = put(&app, &ada, &body).await.expect(200);
    let user = &answer["user"];
    assert_eq!((&user["firstName"], &user["website"]), (&json!("Ada"), &json!("https://films.example")));
    let protected =
        [&user["userType"], &user["subscriptionTier"], &user["emailVerified"], &user["companyVerified"]];
    assert_eq!(protected, [&json!("creator"), &json!("free"), &json!(false), &json!(false)]);
    assert_eq!((&user["isActive"], &user["email"]), (&json!(true), &json!("ada@example.test")));
    let changed: UserChanged = app.emitted.take().await;
    assert_eq!(changed.version, 2);

    put(&app, &ada, &json!({ "bio": null, "firstName": "  " })).await.expect(200);
    let user = get(&app, &ada).await;
    assert_eq!([&user["bio"], &user["firstName"]], [&Value::Null, &Value::Null]);
    assert_eq!(user["phone"], "+49 30 1");
    assert_eq!(app.emitted.take::<UserChanged>().await.version, 3);
    assert_eq!(
        app.text("SELECT new_values FROM audit_log ORDER BY id DESC LIMIT 1").await.unwrap(),
        r#"{"fields": ["first_name", "bio"]}"#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_back_what_one_got_changes_nothing() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let body = json!({ "website": "https://films.example", "avatar_url": "/media/1.png", "phone": "1", "companyAddress": "A\nB" });
    put(&app, &ada, &body).await.expect(200);
    app.emitted.take::<UserChanged>().await;
    let mut all = get(&app, &ada).await;
    assert_eq!(
        (&all["companyWebsite"], &all["profileImage"]),
        (&json!("https://films.example"), &json!("/media/1.png"))
    );
    let rows = app.actions().await.len();
    put(&app, &ada, &all).await.expect(200);
    assert_eq!((app.emitted.types().await.len(), app.actions().await.len()), (0, rows));

    all["website"] = json!("https://other.example");
    put(&app, &ada, &all).await.expect(200);
    assert_eq!(get(&app, &ada).await["companyWebsite"], "https://other.example");
    app.emitted.take::<UserChanged>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_data_is_sealed_to_its_row_and_shown_to_oneself_only() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let bob = app.creator("bob").await;
    put(&app, &ada, &json!({ "phone": "+49 30 1", "companyAddress": "Street 5", "companyNumber": "HRB 1" }))
        .await
        .expect(200);
    assert_eq!(app.emitted.types().await, Vec::<String>::new(), "others see nothing of it");
    let row =
        app.text("SELECT phone || ' ' || company_address FROM users WHERE username = 'ada'").await.unwrap();
    assert!(row.starts_with("s1.") && !row.contains("+49") && !row.contains("Street"), "{row}");
    let log = app.text("SELECT string_agg(a::text, ' ') FROM audit_log a").await.unwrap();
    assert!(!log.contains("+49") && !log.contains("Street"));

    let shown =
        app.client.get(&format!("/api/users/{}", ada.actor.id)).as_(&bob.actor).send().await.expect(200);
    for field in ["email", "phone", "companyNumber", "companyAddress", "lastLoginAt"] {
        assert!(shown.json.get(field).is_none(), "{field}");
    }
    let own = get(&app, &ada).await;
    assert_eq!(
        [&own["phone"], &own["companyAddress"], &own["companyNumber"]],
        [&json!("+49 30 1"), &json!("Street 5"), &json!("HRB 1")]
    );
    assert!(own["lastLoginAt"].is_string());

    // Copied to another row it does not open, and nobody is told why.
    app.db.execute("UPDATE users SET phone = (SELECT phone FROM users WHERE username = 'ada') WHERE username = 'bob'").await;
    let broken =
        app.client.get("/api/user/profile").as_(&bob.actor).send().await.refused(500, "internal_error");
    assert!(!broken.to_string().contains("sealed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_are_refused() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    app.register("creator", "bob").await;
    let bad = [
        ("firstName", json!("x".repeat(101))),
        ("firstName", json!(1)),
        ("location", json!("a\u{7}b")),
        ("bio", json!("x".repeat(5_001))),
        ("phone", json!("1".repeat(51))),
        ("companyWebsite", json!("javascript:alert(1)")),
        ("profileImage", json!("//evil.example/x.png")),
        ("username", json!("no spaces")),
    ];
    for (field, value) in bad {
        let answer = put(&app, &ada, &json!({ field: value })).await.refused(400, "validation_failed");
        assert_eq!(answer["validation_errors"][0]["field"], field, "{answer}");
    }
    put(&app, &ada, &json!({ "username": "BOB" })).await.refused(409, "username_taken");
    put(&app, &ada, &json!({ "username": "ada.l" })).await.expect(200);
    app.emitted.take::<UserChanged>().await;
    app.client.put("/api/user/profile").json(&json!({})).send().await.refused(401, "unauthenticated");
    let mut suspended = ada;
    suspended.actor.suspended = true;
    put(&app, &suspended, &json!({ "bio": "x" })).await.refused(403, "account_suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_raise_the_version_one_by_one() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let bodies: Vec<_> = (0..6).map(|i| json!({ "bio": format!("bio {i}") })).collect();
    for answer in futures_util::future::join_all(bodies.iter().map(|body| put(&app, &ada, body))).await {
        answer.expect(200);
    }
    let versions: Vec<_> =
        app.emitted.take_all().await.into_iter().map(|event| event.subject_version.unwrap()).collect();
    assert_eq!(versions, [2, 3, 4, 5, 6, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_sees_users_by_id_and_by_name() {
    let app = App::start().await;
    let ada = app.register("creator", "ada").await;
    let by_id = app.client.get(&format!("/api/users/{}", ada.id)).send().await.expect(200);
    let by_name = app.client.get("/api/users/username/ADA").send().await.expect(200);
    assert_eq!(by_id.json, by_name.json);
    assert_eq!((&by_id["username"], by_id.json.get("email")), (&json!("ada"), None));
    for path in
        ["/api/users/999999", "/api/users/nobody", "/api/users/username/nobody", "/api/users/username/a%00b"]
    {
        app.client.get(path).send().await.refused(404, "not_found");
    }
    app.db.execute("UPDATE users SET banned_at = now()").await;
    app.client.get(&format!("/api/users/{}", ada.id)).send().await.refused(404, "not_found");
    assert_eq!(ada.answer["user"]["username"], "ada");
}
