use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use pitchey_accounts::Settings;
use pitchey_clock::Clock;
use pitchey_config::Rpc;
use pitchey_events::{DataExportReady, Service, UserId};
use pitchey_identity::Verifier;
use pitchey_rpc::{Keeper, Parts, Server, Started, Targets, privacy_server};
use pitchey_testkit::{Answer, SOON, identity, wait_for};
use serde_json::{Value, json};
use tonic::Status;
use tonic::service::Routes;

use crate::app::{App, Member};

/// Pitches, as accounts sees it: tells what it keeps, or breaks off half-way.
#[derive(Clone)]
struct Pitches {
    whole: bool,
}

impl Keeper for Pitches {
    async fn export(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        parts.send("pitches", &[json!({ "id": 1, "userId": user, "themes": ["[", "]"] })]).await?;
        if !self.whole {
            return Err(Status::internal("broken"));
        }
        parts.send("pitches", &[json!({ "id": 2 }), json!({ "id": 3 })]).await?;
        parts.send::<Value>("ndas", &[]).await
    }
}

impl Pitches {
    async fn start(whole: bool) -> Started {
        let keys = identity::keys(Service::Pitches);
        let verifier = Verifier::new(Service::Pitches, &keys, Clock::system()).unwrap();
        let routes = Routes::new(privacy_server(Self { whole }));
        let address = ([127, 0, 0, 1], 0).into();
        Server { settings: Rpc { address, certificate: Default::default() }, verifier, routes }
            .start()
            .await
            .unwrap()
    }
}

fn asks(pitches: &Started) -> impl FnOnce(&mut Settings) + use<> {
    let target = ("pitches".to_owned(), format!("http://{}", pitches.address));
    move |settings| {
        settings.rpc_targets = Targets::from(BTreeMap::from([target]));
        settings.export_from = "pitches".to_owned();
    }
}

async fn ask(app: &App, member: &Member) -> Answer {
    app.client.post("/api/gdpr/requests").as_(&member.actor).json(&json!({ "type": "export" })).send().await
}

async fn ready(app: &App, member: &Member) -> Value {
    wait_for("the export", SOON, async || {
        let requests = app.client.get("/api/gdpr/requests").as_(&member.actor).send().await.expect(200);
        let newest = requests["data"][0].clone();
        (newest["status"] == "completed").then_some(newest)
    })
    .await
}

