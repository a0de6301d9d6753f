use pitchey_events::UserChanged;
use pitchey_identity::Actor;
use pitchey_testkit::Answer;
use serde_json::{Value, json};

use crate::app::{App, Member};

async fn company(app: &App, name: &str) -> Member {
    app.register("production", name).await;
    app.db.execute("UPDATE users SET email_verified = true").await;
    let member = app.log_in(&format!("{name}@example.test")).await;
    let profile =
        json!({ "companyName": "Films Ltd", "companyNumber": "HRB 1", "companyAddress": "Street 5" });
    app.client.put("/api/user/profile").as_(&member.actor).json(&profile).send().await.expect(200);
    app.emitted.take::<UserChanged>().await;
    member
}

async fn ask(app: &App, member: &Member) -> Answer {
    let body = json!({ "note": "Please." });
    app.client.post("/api/user/company-verification").as_(&member.actor).json(&body).send().await
}

async fn decide(app: &App, admin: &Actor, id: &Value, decision: &str) -> Answer {
    let body = json!({ "decision": decision, "reason": "Looked it up." });
    app.client.post(&format!("/api/admin/company-verifications/{id}")).as_(admin).json(&body).send().await
}

async fn verified(app: &App, member: &Member) -> Value {
    let own = app.client.get("/api/user/company-verification").as_(&member.actor).send().await.expect(200);
    own["companyVerified"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_verifies_and_the_name_that_was_checked_is_what_is_verified() {
    let app = App::start().await;
    let (admin, films) = (app.admin().await, company(&app, "films").await);
    let asked = ask(&app, &films).await.expect(201);
    for _ in 0..3 {
        assert_eq!(ask(&app, &films).await.expect(200)["verification"], asked["verification"]);
    }
    let id = &asked["verification"]["id"];
    let list = app
        .client
        .get("/api/admin/company-verifications?status=pending")
        .as_(&admin)
        .send()
        .await
        .expect(200);
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["user"]["username"]), (id, &json!("films")));
    assert!(!list.to_string().contains("Street"), "the address is for who looks at one");
    let path = format!("/api/admin/company-verifications/{id}");
    let one = app.client.get(&path).as_(&admin).send().await.expect(200);
    assert_eq!(one["user"]["companyAddress"], "Street 5");
    let read = ("user.personal_data_read".to_owned(), Some(films.actor.id.to_string()));
    assert!(app.audited().await.contains(&read));

    decide(&app, &admin, id, "approved").await.expect(200);
    decide(&app, &admin, id, "approve").await.expect(200);
    let refused = decide(&app, &admin, id, "rejected").await.refused(409, "verification_decided");
    assert_eq!(refused["details"]["status"], "approved");
    app.emitted.take::<UserChanged>().await;
    assert_eq!(verified(&app, &films).await, true);
    assert!(app.session(&films.token).await.unwrap().actor.company_verified);
    ask(&app, &films).await.refused(409, "company_verified");

    // Another bio, address or spelling of the own name changes nothing; another company does.
    let put = async |body: Value| {
        app.client.put("/api/user/profile").as_(&films.actor).json(&body).send().await.expect(200)
    };
    put(json!({ "bio": "New", "companyAddress": "Street 6" })).await;
    app.emitted.take::<UserChanged>().await;
    assert_eq!(verified(&app, &films).await, true);
    let renamed = put(json!({ "companyName": "Disney" })).await;
    assert_eq!(renamed["user"]["companyVerified"], false);
    app.emitted.take::<UserChanged>().await;
    assert!(!app.session(&films.token).await.unwrap().actor.company_verified);
    assert!(app.actions().await.contains(&"company.verification_lost".to_owned()));
    ask(&app, &films).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_changes_its_number_loses_the_verification_and_all_are_told() {
    let app = App::start().await;
    let films = company(&app, "films").await;
    app.db.execute("UPDATE users SET company_verified = true").await;
    let body = json!({ "companyNumber": "HRB 2" });
    app.client.put("/api/user/profile").as_(&films.actor).json(&body).send().await.expect(200);
    assert_eq!(verified(&app, &films).await, false);
    app.emitted.take::<UserChanged>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_name_that_is_not_borne_any_more_is_not_approved() {
    let app = App::start().await;
    let (admin, films) = (app.admin().await, company(&app, "films").await);
    let asked = ask(&app, &films).await.expect(201);
    let body = json!({ "companyName": "Other Ltd" });
    app.client.put("/api/user/profile").as_(&films.actor).json(&body).send().await.expect(200);
    app.emitted.take::<UserChanged>().await;
    let refused = decide(&app, &admin, &asked["verification"]["id"], "approved")
        .await
        .refused(409, "verification_decided");
    assert_eq!(refused["details"]["status"], "superseded");
    assert_eq!(verified(&app, &films).await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_or_decide_is_refused() {
    let app = App::start().await;
    let (admin, films) = (app.admin().await, company(&app, "films").await);
    app.register("viewer", "vera").await;
    app.register("investor", "ivan").await;
    let (vera, ivan) = (app.log_in("vera@example.test").await, app.log_in("ivan@example.test").await);
    ask(&app, &vera).await.refused(403, "forbidden");
    ask(&app, &ivan).await.refused(403, "email_not_verified");
    app.db.execute("UPDATE users SET email_verified = true").await;
    ask(&app, &ivan).await.invalid(&["companyName"]);
    let asked = ask(&app, &films).await.expect(201);
    let id = &asked["verification"]["id"];
    decide(&app, &films.actor, id, "approved").await.refused(403, "forbidden");
    decide(&app, &admin, id, "maybe").await.invalid(&["decision"]);
    decide(&app, &admin, &json!(999_999), "approved").await.refused(404, "not_found");
    decide(&app, &admin, id, "rejected").await.expect(200);
    assert_eq!(verified(&app, &films).await, false);
    let own = app.client.get("/api/user/company-verification").as_(&films.actor).send().await.expect(200);
    assert_eq!(own["verification"]["reason"], "Looked it up.");
}
