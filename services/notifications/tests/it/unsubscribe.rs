use pitchey_events::*;
use pitchey_identity::Actor;
use serde_json::json;

use crate::app::{App, World, parties};
use crate::smtp::header;

impl App {
    /// The heads of the mails that were sent, by the file of each.
    fn heads(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.world.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mails = files.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
        mails.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// The path that unsubscribes from what the only mail with the subject is.
    fn way_out(&self, subject: &str) -> String {
        let mail = self.heads().into_iter().find(|mail| header(mail, "Subject").as_deref() == Some(subject));
        let link = header(&mail.unwrap(), "List-Unsubscribe").unwrap();
        link.trim_matches(['<', '>']).strip_prefix("https://pitchey.test").unwrap().to_owned()
    }
}

async fn asked() -> (App, Actor) {
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex").await;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    let parties = parties(owner.id, requester, "The Lighthouse");
    app.emit(&NdaRequested { parties, with_message: false }).await;
    app.mail_to(owner.id, "nda-requested").await;
    (app, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_one_can_do_without_says_how_in_head_and_body() {
    let (app, owner) = asked().await;
    let mail = &app.heads()[0];
    let way_out = app.way_out("New NDA request");
    assert!(way_out.starts_with("/api/email/unsubscribe/"), "{way_out}");
    assert_eq!(header(mail, "List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(header(mail, "List-Id").as_deref(), Some("<nda-requests.pitchey.test>"));
    let shown = app.mail_to(owner.id, "nda-requested").await;
    for body in ["text", "html"] {
        assert!(shown[body].as_str().unwrap().contains(&way_out), "{shown}");
    }
    app.emit(&PasswordChanged { user_id: owner.id }).await;
    app.mail_to(owner.id, "password-changed").await;
    let transactional =
        app.heads().into_iter().find(|mail| header(mail, "Subject").unwrap().contains("password")).unwrap();
    for name in ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"] {
        assert_eq!(header(&transactional, name), None);
    }
    assert_eq!(
        app.world
            .number("SELECT count(*) FROM email_queue WHERE html_content LIKE '%/unsubscribe/UNSUBSCRIBE-%'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing_and_one_click_does() {
    let (app, owner) = asked().await;
    let way_out = app.way_out("New NDA request");
    let page = app.client.get(&way_out).send().await.expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let page = String::from_utf8(page.bytes).unwrap();
    assert!(page.contains("about NDAs") && page.contains("<form method=\"post\">"), "{page}");
    let wanted = async || {
        app.client.get("/api/email/preferences").as_(&owner).send().await.ok()["ndaRequests"].clone()
    };
    assert_eq!(wanted().await, "instant");

    // As RFC 8058 has it: nobody is logged in, and the body is a form.
    let one_click = || {
        let request = app.client.post(&way_out);
        request.body("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").send()
    };
    assert_eq!(one_click().await.ok()["category"], "ndaRequests");
    assert_eq!(wanted().await, "never");
    one_click().await.ok();
    let events = "SELECT string_agg(event, ',') FROM email_events WHERE event = 'unsubscribed'";
    assert_eq!(app.world.text(events).await, "unsubscribed", "once");
    let by_button = app.client.post(&way_out).header("accept", "text/html").send().await.expect(200);
    assert!(String::from_utf8(by_button.bytes).unwrap().contains("You get no more mails about NDAs"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsubscribing_from_a_day_leaves_what_comes_at_once() {
    let (app, owner) = asked().await;
    let preferences = json!({ "messages": "daily", "pitchViews": "weekly" });
    app.client.put("/api/email/preferences").as_(&owner).json(&preferences).send().await.ok();
    app.world
        .db
        .execute("UPDATE email_queue SET metadata = jsonb_set(metadata, '{category}', '\"dailyDigest\"'), status = 'pending', subject = 'A day'")
        .await;
    pitchey_testkit::wait_until("it to be sent again", pitchey_testkit::SOON, async || {
        app.heads().iter().any(|mail| header(mail, "Subject").as_deref() == Some("A day"))
    })
    .await;
    app.client.post(&app.way_out("A day")).send().await.ok();
    let preferences = app.client.get("/api/email/preferences").as_(&owner).send().await.ok();
    assert_eq!(
        (&preferences["messages"], &preferences["pitchViews"], &preferences["ndaRequests"]),
        (&json!("never"), &json!("weekly"), &json!("instant"))
    );
    assert_eq!(preferences["weeklyDigest"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_nobodys_does_nothing() {
    let (app, _) = asked().await;
    let way_out = app.way_out("New NDA request");
    let (start, token) = way_out.rsplit_once('/').unwrap();
    for wrong in ["x".to_owned(), token[1..].to_owned(), format!("{}A", &token[..token.len() - 2])] {
        let path = format!("{start}/{wrong}");
        app.client.get(&path).send().await.refused(404, "unsubscribe_token_unknown");
        app.client.post(&path).send().await.refused(404, "unsubscribe_token_unknown");
    }
    assert_eq!(app.world.number("SELECT count(*) FROM email_preferences").await, 0);
    // Whoever is gone has nothing to unsubscribe from.
    app.world.db.execute("UPDATE email_queue SET user_id = NULL; DELETE FROM email_requests; DELETE FROM notifications; DELETE FROM users").await;
    app.client.post(&way_out).send().await.refused(404, "unsubscribe_token_unknown");
}

/// What the service would put into the mail called `email` about NDAs to `user`.
pub fn token(user: UserId, email: i64) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use hmac::{Hmac, KeyInit, Mac};

    let key = STANDARD.decode(crate::app::UNSUBSCRIBE_KEY).unwrap();
    let mut said = user.0.to_be_bytes().to_vec();
    said.push(1);
    said.extend(email.to_be_bytes());
    let signed = Hmac::<sha2::Sha256>::new_from_slice(&key)
        .unwrap()
        .chain_update("pitchey unsubscribe v1")
        .chain_update(&said);
    said.extend(signed.finalize().into_bytes());
    URL_SAFE_NO_PAD.encode(said)
}
