use chrono::{Datelike, TimeDelta, Timelike};
use pitchey_events::*;
use pitchey_identity::Actor;
use pitchey_testkit::{SOON, wait_until};
use serde_json::{Value, json};

use crate::app::{App, World, address, parties};
use crate::smtp::{MailServer, Mood};

const PATH: &str = "/api/email/preferences";

impl App {
    async fn wants(&self, user: &Actor, preferences: Value) {
        self.client.put(PATH).as_(user).json(&preferences).send().await.ok();
    }

    /// Something happens that concerns `owner`'s pitch 42.
    async fn asked_for(&self, owner: &Actor, requester: UserId) {
        let parties = parties(owner.id, requester, "The title then");
        self.emit(&NdaRequested { parties, with_message: false }).await;
    }

    /// Waits until `count` requests are held back.
    async fn held(&self, count: i64) {
        let held = "SELECT count(*) FROM email_requests WHERE held IS NOT NULL";
        wait_until("what is held back", SOON, async || self.world.number(held).await == count).await;
    }

    /// It is the next day, and the jobs run.
    async fn next_day(&self) {
        self.days_later(1).await;
    }

    async fn days_later(&self, days: i64) {
        self.world.clock.advance(TimeDelta::days(days));
        self.run_jobs().await;
        let due = "SELECT count(*) FROM email_digests WHERE outcome IS NULL";
        wait_until("the digests", SOON, async || self.world.number(due).await == 0).await;
    }

    /// On a Monday at noon.
    async fn monday(&self) {
        let days = 7 - i64::from(self.world.clock.now().weekday().num_days_from_monday());
        self.days_later(days).await;
    }
}

