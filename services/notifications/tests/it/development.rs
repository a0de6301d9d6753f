use pitchey_config::Mode;
use pitchey_events::*;

use crate::app::{World, address};

#[tokio::test(flavor = "multi_thread")]
async fn developers_read_what_was_sent_newest_first() {
    let world = World::new().await;
    let alex = world.person(UserType::Creator, "Alex <b>Rivera</b>").await.id;
    let sarah = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    assert!(app.mails().await.is_empty());
    app.emit(&EmailVerified { user_id: alex, user_type: UserType::Creator }).await;
    app.mail_to(alex, "welcome").await;
    app.emit(&PasswordChanged { user_id: alex }).await;
    app.emit(&PasswordChanged { user_id: sarah }).await;
    app.mail_to(sarah, "password-changed").await;
    let mail = app.mail_to(alex, "password-changed").await;
    for field in ["id", "to", "subject", "template", "text", "html", "createdAt"] {
        assert!(!mail[field].is_null(), "{field}: {mail}");
    }
    assert_eq!(app.mails().await.len(), 3);
    let to_alex =
        app.client.get(&format!("/dev/mails?to={}", address(alex).to_uppercase())).send().await.ok();
    let templates: Vec<_> =
        to_alex["data"].as_array().unwrap().iter().map(|mail| &mail["template"]).collect();
    assert_eq!(templates, ["password-changed", "welcome"]);
    let nobody = app.client.get("/dev/mails?to=nobody@example.test").send().await.ok();
    assert_eq!(nobody["data"].as_array().unwrap().len(), 0);

    let page = app.client.get("/dev/mails").header("accept", "text/html,*/*").send().await.expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let page = String::from_utf8(page.bytes).unwrap();
    assert!(page.contains("Welcome to Pitchey") && !page.contains("<b>Rivera"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_development_the_page_does_not_exist() {
    let mut world = World::new().await;
    world.settings.mode = Mode::Production;
    let user = world.db.operator().await;
    let app = world.start().await;
    app.client.get("/dev/mails").as_(&user).send().await.refused(404, "not_found");
    app.client.get("/api/notifications/list").as_(&user).send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_none_is_our_fault() {
    let mut world = World::new().await;
    let file = world.folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    world.settings.mail.folder = file;
    let app = world.start().await;
    app.client.get("/dev/mails").send().await.refused(500, "mail_folder_unreadable");
}