/// The files of the archive.
fn opened(archive: &Answer) -> BTreeMap<String, Value> {
    assert_eq!(archive.header("content-type"), Some("application/zip"));
    assert_eq!(archive.header("cache-control"), Some("private, no-store"));
    let mut zip = zip::ZipArchive::new(Cursor::new(archive.bytes.to_vec())).unwrap();
    let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let files = names.into_iter().filter(|name| name.ends_with(".json")).map(|name| {
        let mut text = String::new();
        zip.by_name(&name).unwrap().read_to_string(&mut text).unwrap();
        (name.clone(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}")))
    });
    files.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_what_every_service_keeps_and_is_the_users_alone() {
    let pitches = Pitches::start(true).await;
    let app = App::start_with(asks(&pitches)).await;
    let (ada, bob) = (app.creator("ada").await, app.creator("bob").await);
    let profile = json!({ "phone": "+49 30 1" });
    app.client.put("/api/user/profile").as_(&ada.actor).json(&profile).send().await.expect(200);
    ask(&app, &ada).await.expect(201);
    for _ in 0..3 {
        ask(&app, &ada).await.expect(200);
    }
    let request = ready(&app, &ada).await;
    assert_eq!(app.count("data_requests").await, 1, "four times asked is once asked");
    let path = request["downloadUrl"].as_str().unwrap();
    let event: DataExportReady = app.emitted.take().await;
    assert_eq!(format!("/api/gdpr/exports/{}", event.export_id), path);

    let files = opened(&app.client.get(path).as_(&ada.actor).send().await.expect(200));
    assert_eq!(files["profile.json"][0]["phone"], "+49 30 1");
    assert_eq!(files["pitches/pitches.json"].as_array().unwrap().len(), 3, "parts of a kind are one file");
    assert_eq!(files["pitches/pitches.json"][0]["userId"], ada.actor.id.0);
    assert_eq!(files["pitches/ndas.json"], json!([]));
    for file in [
        "sessions",
        "consents",
        "activity",
        "data_requests",
        "company_verifications",
        "feature_flags",
        "blocked",
    ] {
        assert!(files[&format!("{file}.json")].is_array(), "{file}");
    }
    let kept = app.text("SELECT string_agg(content, '') FROM data_export_chunks").await.unwrap();
    assert!(kept.starts_with("s1."), "sealed");

    app.client.get(path).send().await.refused(401, "unauthenticated");
    app.client.get(path).as_(&bob.actor).send().await.refused(404, "not_found");
    // The link in the mail needs no log-in, and opens this one archive.
    let token = app.notifications.mail_token(event.mail_request_id).await.unwrap().token;
    for _ in 0..2 {
        let by_link = app.client.get(&format!("{path}?token={token}")).send().await.expect(200);
        assert_eq!(opened(&by_link), files);
    }
    app.client.get(&format!("{path}?token=other")).send().await.refused(404, "not_found");
    app.client.get(&format!("/api/gdpr/exports/999?token={token}")).send().await.refused(404, "not_found");
    assert_eq!(app.count("audit_log WHERE action = 'user.export_fetched'").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_gone_after_a_week_and_its_link_before_the_next_is_made() {
    let pitches = Pitches::start(true).await;
    let app = App::start_with(asks(&pitches)).await;
    let ada = app.creator("ada").await;
    ask(&app, &ada).await.expect(201);
    let request = ready(&app, &ada).await;
    let event: DataExportReady = app.emitted.take().await;
    let token = app.notifications.mail_token(event.mail_request_id).await.unwrap().token;
    let path = request["downloadUrl"].as_str().unwrap();
    app.pass("7 days 1 second").await;
    app.client.get(path).as_(&ada.actor).send().await.refused(404, "not_found");
    app.client.get(&format!("{path}?token={token}")).send().await.refused(404, "not_found");
    app.tidy().await;
    assert_eq!(app.count("data_export_chunks").await, 0);
    assert_eq!(app.text("SELECT status FROM data_requests").await.unwrap(), "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_copy_is_none_and_is_tried_again() {
    let broken = Pitches::start(false).await;
    let app = App::start_with(asks(&broken)).await;
    let ada = app.creator("ada").await;
    let answer = ask(&app, &ada).await.expect(201);
    let path = format!("/api/gdpr/exports/{}", answer["request"]["id"]);
    pitchey_testkit::wait_until("a first try", SOON, async || {
        app.count("data_requests WHERE status = 'pending' AND attempts = 1").await == 1
    })
    .await;
    let refused = app.client.get(&path).as_(&ada.actor).send().await.refused(409, "export_not_ready");
    assert_eq!(refused["details"]["status"], "pending");
    assert_eq!(app.count("data_export_chunks").await, 0);
    assert_eq!(app.emitted.types().await, Vec::<String>::new());
    // A day later nobody tries any more.
    app.pass("2 days").await;
    let _replica = app.replica().await;
    pitchey_testkit::wait_until("the end of trying", SOON, async || {
        app.count("data_requests WHERE status = 'failed'").await == 1
    })
    .await;
    ask(&app, &ada).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_user_may_have_a_copy_and_bad_requests_are_refused() {
    let pitches = Pitches::start(true).await;
    let app = App::start_with(asks(&pitches)).await;
    let mut ada = app.creator("ada").await;
    ada.actor.suspended = true;
    ask(&app, &ada).await.expect(201);
    ready(&app, &ada).await;
    app.emitted.ignore::<DataExportReady>();
    let bad =
        async |body: Value| app.client.post("/api/gdpr/requests").as_(&ada.actor).json(&body).send().await;
    bad(json!({})).await.invalid(&["type"]);
    bad(json!({ "type": "everything" })).await.invalid(&["type"]);
    app.post("/api/gdpr/requests", &json!({ "type": "export" })).await.refused(401, "unauthenticated");
}
