use pitchey_clock::Clock;
use pitchey_config::Mode;
use pitchey_launch::Process;
use pitchey_notifications::Notifications;
use pitchey_telemetry::Telemetry;
use pitchey_testkit::{Client, SOON, wait_until};
use secrecy::SecretString;

use crate::app::World;
use crate::smtp::{MailServer, Mood};

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_gets_text_and_html() {
    let server = MailServer::start().await;
    let world = World::new().await.through_smtp(server.address);
    world.queue_mails(1).await;
    let replica = world.replica().await;
    world.all_settled().await;
    replica.stop().await;
    let received = server.received().remove(0);
    assert_eq!(received.to, "reader1@example.test");
    assert!(received.from.contains("<no-reply@pitchey.test>"), "{}", received.from);
    assert_eq!(received.header("Subject").as_deref(), Some("Hello"));
    assert!(received.header("Content-Type").unwrap().starts_with("multipart/alternative"));
    let (text, html) =
        (received.content.find("Content-Type: text/plain"), received.content.find("Content-Type: text/html"));
    assert!(text.unwrap() < html.unwrap(), "the richest part comes last");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_does_not_exist_gets_no_more_mail() {
    let server = MailServer::start().await;
    server.be(Mood::RefuseRecipient("550 5.1.1 no such user"));
    let world = World::new().await.through_smtp(server.address);
    world.queue_mails(1).await;
    world.db.execute("UPDATE email_queue SET to_email = 'Reader1@Example.test'").await;
    let replica = world.replica().await;
    wait_until("its end", SOON, async || world.queue().await[0].status == "bounced").await;
    replica.stop().await;
    let mail = world.queue().await.remove(0);
    assert_eq!((mail.attempts, mail.open_attempts), (1, 0));
    assert!(mail.error.unwrap().contains("550"));
    let suppression = "SELECT string_agg(concat_ws(' ', email, reason, keep_transactional, email_id), ',') FROM email_suppressions";
    assert_eq!(world.text(suppression).await, format!("reader1@example.test hard_bounce f {}", mail.id));
    let events = "SELECT string_agg(event || ' ' || (metadata->>'kind'), ',') FROM email_events";
    assert_eq!(world.text(events).await, "bounced hard");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_refuses_a_mail_is_not_tried_again() {
    let server = MailServer::start().await;
    server.be(Mood::RefuseMail("550-5.2.3 it is\r\n550 5.2.3 too long"));
    let world = World::new().await.through_smtp(server.address);
    world.queue_mails(1).await;
    let replica = world.replica().await;
    wait_until("its end", SOON, async || world.queue().await[0].status == "failed").await;
    replica.stop().await;
    assert_eq!(world.queue().await[0].attempts, 1);
    assert_eq!(world.number("SELECT count(*) FROM email_suppressions").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_us_says_nothing_about_the_mail() {
    let server = MailServer::start().await;
    for (mood, error) in [
        (Mood::RefuseUs("554 5.7.1 not you"), "554"),
        (Mood::RefuseSender("550 5.1.8 who are you"), "550"),
        (Mood::RefuseSender("552 5.2.2 your quota is used up"), "552"),
        (Mood::RefuseRecipient("530 5.7.0 log in first"), "530"),
        (Mood::RefuseRecipient("550 not from there"), "550"),
        (Mood::RefuseMail("554 5.7.1 spam"), "554"),
    ] {
        server.be(mood);
        deferred_once(&server, error, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_gets_the_mail_again_later() {
    let server = MailServer::start().await;
    server.be(Mood::HangUp);
    deferred_once(&server, "", 1).await;
    assert_eq!(server.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_gets_the_mail_again_later() {
    let server = MailServer::start().await;
    server.be(Mood::Silence);
    deferred_once(&server, "no answer", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_gets_the_mail_later() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::new().await.through_smtp(gone);
    world.queue_mails(1).await;
    let replica = world.replica().await;
    wait_until("an attempt", SOON, async || world.queue().await[0].error.is_some()).await;
    replica.stop().await;
    assert_eq!(world.queue().await[0].status, "pending");
}

async fn deferred_once(server: &MailServer, error: &str, open_attempts: i32) {
    let mut world = World::new().await.through_smtp(server.address);
    world.settings.mail.attempt_seconds = 2;
    world.queue_mails(1).await;
    let replica = world.replica().await;
    wait_until("an attempt", SOON, async || world.queue().await[0].error.is_some()).await;
    replica.stop().await;
    let mail = world.queue().await.remove(0);
    assert_eq!((mail.status.as_str(), mail.attempts, mail.open_attempts), ("pending", 1, open_attempts));
    assert!(mail.error.as_ref().unwrap().contains(error), "{mail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_mails_is_counted_by_template() {
    let telemetry = Telemetry { log: "off".to_owned(), otlp_endpoint: String::new() };
    let _guard = pitchey_telemetry::init("notifications", Mode::Development, &telemetry).unwrap();
    let server = MailServer::start().await;
    let world = World::standing_still().await.through_smtp(server.address);
    world.queue_mails(3).await;
    let replica = world.replica().await;
    world.all_settled().await;
    server.be(Mood::RefuseRecipient("550 5.2.1 disabled"));
    world
        .db
        .execute(
            "UPDATE email_queue SET status = 'pending', attempts = 0, template = 'new-login' WHERE id = 1",
        )
        .await;
    world.all_settled().await;
    let client = Client::unsigned(replica.http_address());
    let metrics = String::from_utf8(client.get("/metrics").send().await.expect(200).bytes).unwrap();
    replica.stop().await;
    assert!(metrics.contains("mail_sent_total{template=\"welcome\"} 3"), "{metrics}");
    assert!(metrics.contains("mail_failed_total{template=\"new-login\"} 1"), "{metrics}");
    for stage in ["address", "send"] {
        assert!(metrics.contains(&format!("mail_queue_depth{{stage=\"{stage}\"}}")), "{metrics}");
        assert!(metrics.contains(&format!("mail_queue_age_seconds{{stage=\"{stage}\"}}")), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_send_mail_are_refused_at_the_start() {
    let world = World::new().await;
    let refused = async |change: &dyn Fn(&mut pitchey_notifications::Settings)| {
        let mut settings = world.settings.clone();
        settings.mode = Mode::Production;
        change(&mut settings);
        let Err(error) = Notifications::start(settings, Clock::system()).await else { panic!("it started") };
        error.to_string()
    };
    let no_transport = refused(&|settings| settings.mail.transport = None).await;
    assert!(no_transport.contains("MAIL__TRANSPORT is required"), "{no_transport}");
    let no_server =
        refused(&|settings| settings.mail.transport = Some(pitchey_notifications::Kind::Smtp)).await;
    assert!(no_server.contains("SMTP_URL is required"), "{no_server}");
    let no_url = refused(&|settings| {
        settings.mail.transport = Some(pitchey_notifications::Kind::Smtp);
        settings.mail.smtp_url = Some(SecretString::from("mail.example.test"));
    })
    .await;
    assert!(no_url.contains("SMTP_URL"), "{no_url}");
    let lease = refused(&|settings| settings.mail.attempt_seconds = 120).await;
    assert!(lease.contains("ATTEMPT_SECONDS"), "{lease}");
    let no_sender = refused(&|settings| settings.mail.from = None).await;
    assert!(no_sender.contains("MAIL__FROM is required"), "{no_sender}");
    let bad_sender = refused(&|settings| settings.mail.from = Some("Pitchey".to_owned())).await;
    assert!(bad_sender.contains("MAIL__FROM"), "{bad_sender}");
    let no_place = refused(&|settings| settings.public_url = "pitchey".to_owned()).await;
    assert!(no_place.contains("PUBLIC_URL"), "{no_place}");
}
