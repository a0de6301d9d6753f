use chrono::TimeDelta;
use pitchey_events::*;
use pitchey_testkit::{SOON, wait_until};

use crate::app::{World, address};

const PITCH: PitchId = PitchId(42);

fn published(owner: UserId) -> PitchPublished {
    PitchPublished {
        pitch_id: PITCH,
        owner_id: owner,
        first_time: true,
        pitch_title: "The Lighthouse".to_owned(),
        hold: None,
    }
}

const UNFINISHED: &str = "SELECT count(*) FROM announcements WHERE finished_at IS NULL";

#[tokio::test(flavor = "multi_thread")]
async fn followers_are_told_of_what_is_published_for_the_first_time() {
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex Rivera").await.id;
    let fan = world.person(UserType::Viewer, "Fan").await;
    world.pitches.publishes(PITCH, "The Lighthouse");
    world.pitches.follows(fan.id, owner);
    world.pitches.follows(owner, owner);
    let app = world.start().await;
    let preferences = serde_json::json!({ "pitchViews": "instant" });
    app.client.put("/api/email/preferences").as_(&fan).json(&preferences).send().await.ok();
    let event = published(owner);
    let id = app.emit(&event).await;
    app.emit_again(id, &event).await;
    app.emit(&PitchPublished { first_time: false, ..published(owner) }).await;

    let mail = app.mail_to(fan.id, "followed-creator-published").await;
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("Alex Rivera, whom you follow, published \"The Lighthouse\""), "{text}");
    let list = app.client.get("/api/notifications/list").as_(&fan).send().await.ok();
    let told = &list["data"][0];
    assert_eq!(told["title"], "“The Lighthouse” was published");
    assert_eq!(told["data"], serde_json::json!({ "pitchId": PITCH, "ownerId": owner }));
    let world = app.drained().await;
    assert_eq!(world.number("SELECT count(*) FROM notifications").await, 1, "once, and not the owner");
    assert_eq!(world.number("SELECT told FROM announcements").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_meanwhile_is_told_to_nobody_more() {
    let world = World::standing_still().await;
    let owner = world.person(UserType::Creator, "Alex").await.id;
    let fan = world.person(UserType::Viewer, "Fan").await.id;
    world.pitches.follows(fan, owner);
    world.pitches.known().away = true;
    world.pitches.publishes(PITCH, "The Lighthouse");
    let app = world.start().await;
    app.emit(&published(owner)).await;
    let asked = "SELECT count(*) FROM announcements WHERE attempts > 0";
    wait_until("a question without an answer", SOON, async || app.world.number(asked).await == 1).await;
    // Other events do not wait for it.
    app.emit(&PasswordChanged { user_id: fan }).await;
    app.mail_to(fan, "password-changed").await;

    app.world.pitches.known().away = false;
    app.world.pitches.hides(PITCH);
    app.world.clock.advance(TimeDelta::minutes(2));
    wait_until("its end", SOON, async || app.world.number(UNFINISHED).await == 0).await;
    let told = "SELECT count(*) FROM notifications WHERE type = 'pitch_published'";
    assert_eq!(app.world.number(told).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_where_another_one_stopped() {
    let world = World::new().await;
    let owner = world.person(UserType::Creator, "Alex").await.id;
    let (told, untold) = (world.db.user(UserType::Viewer).await, world.db.user(UserType::Viewer).await);
    world.pitches.publishes(PITCH, "The Lighthouse");
    world.pitches.follows(told, owner);
    world.pitches.follows(untold, owner);
    // A worker died after the first follower; its claim is over.
    world
        .db
        .execute(&format!(
            "INSERT INTO announcements (event_id, owner_id, pitch_id, reached, told, claimed_by, claimed_until)
             VALUES (gen_random_uuid(), {owner}, {PITCH}, {told}, 1, 'dead', now() - interval '1 second')"
        ))
        .await;
    let replica = world.replica().await;
    wait_until("its end", SOON, async || world.number(UNFINISHED).await == 0).await;
    pitchey_launch::Process::stop(replica).await;
    assert_eq!(
        world.text("SELECT string_agg(user_id::text, ',') FROM notifications").await,
        untold.to_string()
    );
    assert_eq!(world.number("SELECT told FROM announcements").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_closes_the_account_gets_a_last_mail_and_no_other() {
    let world = World::new().await;
    let user = world.person(UserType::Creator, "Alex").await.id;
    {
        let mut known = world.accounts.known();
        let person = known.people.get_mut(&user.0).unwrap();
        (person.active, person.closing) = (false, true);
    }
    let app = world.start().await;
    app.emit(&PasswordChanged { user_id: user }).await;
    app.emit(&DeletionRequested { user_id: user, deleted_from: app.world.clock.now() }).await;
    app.mail_to(user, "account-deleted").await;
    app.world.all_settled().await;
    let world = app.drained().await;
    world.all_settled().await;
    let mails = world.queue().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0].to_email, address(user));
}
