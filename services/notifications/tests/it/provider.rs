//! What the mail provider reports, and what mail servers answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use pitchey_testkit::{Answer, SOON, wait_until};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::app::{App, WEBHOOK_SECRET, World};
use crate::smtp::{MailServer, Mood};

const PATH: &str = "/api/webhooks/email";

fn signature(id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD.decode(WEBHOOK_SECRET.trim_start_matches("whsec_")).unwrap();
    let signed =
        Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(format!("{id}.{timestamp}.{body}"));
    format!("v1,{}", STANDARD.encode(signed.finalize().into_bytes()))
}

impl App {
    async fn report_raw(&self, body: &str) -> Answer {
        let timestamp = self.world.clock.now().timestamp();
        self.client
            .post(PATH)
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", &timestamp.to_string())
            .header("webhook-signature", &signature("msg_1", timestamp, body))
            .body("application/json", body)
            .send()
            .await
    }

    async fn report(&self, events: Value) -> i64 {
        let answer = self.report_raw(&json!({ "events": events }).to_string()).await.ok();
        answer["applied"].as_i64().unwrap()
    }

    fn event(&self, id: &str, what: &str, mail: u32) -> Value {
        let now = self.world.clock.now().to_rfc3339();
        json!({ "id": id, "type": what, "messageId": format!("<mail-{mail}@pitchey.test>"), "timestamp": now })
    }

    fn bounce(&self, id: &str, kind: &str, mail: u32) -> Value {
        let mut event = self.event(id, "bounced", mail);
        event["bounce"] = json!(kind);
        event["reason"] = json!("550 no such user");
        event
    }
}

async fn sent(count: u32) -> App {
    let world = World::standing_still().await;
    world.queue_mails(count).await;
    let app = world.start().await;
    app.world.all_settled().await;
    app
}

const SUPPRESSED: &str = "SELECT string_agg(concat_ws(' ', email, reason, keep_transactional), ', ' ORDER BY email) FROM email_suppressions";