/// Before the next digests could be due, and not just before those of the week: at noon of a Tuesday.
async fn at_noon() -> World {
    let world = World::standing_still().await;
    let now = world.clock.now();
    let days = (8 - i64::from(now.weekday().num_days_from_monday())) % 7;
    let seconds = 43_200 - i64::from(now.time().num_seconds_from_midnight());
    world.clock.advance(TimeDelta::days(days) + TimeDelta::seconds(seconds));
    world.pitches.publishes(PitchId(42), "The Lighthouse");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_one_mail_once() {
    let world = at_noon().await;
    let owner = world.person(UserType::Creator, "Alex").await;
    let requester = world.person(UserType::Investor, "Sarah Johnson").await.id;
    let app = world.start().await;
    app.wants(&owner, json!({ "ndaRequests": "daily" })).await;
    app.asked_for(&owner, requester).await;
    app.emit(&UserFollowed { user_id: owner.id, follower_id: requester }).await;
    app.held(2).await;
    app.run_jobs().await;
    assert!(app.mails().await.is_empty(), "not before its hour");

    app.next_day().await;
    let mail = app.mail_to(owner.id, "daily-digest").await;
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("- New NDA request: \"The Lighthouse\", Sarah Johnson"), "its title now: {text}");
    assert!(text.contains("- You have a new follower, Sarah Johnson"), "{text}");
    assert_eq!(mail["to"], address(owner.id));
    app.held(0).await;
    app.run_jobs().await;
    app.next_day().await;
    app.world.all_settled().await;
    assert_eq!(app.mails().await.len(), 1, "what was told is not told again, and nothing is no mail");
    let keys = app.world.text("SELECT string_agg(dedupe_key, ',') FROM email_queue").await;
    assert!(keys.starts_with(&format!("{}/dailyDigest/", owner.id)), "{keys}");
    let runs =
        "SELECT count(*) FROM maintenance_runs WHERE job = 'plan_daily_digests' AND outcome = 'succeeded'";
    assert_eq!(app.world.number(runs).await, 3, "one a day: when it began, and the two days after");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_after_its_hour_waits_for_the_next() {
    let world = at_noon().await;
    let owner = world.person(UserType::Creator, "Alex").await;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    app.wants(&owner, json!({ "ndaRequests": "daily" })).await;
    app.asked_for(&owner, requester).await;
    app.held(1).await;
    // Past the hour of the next day, but nobody has looked yet.
    app.world.clock.advance(TimeDelta::hours(23));
    app.emit(&UserFollowed { user_id: owner.id, follower_id: requester }).await;
    app.held(2).await;
    app.days_later(0).await;
    let mail = app.mail_to(owner.id, "daily-digest").await;
    assert!(!mail["text"].as_str().unwrap().contains("follower"), "{mail}");
    app.held(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_tells_what_was_held_back_and_what_is_unread() {
    let world = at_noon().await;
    let mut people = Vec::new();
    for name in ["Held", "Unread", "Read", "Off"] {
        people.push(world.person(UserType::Creator, name).await);
    }
    let [held, unread, read, off] = &people[..] else { unreachable!() };
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    app.wants(held, json!({ "ndaRequests": "weekly" })).await;
    app.wants(off, json!({ "ndaRequests": "weekly", "weeklyDigest": false })).await;
    for owner in [held, unread, read, off] {
        app.asked_for(owner, requester).await;
    }
    app.held(2).await;
    app.world.all_settled().await;
    for reader in [held, read] {
        app.client.post("/api/notifications/read-all").as_(reader).send().await.ok();
    }
    app.monday().await;
    let mail = app.mail_to(held.id, "weekly-digest").await;
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("- New NDA request: \"The Lighthouse\", Sarah"), "{text}");
    assert!(!text.contains("not read yet"), "{text}");
    let mail = app.mail_to(unread.id, "weekly-digest").await;
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("You have not read yet:\n\n- New NDA request for “The title then”"), "{text}");
    app.world.all_settled().await;
    let digests = "SELECT string_agg(user_id || ' ' || outcome, ', ' ORDER BY user_id) FROM email_digests WHERE rhythm = 'weekly'";
    assert_eq!(
        app.world.text(digests).await,
        format!("{} queued, {} queued, {} unwanted", held.id, unread.id, off.id),
        "who read everything gets none"
    );
    app.held(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_known_any_more_is_left_out_and_nothing_is_no_mail() {
    let world = at_noon().await;
    let mut owners = Vec::new();
    for name in ["Public", "Shared", "Gone", "Banned"] {
        owners.push(world.person(UserType::Creator, name).await);
    }
    let [public, shared, gone, banned] = &owners[..] else { unreachable!() };
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    for owner in &owners {
        app.wants(owner, json!({ "ndaRequests": "daily" })).await;
        app.asked_for(owner, requester).await;
    }
    app.emit(&UserFollowed { user_id: public.id, follower_id: requester }).await;
    app.held(5).await;
    app.world.pitches.hides(PitchId(42));
    app.world.pitches.known().shared.insert((shared.id.0, 42));
    app.world.accounts.known().people.get_mut(&banned.id.0).unwrap().active = false;
    app.next_day().await;
    app.world.all_settled().await;
    let mail = app.mail_to(public.id, "daily-digest").await;
    assert!(!mail["text"].as_str().unwrap().contains("NDA request"), "{mail}");
    let mail = app.mail_to(shared.id, "daily-digest").await;
    assert!(mail["text"].as_str().unwrap().contains("New NDA request: \"A draft\""), "{mail}");
    let digests = "SELECT string_agg(user_id || ' ' || outcome, ', ' ORDER BY user_id) FROM email_digests";
    assert_eq!(
        app.world.text(digests).await,
        format!("{} queued, {} queued, {} empty, {} gone", public.id, shared.id, gone.id, banned.id)
    );
    app.held(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_asked_for_again_when_it_is_sent() {
    let server = MailServer::start().await;
    server.be(Mood::RefuseMail("451 later"));
    let world = at_noon().await.through_smtp(server.address);
    let owner = world.person(UserType::Creator, "Alex").await;
    let only = world.person(UserType::Creator, "Only").await;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    for owner in [&owner, &only] {
        app.wants(owner, json!({ "ndaRequests": "daily" })).await;
        app.asked_for(owner, requester).await;
    }
    app.emit(&UserFollowed { user_id: owner.id, follower_id: requester }).await;
    app.held(3).await;
    app.next_day().await;
    let deferred = "SELECT count(*) FROM email_events WHERE event = 'deferred'";
    wait_until("the first attempts", SOON, async || app.world.number(deferred).await == 2).await;
    assert!(server.received().iter().all(|mail| mail.content.contains("The Lighthouse")));

    app.world.pitches.hides(PitchId(42));
    app.world.pitches.known().away = true;
    server.be(Mood::Accept);
    app.world.clock.advance(TimeDelta::minutes(5));
    let waiting = "SELECT count(*) FROM email_queue WHERE error LIKE '%away%' AND attempts = 1";
    wait_until("a question without an answer", SOON, async || app.world.number(waiting).await == 2).await;
    app.world.pitches.known().away = false;
    app.world.clock.advance(TimeDelta::minutes(5));
    app.world.all_settled().await;
    let received = server.received();
    assert_eq!(received.len(), 3, "two refused, one taken");
    let last = received.last().unwrap();
    assert_eq!(last.to, address(owner.id));
    assert!(
        !last.content.contains("The Lighthouse") && last.content.contains("follower"),
        "{}",
        last.content
    );
    assert_eq!(
        last.header("Message-ID"),
        received.iter().find(|mail| mail.to == last.to).unwrap().header("Message-ID")
    );
    let mail = app.world.queue().await.into_iter().find(|mail| mail.to_email == address(only.id)).unwrap();
    assert_eq!((mail.status.as_str(), mail.attempts), ("failed", 1));
    assert_eq!(mail.error.as_deref(), Some("nothing of it may be shown any more"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_answers_digests_wait() {
    let world = at_noon().await;
    let owner = world.person(UserType::Creator, "Alex").await;
    let requester = world.person(UserType::Investor, "Sarah").await.id;
    let app = world.start().await;
    app.wants(&owner, json!({ "ndaRequests": "daily" })).await;
    app.asked_for(&owner, requester).await;
    app.held(1).await;
    app.world.pitches.known().away = true;
    app.world.clock.advance(TimeDelta::days(1));
    app.run_jobs().await;
    let tried = "SELECT count(*) FROM email_digests WHERE attempts > 0 AND claimed_by IS NULL";
    wait_until("a question without an answer", SOON, async || app.world.number(tried).await == 1).await;
    app.world.pitches.known().away = false;
    app.world.clock.advance(TimeDelta::minutes(2));
    app.mail_to(owner.id, "daily-digest").await;
}
