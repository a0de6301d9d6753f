use std::collections::BTreeMap;

use chrono::TimeDelta;
use pitchey_launch::Process;
use pitchey_testkit::{SOON, wait_until};

use crate::app::World;
use crate::smtp::{MailServer, Mood};

#[tokio::test(flavor = "multi_thread")]
async fn four_replicas_send_two_hundred_mails_once_each() {
    let server = MailServer::start().await;
    let world = World::new().await.through_smtp(server.address);
    world.queue_mails(200).await;
    let mut replicas = Vec::new();
    for _ in 0..4 {
        replicas.push(world.replica().await);
    }
    wait_until("all mails to be sent", SOON, async || {
        world.number("SELECT count(*) FROM email_queue WHERE status = 'sent'").await == 200
    })
    .await;
    for replica in replicas {
        replica.stop().await;
    }
    let mut by_recipient = BTreeMap::new();
    for mail in server.received() {
        *by_recipient.entry(mail.to).or_insert(0) += 1;
    }
    assert_eq!(by_recipient.len(), 200);
    assert!(by_recipient.values().all(|count| *count == 1), "{by_recipient:?}");
    assert_eq!(world.number("SELECT count(*) FROM email_events WHERE event = 'sent'").await, 200);
    assert_eq!(world.number("SELECT sum(attempts) FROM email_queue").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_mails_go_first() {
    let server = MailServer::start().await;
    let mut world = World::new().await.through_smtp(server.address);
    world.settings.mail.smtp_connections = 1;
    world.queue_mails(100).await;
    let replica = world.replica().await;
    world.all_settled().await;
    replica.stop().await;
    // Rounds are of ten mails; within one they go side by side.
    let priority =
        |to: &str| to.trim_start_matches("reader").split('@').next().unwrap().parse::<u32>().unwrap() % 10;
    let received = server.received();
    let rounds: Vec<Vec<u32>> =
        received.chunks(10).map(|round| round.iter().map(|mail| priority(&mail.to)).collect()).collect();
    for (number, round) in rounds.iter().enumerate() {
        assert!(round.iter().all(|priority| *priority == number as u32), "round {number}: {round:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_begins_with_a_mail_that_waits_for_its_turn() {
    let server = MailServer::start().await;
    server.be(Mood::Silence);
    let world = World::new().await.through_smtp(server.address);
    world.queue_mails(30).await;
    let replica = world.replica().await;
    wait_until("the first wave", SOON, async || server.received().len() == 10).await;
    let begun = world.queue().await.iter().filter(|mail| mail.attempts > 0).count();
    assert_eq!(begun, 10);
    // The worker dies: its runtime ends with the test.
    drop(replica);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_fate_is_unknown_is_sent_once_more_at_most() {
    for mood in [Mood::Silence, Mood::HangUp] {
        let server = MailServer::start().await;
        server.be(mood);
        let mut world = World::standing_still().await.through_smtp(server.address);
        world.settings.mail.attempt_seconds = 2;
        world.queue_mails(1).await;
        let replica = world.replica().await;
        for attempt in 1..=2 {
            let deferred = "SELECT count(*) FROM email_events WHERE event = 'deferred'";
            wait_until("the attempt", SOON, async || world.number(deferred).await == attempt).await;
            world.clock.advance(TimeDelta::hours(1));
        }
        wait_until("its end", SOON, async || world.queue().await[0].status == "failed").await;
        replica.stop().await;
        let received = server.received();
        assert_eq!(received.len(), 2, "{mood:?}");
        assert_eq!(received[0].header("Message-ID"), received[1].header("Message-ID"));
        let error = world.queue().await.remove(0).error.unwrap();
        assert_eq!(error, "two attempts had no answer; it may have arrived");
    }
}

/// A worker dies between the server's 250 and its commit: here the commit of "sent" fails, which is the same to whoever comes next. What a sequence
/// counts stays counted.
const LOSE_THE_RESULT: &str = "
    CREATE SEQUENCE lost_results MINVALUE 0;
    CREATE FUNCTION lose_the_result() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN PERFORM nextval('lost_results'); RAISE 'the worker is dead'; END $$;
    CREATE TRIGGER lose_the_result BEFORE UPDATE ON email_queue FOR EACH ROW WHEN (new.status = 'sent') EXECUTE FUNCTION lose_the_result();";

/// Workers who died so far.
const DEAD: &str = "SELECT last_value + is_called::int FROM lost_results";

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_after_sending_leads_to_one_more_mail_with_the_same_message_id() {
    let server = MailServer::start().await;
    let world = World::standing_still().await.through_smtp(server.address);
    world.db.execute(LOSE_THE_RESULT).await;
    world.queue_mails(1).await;
    let replica = world.replica().await;
    wait_until("its death", SOON, async || world.number(DEAD).await == 1).await;
    world.db.execute("DROP TRIGGER lose_the_result ON email_queue").await;
    assert_eq!(world.queue().await[0].status, "pending");

    world.clock.advance(TimeDelta::minutes(5));
    wait_until("its end", SOON, async || world.queue().await[0].status == "sent").await;
    world.clock.advance(TimeDelta::hours(12));
    replica.stop().await;
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].header("Message-ID"), received[1].header("Message-ID"));
    assert_eq!(received[0].header("Message-ID").as_deref(), Some("<mail-1@pitchey.test>"));
    let mail = world.queue().await.remove(0);
    assert_eq!((mail.attempts, mail.open_attempts), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_over_which_two_workers_died_is_left_alone() {
    let server = MailServer::start().await;
    let world = World::standing_still().await.through_smtp(server.address);
    world.db.execute(LOSE_THE_RESULT).await;
    world.queue_mails(1).await;
    let replica = world.replica().await;
    for dead in 1..=2 {
        wait_until("its death", SOON, async || world.number(DEAD).await == dead).await;
        world.clock.advance(TimeDelta::minutes(5));
    }
    wait_until("its end", SOON, async || world.queue().await[0].status == "failed").await;
    replica.stop().await;
    assert_eq!(server.received().len(), 2);
    let error = world.queue().await.remove(0).error.unwrap();
    assert_eq!(error, "two attempts had no answer; it may have arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_holds_until_it_ends() {
    let server = MailServer::start().await;
    let world = World::standing_still().await.through_smtp(server.address);
    world.queue_mails(2).await;
    world
        .db
        .execute(&format!(
            "UPDATE email_queue SET claimed_by = 'somebody', claimed_until = '{}' WHERE id = 1",
            (world.clock.now() + TimeDelta::minutes(2)).to_rfc3339()
        ))
        .await;
    let replica = world.replica().await;
    wait_until("the free one", SOON, async || world.queue().await[1].status == "sent").await;
    assert_eq!(world.queue().await[0].status, "pending");
    assert_eq!(server.received().len(), 1);
    world.clock.advance(TimeDelta::minutes(3));
    wait_until("the other", SOON, async || world.queue().await[0].status == "sent").await;
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_five_times_at_growing_intervals() {
    let server = MailServer::start().await;
    server.be(Mood::RefuseMail("451 later"));
    let world = World::standing_still().await.through_smtp(server.address);
    world.queue_mails(1).await;
    let replica = world.replica().await;
    for (attempt, minutes) in [(1, 1), (2, 4), (3, 16), (4, 64)] {
        let tried = "SELECT count(*) FROM email_events WHERE event = 'deferred'";
        wait_until("the attempt", SOON, async || world.number(tried).await == attempt).await;
        let until = "SELECT extract(epoch FROM scheduled_for - $now)::bigint FROM email_queue";
        let seconds =
            world.number(&until.replace("$now", &format!("'{}'", world.clock.now().to_rfc3339()))).await;
        let expected = minutes * 60;
        assert!(
            (expected * 8 / 10..=expected * 12 / 10).contains(&seconds),
            "attempt {attempt}: {seconds} s"
        );
        let mail = world.queue().await.remove(0);
        assert_eq!(
            (i64::from(mail.attempts), mail.open_attempts, mail.status.as_str()),
            (attempt, 0, "pending")
        );
        assert!(mail.error.unwrap().contains("451"));
        world.clock.advance(TimeDelta::seconds(seconds + 1));
    }
    wait_until("its end", SOON, async || world.queue().await[0].status == "failed").await;
    world.clock.advance(TimeDelta::days(1));
    replica.stop().await;
    assert_eq!(server.received().len(), 5);
    let events = world.text("SELECT string_agg(event, ',' ORDER BY id) FROM email_events").await;
    assert_eq!(events, "deferred,deferred,deferred,deferred,failed");
}
