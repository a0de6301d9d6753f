use chrono::TimeDelta;
use futures_util::future::join_all;
use pitchey_events::{
    PitchCommented, PitchFollowed, PitchId, PitchLiked, PitchUnfollowed, PitchUnliked, UserBlocked,
    UserFollowed, UserType, UserUnfollowed,
};
use pitchey_identity::Actor;
use pitchey_testkit::{Answer, SOON, wait_until};
use serde_json::{Value, json};

use crate::app::{App, id};
use crate::discovery::deliveries;

async fn delete(app: &App, path: &str, actor: &Actor) -> Answer {
    app.client.delete(path).as_(actor).send().await
}

fn users(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|user| user["id"].as_i64().unwrap()).collect()
}

/// A service that tells of nothing but what happens around pitches.
async fn social() -> App {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<pitchey_events::PitchPublished>();
    app.emitted.ignore::<pitchey_events::PitchChanged>();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_is_there_once_however_often_it_is_asked_for_or_ended() {
    let app = social().await;
    let (ann, bob) = (app.creator().await, app.investor().await);
    let path = format!("/api/users/{}/follow", ann.id);
    let first = app.post(&path, &bob, json!({})).await.expect(201);
    assert_eq!(first["following"], true);
    assert_eq!(
        app.emitted.take::<UserFollowed>().await,
        UserFollowed { user_id: ann.id, follower_id: bob.id }
    );
    assert_eq!(app.post(&path, &bob, json!({})).await.expect(200)["following"], true);
    for (path, actor, expected) in [
        (format!("/api/users/{}/followers", ann.id), &ann, vec![i64::from(bob.id.0)]),
        (format!("/api/users/{}/following", bob.id), &ann, vec![i64::from(ann.id.0)]),
        ("/api/user/followers".to_owned(), &ann, vec![i64::from(bob.id.0)]),
        ("/api/user/following".to_owned(), &bob, vec![i64::from(ann.id.0)]),
        ("/api/user/following".to_owned(), &ann, vec![]),
    ] {
        let list = app.get(&path, actor).await.ok();
        assert_eq!(
            (users(&list), &list["meta"]["total"]),
            (expected.clone(), &json!(expected.len())),
            "{path}"
        );
        assert!(!list.to_string().contains("email\""), "lists show public projections only");
    }
    assert_eq!(delete(&app, &path, &bob).await.expect(200)["following"], false);
    app.emitted.take::<UserUnfollowed>().await;
    delete(&app, &path, &bob).await.expect(200);
    assert_eq!(users(&app.get("/api/user/following", &bob).await.ok()), Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_follows_themselves_strangers_to_accounts_or_across_a_block() {
    let app = social().await;
    let (ann, bob) = (app.creator().await, app.investor().await);
    let follow =
        async |actor: &Actor, id: i32| app.post(&format!("/api/users/{id}/follow"), actor, json!({})).await;
    follow(&ann, ann.id.0).await.refused(403, "self_follow");
    follow(&ann, 999_999).await.refused(404, "not_found");
    app.get("/api/users/999999/followers", &ann).await.refused(404, "not_found");
    app.others.known().blocks.insert((bob.id.0, ann.id.0));
    follow(&ann, bob.id.0).await.refused(403, "not_possible");
    follow(&bob, ann.id.0).await.refused(403, "not_possible");
    let pitch = app.published(&ann).await;
    app.post("/api/watchlist", &bob, json!({ "pitchId": pitch })).await.refused(403, "not_possible");
    let comment =
        app.post(&format!("/api/pitches/{pitch}/comments"), &bob, json!({ "content": "Hm." })).await;
    comment.refused(403, "not_possible");
    app.others.known().away = true;
    follow(&ann, bob.id.0).await.refused(503, "dependency_unavailable");
    assert_eq!(app.number("SELECT count(*) FROM follows").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_ends_what_the_two_follow_of_each_other() {
    let app = social().await;
    let (ann, bob, eve) = (app.creator().await, app.creator().await, app.investor().await);
    let (of_ann, of_bob) = (app.published(&ann).await, app.published(&bob).await);
    for (follower, followed) in [(&ann, &bob), (&bob, &ann), (&eve, &ann)] {
        app.post(&format!("/api/users/{}/follow", followed.id), follower, json!({})).await.expect(201);
        app.emitted.take::<UserFollowed>().await;
    }
    for (follower, pitch) in [(&ann, of_bob), (&bob, of_ann), (&eve, of_ann)] {
        app.post("/api/watchlist", follower, json!({ "pitchId": pitch })).await.expect(201);
        app.emitted.take::<PitchFollowed>().await;
    }
    let event = UserBlocked { blocker_id: bob.id, blocked_id: ann.id };
    deliveries(&app).await.deliver(&event).await;
    for _ in 0..2 {
        app.emitted.take::<UserUnfollowed>().await;
        app.emitted.take::<PitchUnfollowed>().await;
    }
    assert_eq!(app.number("SELECT count(*) FROM follows").await, 2, "those of somebody else stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_list_has_the_followed_pitches_that_are_published() {
    let app = social().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let (one, two, draft) =
        (app.published(&owner).await, app.published(&owner).await, app.pitch_with(&owner, json!({})).await);
    let watch = async |pitch: i64, actor: &Actor| {
        app.post("/api/watchlist", actor, json!({ "pitchId": pitch })).await
    };
    for pitch in [one, two] {
        app.pass(TimeDelta::minutes(1));
        assert_eq!(watch(pitch, &buyer).await.expect(201)["following"], true);
        let told = app.emitted.take::<PitchFollowed>().await;
        assert_eq!(
            (told.pitch_title.as_str(), told.owner_id, told.follower_id),
            ("The Lighthouse", owner.id, buyer.id)
        );
    }
    watch(one, &buyer).await.expect(200);
    watch(one, &owner).await.refused(403, "own_pitch");
    watch(draft, &buyer).await.refused(404, "not_found");
    watch(draft, &owner).await.refused(409, "pitch_wrong_state");
    app.post("/api/watchlist", &buyer, json!({})).await.invalid(&["pitchId"]);
    let list = app.get("/api/watchlist", &buyer).await.ok();
    assert_eq!(users(&list), [two, one], "the newest first");
    assert!(list["data"][0].get("longSynopsis").is_none());
    assert_eq!(list["data"][0]["user"]["id"], owner.id.0);
    app.post(&format!("/api/pitches/{two}/unpublish"), &owner, json!({})).await.expect(200);
    assert_eq!(users(&app.get("/api/watchlist", &buyer).await.ok()), [one]);
    delete(&app, &format!("/api/watchlist/{two}"), &buyer).await.expect(200);
    app.emitted.take::<PitchUnfollowed>().await;
    delete(&app, &format!("/api/watchlist/{two}"), &buyer).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn likes_are_counted_exactly_whoever_likes_at_once() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}/like");
    let mut fans = Vec::new();
    for _ in 0..12 {
        fans.push(app.person(UserType::Viewer, |_| {}).await);
    }
    // Everybody twice at once: once it is new.
    let twice = fans.iter().chain(&fans).map(|fan| app.post(&path, fan, json!({})));
    let answers = join_all(twice).await;
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(new, fans.len(), "{answers:?}");
    let count = async || app.get(&format!("/api/pitches/{pitch}"), &owner).await["likeCount"].clone();
    assert_eq!(count().await, 12);
    assert_eq!(app.get(&format!("/api/pitches/{pitch}/likes"), &owner).await["meta"]["total"], 12);
    let ends = fans[..5].iter().chain(&fans[..5]).map(|fan| delete(&app, &path, fan));
    assert!(join_all(ends).await.iter().all(|answer| answer.status == 200 && answer["liked"] == false));
    assert_eq!(count().await, 7);
    assert_eq!(app.post(&path, &fans[0], json!({})).await.expect(201)["likeCount"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_like_tells_the_owner_once() {
    let app = social().await;
    let (owner, fan) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}/like");
    app.post(&path, &fan, json!({})).await.expect(201);
    app.post(&path, &fan, json!({})).await.expect(200);
    let told = app.emitted.take::<PitchLiked>().await;
    assert_eq!(
        (told.owner_id, told.user_id, told.pitch_title.as_str()),
        (owner.id, fan.id, "The Lighthouse")
    );
    delete(&app, &path, &fan).await.expect(200);
    delete(&app, &path, &fan).await.expect(200);
    app.emitted.take::<PitchUnliked>().await;
    let draft = app.pitch_with(&owner, json!({})).await;
    app.post(&format!("/api/pitches/{draft}/like"), &fan, json!({})).await.refused(404, "not_found");
    app.get(&format!("/api/pitches/{draft}/likes"), &fan).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_belong_to_their_authors_and_are_removed_by_three() {
    let app = social().await;
    let (owner, ann, bob) =
        (app.creator().await, app.investor().await, app.person(UserType::Viewer, |_| {}).await);
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/{pitch}/comments");
    let say =
        async |actor: &Actor, content: &str| app.post(&path, actor, json!({ "content": content })).await;
    let mut said = Vec::new();
    for (actor, content) in [(&ann, "Fine."), (&bob, "Not bad."), (&owner, "Thank you."), (&ann, "More!")] {
        app.pass(TimeDelta::seconds(1));
        let comment = say(actor, &format!("  {content} ")).await.expect(201)["comment"].clone();
        assert_eq!((&comment["content"], &comment["user"]["id"]), (&json!(content), &json!(actor.id.0)));
        let told = app.emitted.take::<PitchCommented>().await;
        assert_eq!((told.pitch_id, told.author_id), (PitchId(i32::try_from(pitch).unwrap()), actor.id));
        said.push(id(&comment));
    }
    say(&ann, "").await.invalid(&["content"]);
    say(&ann, &"x".repeat(2_001)).await.invalid(&["content"]);
    let list = app.client.get(&format!("{path}?limit=3")).send().await.ok();
    assert_eq!(users(&list), [said[3], said[2], said[1]]);
    let cursor = list["meta"]["nextCursor"].as_str().unwrap();
    assert_eq!(users(&app.client.get(&format!("{path}?cursor={cursor}")).send().await.ok()), [said[0]]);
    let counted = async || app.get(&format!("/api/pitches/{pitch}"), &owner).await["commentCount"].clone();
    assert_eq!(counted().await, 4);

    let one = format!("{path}/{}", said[0]);
    let put = async |actor: &Actor| {
        app.client.put(&one).as_(actor).json(&json!({ "content": "Very fine." })).send().await
    };
    put(&bob).await.refused(403, "forbidden");
    put(&owner).await.refused(403, "forbidden");
    let changed = put(&ann).await.expect(200)["comment"].clone();
    assert_eq!((&changed["content"], &changed["edited"]), (&json!("Very fine."), &json!(true)));
    delete(&app, &one, &bob).await.refused(403, "forbidden");
    delete(&app, &format!("{path}/999999"), &bob).await.refused(404, "not_found");
    delete(&app, &format!("{path}/x"), &bob).await.refused(404, "not_found");
    let other = app.published(&owner).await;
    delete(&app, &format!("/api/pitches/{other}/comments/{}", said[0]), &ann).await.refused(404, "not_found");
    for (comment, actor) in [(said[0], &ann), (said[1], &owner), (said[3], &app.operator().await)] {
        delete(&app, &format!("{path}/{comment}"), actor).await.expect(200);
    }
    assert_eq!(counted().await, 1);
    let removed = app.actions("pitch", pitch).await;
    assert_eq!(
        removed.iter().filter(|action| *action == "pitch.comment_removed").count(),
        2,
        "by others than the author"
    );
    let draft = app.pitch_with(&owner, json!({})).await;
    let on_draft =
        app.post(&format!("/api/pitches/{draft}/comments"), &owner, json!({ "content": "Note." })).await;
    on_draft.refused(409, "pitch_wrong_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_links_are_signed_and_their_openings_counted() {
    let app = App::start().await;
    let (owner, fan) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let share = async |platform: Value| {
        app.post(&format!("/api/pitches/{pitch}/share"), &fan, json!({ "platform": platform })).await
    };
    let first = share(json!("Twitter")).await.expect(201);
    let url = first["shareUrl"].as_str().unwrap().to_owned();
    let token = url.strip_prefix(&format!("https://pitchey.test/pitches/{pitch}?share=")).unwrap().to_owned();
    assert_eq!(share(json!("twitter")).await.expect(200)["shareUrl"], url, "one link for each place");
    assert_ne!(share(json!(null)).await.expect(201)["shareUrl"], url);
    let link = app.get(&format!("/api/pitches/{pitch}/share-link"), &fan).await.expect(200);
    assert_eq!((&link["platform"], &link["opens"]), (&json!("link"), &json!(0)));

    let open = async |token: &str| {
        app.client.get(&format!("/api/pitches/{pitch}?share={token}")).send().await.expect(200);
        app.client.get(&format!("/api/pitches/public/{pitch}?share={token}")).send().await.expect(200);
    };
    open(&token).await;
    open("made-up").await;
    app.get(&format!("/api/pitches/{pitch}?share={token}"), &owner).await.expect(200);
    let opens = async || share(json!("twitter")).await.expect(200)["opens"].clone();
    wait_until("the openings to be written", SOON, async || opens().await == 3).await;
    app.pass(TimeDelta::days(91));
    open(&token).await;
    let again = share(json!("twitter")).await.expect(200);
    assert_ne!(again["shareUrl"], url, "an ended link is replaced");
    assert_eq!(app.number("SELECT sum(opens) FROM pitch_share_links").await, 3);
    let draft = app.pitch_with(&owner, json!({})).await;
    app.post(&format!("/api/pitches/{draft}/share"), &fan, json!({})).await.refused(404, "not_found");
    app.get(&format!("/api/pitches/{draft}/share-link"), &owner).await.refused(409, "pitch_wrong_state");
}
