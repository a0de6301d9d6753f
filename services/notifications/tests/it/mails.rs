use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use pitchey_events::*;
use pitchey_testkit::{SOON, wait_until};
use uuid::Uuid;

use crate::app::{World, address, parties};
use crate::smtp::header;

fn registered(user: UserId, request: MailRequestId) -> UserRegistered {
    UserRegistered { user_id: user, user_type: UserType::Creator, mail_request_id: request }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_the_mail_and_nowhere_in_the_database() {
    let world = World::new().await;
    let user = world.person(UserType::Creator, "Alex Rivera").await.id;
    let request = MailRequestId(Uuid::now_v7());
    world.accounts.promises(request, "b8Kz-the_secret_token", user);
    let app = world.start().await;
    app.emit(&registered(user, request)).await;

    let mail = app.mail_to(user, "verify-email").await;
    let link = "https://pitchey.test/verify-email?token=b8Kz-the_secret_token";
    assert!(mail["text"].as_str().unwrap().contains(&format!("\n{link}\n")), "{mail}");
    assert!(mail["html"].as_str().unwrap().contains(&format!("href=\"{link}\"")), "{mail}");
    assert_eq!(mail["to"], address(user));
    assert_eq!(mail["subject"], "Verify your e-mail address");

    app.world.all_settled().await;
    let world = app.drained().await;
    assert_eq!(world.queue().await[0].status, "sent");
    assert!(world.queue().await[0].html_content.as_ref().unwrap().contains("?token=TOKEN-"));
    assert_eq!(tables_with(&world, "the_secret_token").await, Vec::<String>::new());
}

/// Tables of which a row holds `text`.
async fn tables_with(world: &World, text: &str) -> Vec<String> {
    use diesel_async::RunQueryDsl;

    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let tables: Vec<Table> = sql_query("SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")
        .load(&mut world.db.admin().await)
        .await
        .unwrap();
    assert!(tables.len() > 20, "all tables are looked into");
    let mut found = Vec::new();
    for Table { name } in tables {
        if world.number(&format!("SELECT count(*) FROM {name} AS t WHERE t::text LIKE '%{text}%'")).await > 0
        {
            found.push(name);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_used_or_is_too_old_ends_the_mail() {
    let world = World::new().await;
    let user = world.person(UserType::Creator, "Alex").await.id;
    let app = world.start().await;
    app.emit(&PasswordResetRequested { user_id: user, mail_request_id: MailRequestId(Uuid::now_v7()) }).await;
    wait_until("the mail's end", SOON, async || {
        app.world.queue().await.first().is_some_and(|mail| mail.status != "pending")
    })
    .await;
    assert!(app.mails().await.is_empty());
    let world = app.stop().await;
    let mail = world.queue().await.remove(0);
    assert_eq!((mail.status.as_str(), mail.attempts), ("failed", 0));
    assert_eq!(mail.error.as_deref(), Some("the token was used or is too old"));
    assert_eq!(world.text("SELECT string_agg(event, ',') FROM email_events").await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_not_go_to_an_address_it_was_not_promised_to() {
    let world = World::new().await;
    let user = world.person(UserType::Creator, "Alex").await.id;
    let other = world.person(UserType::Creator, "Somebody else").await.id;
    let request = MailRequestId(Uuid::now_v7());
    world.accounts.promises(request, "token", other);
    let app = world.start().await;
    app.emit(&registered(user, request)).await;
    wait_until("the mail's end", SOON, async || {
        app.world.queue().await.first().is_some_and(|mail| mail.status == "failed")
    })
    .await;
    assert!(app.mails().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_accounts_is_away_mails_wait_and_none_is_lost() {
    let world = World::standing_still().await;
    let user = world.person(UserType::Creator, "Alex").await.id;
    world.accounts.known().away = true;
    let app = world.start().await;
    for _ in 0..3 {
        app.emit(&PasswordChanged { user_id: user }).await;
    }
    wait_until("a question without an answer", SOON, async || {
        app.world
            .number("SELECT count(*) FROM email_requests WHERE attempts > 0 AND claimed_by IS NULL")
            .await
            == 3
    })
    .await;
    assert_eq!(app.world.number("SELECT count(*) FROM email_queue").await, 0);

    app.world.accounts.known().away = false;
    app.world.clock.advance(chrono::TimeDelta::minutes(2));
    wait_until("the mails", SOON, async || {
        app.world.number("SELECT count(*) FROM email_queue WHERE status = 'sent'").await == 3
    })
    .await;
    let world = app.drained().await;
    assert_eq!(world.number("SELECT count(*) FROM email_requests").await, 0);
    assert_eq!(world.accounts.known().asked, 1, "one question for a batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_accounts_is_away_a_token_is_waited_for_without_spending_attempts() {
    let world = World::standing_still().await;
    let user = world.person(UserType::Creator, "Alex").await.id;
    let request = MailRequestId(Uuid::now_v7());
    world.accounts.promises(request, "a-token", user);
    world.accounts.known().away = true;
    world.queue_mails(1).await;
    world
        .db
        .execute(&format!(
            "UPDATE email_queue SET to_email = '{}', text_content = 'PLACE', html_content = 'PLACE', metadata =
                 '{{\"category\": \"transactional\", \"tokenRequestId\": \"{request}\", \"placeholders\": {{\"token\": \"PLACE\"}}}}'",
            address(user)
        ))
        .await;
    let app = world.start().await;
    wait_until("a question without an answer", SOON, async || app.world.queue().await[0].error.is_some())
        .await;
    assert_eq!(app.world.queue().await[0].attempts, 0);
    // The longer it waits, the seldomer it asks.
    for (waited, least, most) in [(0, 1, 3), (20, 16, 24), (600, 48, 72)] {
        let now = app.world.clock.now();
        app.world
            .db
            .execute(&format!(
                "UPDATE email_queue SET created_at = '{now}'::timestamptz - interval '{waited} s', scheduled_for = '{now}'::timestamptz - interval '1 s', error = NULL"
            ))
            .await;
        wait_until("another one", SOON, async || app.world.queue().await[0].error.is_some()).await;
        let seconds =
            format!("SELECT round(extract(epoch FROM scheduled_for - '{now}'))::bigint FROM email_queue");
        let seconds = app.world.number(&seconds).await;
        assert!((least..=most).contains(&seconds), "after {waited} s: {seconds} s");
    }
    assert_eq!(app.world.number("SELECT count(*) FROM email_events").await, 0);

    app.world.accounts.known().away = false;
    app.world.clock.advance(chrono::TimeDelta::minutes(2));
    wait_until("the mail", SOON, async || app.world.queue().await[0].status == "sent").await;
    assert_eq!(app.world.queue().await[0].attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_or_banned_gets_no_mail() {
    let world = World::new().await;
    let gone = world.db.creator().await.id;
    let banned = world.person(UserType::Creator, "Alex").await.id;
    world.accounts.known().people.get_mut(&banned.0).unwrap().active = false;
    let app = world.start().await;
    app.emit(&PasswordChanged { user_id: gone }).await;
    app.emit(&PasswordChanged { user_id: banned }).await;
    wait_until("both notifications", SOON, async || {
        app.world.number("SELECT count(*) FROM notifications").await == 2
    })
    .await;
    app.world.all_settled().await;
    let world = app.drained().await;
    assert_eq!(world.queue().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_anybody_typed_gets_into_a_header() {
    let world = World::new().await;
    let hostile = "Eve\r\nBcc: everybody@example.com\r\nSubject: You won\r\n\r\n<script>alert(1)</script>";
    let owner = world.person(UserType::Creator, hostile).await.id;
    let requester = world.person(UserType::Investor, hostile).await.id;
    let app = world.start().await;
    app.emit(&NdaRequested { parties: parties(owner, requester, hostile), with_message: false }).await;
    let mail = app.mail_to(owner, "nda-requested").await;
    assert!(!mail["html"].as_str().unwrap().contains("<script"), "{mail}");

    let eml = std::fs::read_dir(app.world.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .unwrap();
    let eml = std::fs::read_to_string(eml).unwrap();
    assert_eq!(header(&eml, "Bcc"), None);
    assert_eq!(header(&eml, "Subject").as_deref(), Some("New NDA request"));
    assert_eq!(header(&eml, "To").as_deref(), Some(address(owner).as_str()));
    assert_eq!(header(&eml, "From").as_deref(), Some("Pitchey <no-reply@pitchey.test>"));
    assert_eq!(header(&eml, "Auto-Submitted").as_deref(), Some("auto-generated"));
    assert!(!eml.split("\r\n\r\n").next().unwrap().contains("Eve"), "{eml}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_ends_the_mail() {
    let world = World::new().await;
    let user = world.db.creator().await.id;
    world.accounts.knows(user, "eve@example.com\r\nBcc: everybody@example.com", "Eve");
    let app = world.start().await;
    app.emit(&PasswordChanged { user_id: user }).await;
    wait_until("the mail's end", SOON, async || {
        app.world.queue().await.first().is_some_and(|mail| mail.status == "failed")
    })
    .await;
    assert!(app.mails().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppressed_address_gets_what_its_suppression_leaves() {
    let world = World::new().await;
    let bounced = world.person(UserType::Creator, "Bounced").await.id;
    let complained = world.person(UserType::Creator, "Complained").await.id;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    world
        .db
        .execute(&format!(
            "INSERT INTO email_suppressions (email, reason, keep_transactional)
             VALUES ('{}', 'hard_bounce', false), ('{}', 'complaint', true)",
            address(bounced),
            address(complained)
        ))
        .await;
    let app = world.start().await;
    for owner in [bounced, complained] {
        app.emit(&NdaRequested { parties: parties(owner, requester, "The Lighthouse"), with_message: false })
            .await;
        app.emit(&PasswordChanged { user_id: owner }).await;
    }
    wait_until("all fates", SOON, async || {
        app.world.number("SELECT count(*) FROM email_queue WHERE status <> 'pending'").await == 4
    })
    .await;
    let world = app.drained().await;
    let fates = world
        .text(
            "SELECT string_agg(template || ' ' || status, ', ' ORDER BY user_id, template) FROM email_queue",
        )
        .await;
    assert_eq!(
        fates,
        "nda-requested bounced, password-changed bounced, nda-requested unsubscribed, password-changed sent"
    );
}
