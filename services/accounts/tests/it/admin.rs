use pitchey_events::{SessionStarted, SessionsRevoked, UserChanged, UserId};
use pitchey_identity::Actor;
use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD};

async fn take(app: &App, admin: &Actor, measure: &str, whom: UserId) -> Answer {
    let body = json!({ "reason": "Spam." });
    app.client.post(&format!("/api/admin/users/{whom}/{measure}")).as_(admin).json(&body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_logs_in_and_is_told_to_everybody_once() {
    let app = App::start().await;
    let (admin, ada) = (app.admin().await, app.creator("ada").await);
    for _ in 0..4 {
        let answer = take(&app, &admin, "suspend", ada.actor.id).await.expect(200);
        assert_eq!(
            (&answer["user"]["isActive"], answer["user"]["suspendedAt"].is_string()),
            (&json!(false), true)
        );
    }
    assert!(!app.emitted.take::<UserChanged>().await.is_active);
    assert!(app.session(&ada.token).await.unwrap().actor.suspended, "the session goes on, with less in it");
    app.log_in(&ada.email).await;
    let reinstate = format!("/api/admin/users/{}/reinstate", ada.actor.id);
    app.client.post(&reinstate).as_(&admin).send().await.expect(200);
    assert!(app.emitted.take::<UserChanged>().await.is_active);
    assert!(!app.session(&ada.token).await.unwrap().actor.suspended);
    let acts = "audit_log WHERE action IN ('user.suspended', 'user.reinstated') AND user_id = ";
    assert_eq!(app.count(&format!("{acts} {}", admin.id)).await, 2);
    let why = "SELECT new_values ->> 'reason' FROM audit_log WHERE action = 'user.suspended'";
    assert_eq!(app.text(why).await.as_deref(), Some("Spam."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_ends_every_session_at_once() {
    let app = App::start().await;
    let (admin, ada) = (app.admin().await, app.creator("ada").await);
    let phone = app.log_in(&ada.email).await;
    take(&app, &admin, "ban", ada.actor.id).await.expect(200);
    take(&app, &admin, "ban", ada.actor.id).await.expect(200);
    assert_eq!(app.emitted.take::<SessionsRevoked>().await.session_ids.len(), 2);
    assert!(!app.emitted.take::<UserChanged>().await.is_active);
    for token in [&ada.token, &phone.token] {
        assert_eq!(app.session(token).await, None);
    }
    assert_eq!(app.text("SELECT DISTINCT end_reason FROM sessions").await.as_deref(), Some("banned"));
    app.try_log_in(&ada.email, PASSWORD).await.refused(403, "account_closed");
    take(&app, &admin, "reinstate", ada.actor.id).await.expect(200);
    app.emitted.take::<UserChanged>().await;
    app.log_in(&ada.email).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_and_who_is_not_there_are_left_alone() {
    let app = App::start().await;
    let (admin, other) = (app.admin().await, app.admin().await);
    let ada = app.creator("ada").await;
    for measure in ["suspend", "ban", "reinstate"] {
        take(&app, &admin, measure, other.id).await.refused(403, "admin_protected");
        take(&app, &admin, measure, admin.id).await.refused(403, "admin_protected");
        take(&app, &admin, measure, UserId(999_999)).await.refused(404, "not_found");
        take(&app, &ada.actor, measure, ada.actor.id).await.refused(403, "forbidden");
    }
    let path = format!("/api/admin/users/{}/ban", ada.actor.id);
    app.client.post(&path).as_(&admin).json(&json!({})).send().await.invalid(&["reason"]);
    app.client.post(&path).json(&json!({ "reason": "x" })).send().await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_find_users_and_each_look_is_in_the_log() {
    let app = App::start().await;
    app.emitted.ignore::<SessionStarted>();
    app.emitted.ignore::<UserChanged>();
    let (admin, ada) = (app.admin().await, app.creator("ada").await);
    app.register("investor", "bob").await;
    let profile = json!({ "phone": "+49 30 1" });
    app.client.put("/api/user/profile").as_(&ada.actor).json(&profile).send().await.expect(200);
    app.db.execute("UPDATE users SET banned_at = now() WHERE username = 'bob'").await;
    let names = async |query: &str| -> Vec<Value> {
        let page = app.client.get(&format!("/api/admin/users?{query}")).as_(&admin).send().await.expect(200);
        page["data"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect()
    };
    assert_eq!(names("q=ADA@example.test").await, ["ada"]);
    assert_eq!(names("q=bo").await, ["bob"]);
    assert_eq!(names("status=banned").await, ["bob"]);
    assert_eq!(names("userType=creator&status=active&companyVerified=false").await, ["ada"]);
    assert_eq!(names("").await.len(), 3);
    app.client.get("/api/admin/users?status=gone").as_(&admin).send().await.refused(400, "validation_failed");

    let one =
        app.client.get(&format!("/api/admin/users/{}", ada.actor.id)).as_(&admin).send().await.expect(200);
    assert_eq!((&one["phone"], &one["email"]), (&json!("+49 30 1"), &json!("ada@example.test")));
    app.client.get("/api/admin/users/999999").as_(&admin).send().await.refused(404, "not_found");
    let log = app.audited().await;
    assert!(log.contains(&("user.personal_data_read".to_owned(), Some(ada.actor.id.to_string()))));
    assert!(log.iter().filter(|(action, _)| action == "admin.users_listed").count() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_read_by_admins_only_and_in_pages() {
    let app = App::start().await;
    let (admin, ada) = (app.admin().await, app.creator("ada").await);
    let logs = async |query: &str| {
        app.client.get(&format!("/api/audit/logs?{query}")).as_(&admin).send().await.expect(200)
    };
    let mine = logs(&format!("userId={}", ada.actor.id)).await;
    let actions: Vec<_> =
        mine["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["login.succeeded", "user.registered"], "newest first");
    assert_eq!(logs("action=user.registered").await["meta"]["total"], 1);
    assert_eq!(logs("entityType=session").await["meta"]["total"], 1);
    assert_eq!(logs("from=2999-01-01T00:00:00Z").await["meta"]["total"], 0);
    assert!(logs("action=admin.audit_log_read").await["meta"]["total"].as_i64().unwrap() >= 4, "it is in it");

    let first = logs("limit=1&action=login.succeeded").await;
    assert_eq!(first["meta"]["hasNext"], false);
    let first = logs("limit=2").await;
    let cursor = first["meta"]["nextCursor"].as_str().unwrap();
    let next = logs(&format!("limit=2&cursor={cursor}")).await;
    assert!(next["data"][0]["id"].as_i64() < first["data"][1]["id"].as_i64());

    app.client.get("/api/audit/logs").as_(&ada.actor).send().await.refused(403, "forbidden");
    app.client.get("/api/audit/logs").send().await.refused(401, "unauthenticated");
    app.client
        .get("/api/audit/logs?from=yesterday")
        .as_(&admin)
        .send()
        .await
        .refused(400, "validation_failed");
}