#[tokio::test(flavor = "multi_thread")]
async fn reports_change_what_is_known_of_a_mail_once_in_any_order() {
    let app = sent(4).await;
    let events = json!([
        app.event("d1", "delivered", 1),
        app.event("o1", "opened", 1),
        app.event("c1", "clicked", 1),
        app.bounce("b2", "hard", 2),
        app.event("d2", "delivered", 2),
        app.event("d3", "delivered", 3),
        app.bounce("b3", "soft", 3),
        app.event("x4", "dropped", 4),
        app.event("f4", "deferred", 4),
        app.event("n9", "delivered", 9),
    ]);
    assert_eq!(app.report(events.clone()).await, 8, "one of an unknown kind, one of a mail nobody knows");
    assert_eq!(app.report(events).await, 0, "reported again");
    let statuses = "SELECT string_agg(status::text, ' ' ORDER BY id) FROM email_queue";
    assert_eq!(app.world.text(statuses).await, "delivered bounced bounced sent");
    assert_eq!(app.world.text(SUPPRESSED).await, "reader2@example.test hard_bounce f");
    let events = "SELECT string_agg(event || coalesce(' ' || (metadata ->> 'kind'), ''), ', ' ORDER BY id)
                  FROM email_events WHERE provider_event_id IN ('b2', 'b3', 'd3')";
    let events = app.world.text(events).await;
    assert!(events.contains("bounced hard") && events.contains("bounced soft"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_soft_bounces_in_a_week_suppress_an_address() {
    let app = sent(4).await;
    app.world.db.execute("UPDATE email_queue SET to_email = 'Full@example.test'").await;
    app.report(json!([app.bounce("1", "soft", 1), app.bounce("1 again", "soft", 1)])).await;
    app.report(json!([app.bounce("2", "soft", 2)])).await;
    assert_eq!(app.world.text(SUPPRESSED).await, "", "two mails");
    app.world.clock.advance(TimeDelta::days(8));
    app.report(json!([app.bounce("3", "soft", 3)])).await;
    assert_eq!(app.world.text(SUPPRESSED).await, "", "the others are too old");
    app.world.clock.advance(TimeDelta::days(-3));
    app.report(json!([app.bounce("4", "soft", 4)])).await;
    assert_eq!(app.world.text(SUPPRESSED).await, "full@example.test soft_bounces f");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_stops_all_but_what_must_come() {
    let app = sent(2).await;
    app.report(json!([app.event("c1", "complained", 1)])).await;
    assert_eq!(app.world.text(SUPPRESSED).await, "reader1@example.test complaint t");
    // What forbids everything stays.
    app.report(json!([app.bounce("b1", "hard", 1)])).await;
    app.report(json!([app.event("c1 again", "complained", 1)])).await;
    assert_eq!(app.world.text(SUPPRESSED).await, "reader1@example.test hard_bounce f");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_reports() {
    let app = sent(1).await;
    let body = json!({ "events": [app.bounce("b1", "hard", 1)] }).to_string();
    let now = app.world.clock.now().timestamp();
    let good = signature("msg_1", now, &body);
    for (id, timestamp, signature) in [
        ("", now, good.clone()),
        ("msg_1", now, String::new()),
        ("msg_2", now, good.clone()),
        ("msg_1", now + 1, good.clone()),
        ("msg_1", now, signature("msg_1", now, "{}")),
        ("msg_1", now - 301, signature("msg_1", now - 301, &body)),
        ("msg_1", now + 301, signature("msg_1", now + 301, &body)),
    ] {
        let request = app
            .client
            .post(PATH)
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp.to_string())
            .header("webhook-signature", &signature)
            .body("application/json", body.as_str());
        request.send().await.refused(401, "webhook_signature_invalid");
    }
    assert_eq!(app.world.text(SUPPRESSED).await, "");
    app.report_raw(&body).await.ok();
    assert_eq!(app.world.text(SUPPRESSED).await, "reader1@example.test hard_bounce f");

    let mut world = World::new().await;
    world.settings.webhook_secret = None;
    let app = world.start().await;
    app.report_raw(&body).await.refused(401, "webhook_signature_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_none_is_refused() {
    let app = sent(1).await;
    app.report_raw("{").await.refused(400, "malformed_json");
    for body in [
        json!({}),
        json!({ "events": [{ "id": "x" }] }),
        json!({ "events": [{ "id": "", "type": "delivered", "messageId": "x", "timestamp": "2026-01-01T00:00:00Z" }] }),
        json!({ "events": [{ "id": "x", "type": "delivered", "messageId": "x", "timestamp": "yesterday" }] }),
        json!({ "events": [{ "id": "x", "type": "delivered", "messageId": "a\u{0}b", "timestamp": "2026-01-01T00:00:00Z" }] }),
        json!({ "events": vec![app.event("d", "delivered", 1); 501] }),
    ] {
        let answer = app.report_raw(&body.to_string()).await.refused(400, "validation_failed");
        assert!(!answer["validation_errors"].as_array().unwrap().is_empty(), "{answer}");
    }
    assert_eq!(app.report(json!([])).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_is_a_soft_bounce_at_once_or_after_five_tries() {
    let server = MailServer::start().await;
    for (mood, attempts) in [
        (Mood::RefuseRecipient("550 5.2.2 full"), 1),
        (Mood::RefuseRecipient("550 5.2.1 disabled"), 1),
        (Mood::RefuseRecipient("452 4.2.2 full for now"), 5),
    ] {
        server.be(mood);
        let mut world = World::standing_still().await.through_smtp(server.address);
        world.settings.mail.retry_seconds = 0;
        world.queue_mails(3).await;
        world.db.execute("UPDATE email_queue SET to_email = 'full@example.test'").await;
        let replica = world.replica().await;
        let bounced = "SELECT count(*) FROM email_queue WHERE status = 'bounced'";
        wait_until("the end", SOON, async || world.number(bounced).await == 3).await;
        pitchey_launch::Process::stop(replica).await;
        assert_eq!(world.text(SUPPRESSED).await, "full@example.test soft_bounces f", "{mood:?}");
        let tried = "SELECT string_agg(DISTINCT attempts::text, ',') FROM email_queue WHERE attempts > 0";
        assert_eq!(world.text(tried).await, attempts.to_string(), "{mood:?}");
    }
}
