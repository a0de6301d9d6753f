use pitchey_events::SessionsRevoked;
use serde_json::json;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_replaces_both_tokens_of_the_same_session() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let answer = app.refresh(&ada.refresh).await.expect(200);
    assert_eq!((&answer["expires_in"], answer.header("cache-control")), (&json!(7200), Some("no-store")));
    let next = app.member(&ada.email, &answer.json).await;
    assert_eq!(next.actor.session_id, ada.actor.session_id);
    assert_ne!((&next.token, &next.refresh), (&ada.token, &ada.refresh));
    assert_eq!(app.session(&ada.token).await, None, "the old access token ends with its successor's birth");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_lives_two_hours_and_a_refresh_token_seven_days() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    app.pass("1 hour 59 minutes").await;
    assert!(app.session(&ada.token).await.is_some());
    app.pass("2 minutes").await;
    assert_eq!(app.session(&ada.token).await, None);
    app.pass("6 days 20 hours").await;
    let answer = app.refresh(&ada.refresh).await.expect(200);
    let next = app.member(&ada.email, &answer.json).await;
    app.pass("7 days 1 second").await;
    app.refresh(&next.refresh).await.refused(401, "refresh_token_invalid");
    app.refresh("pitchey_rt_nobodys").await.refused(401, "refresh_token_invalid");
    app.refresh("").await.refused(400, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_just_replaced_is_good_for_half_a_minute_more() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    app.refresh(&ada.refresh).await.expect(200);
    app.pass("20 seconds").await;
    let answer = app.refresh(&ada.refresh).await.expect(200);
    let again = app.member(&ada.email, &answer.json).await;
    assert_eq!(again.actor.session_id, ada.actor.session_id);
    app.refresh(&again.refresh).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_refresh_token_ends_the_session_for_everybody() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let answer = app.refresh(&ada.refresh).await.expect(200);
    let thief = app.member(&ada.email, &answer.json).await;
    let elsewhere = app.log_in(&ada.email).await;
    app.pass("31 seconds").await;

    app.refresh(&ada.refresh).await.refused(401, "refresh_token_reused");
    assert_eq!(app.session(&thief.token).await, None);
    app.refresh(&thief.refresh).await.refused(401, "refresh_token_invalid");
    assert!(app.session(&elsewhere.token).await.is_some(), "other sessions are not concerned");

    let event: SessionsRevoked = app.emitted.take().await;
    assert_eq!((event.user_id, event.session_ids), (ada.actor.id, vec![ada.actor.session_id]));
    let reused = ("session.refresh_reused".to_owned(), Some(ada.actor.session_id.to_string()));
    assert_eq!(app.audited().await.last(), Some(&reused));

    app.refresh(&ada.refresh).await.refused(401, "refresh_token_reused");
    assert_eq!(app.emitted.types().await, Vec::<String>::new(), "it ends once");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_windows_that_refresh_at_once_both_go_on() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let (one, other) = tokio::join!(app.refresh(&ada.refresh), app.refresh(&ada.refresh));
    let mut windows = [
        app.member(&ada.email, &one.expect(200).json).await,
        app.member(&ada.email, &other.expect(200).json).await,
    ];
    for _ in 0..3 {
        // Long after the grace, in turns; each with its own pair.
        app.pass("90 minutes").await;
        for window in &mut windows {
            assert_eq!(app.session(&window.token).await.unwrap().actor.session_id, ada.actor.session_id);
            let answer = app.refresh(&window.refresh).await.expect(200);
            *window = app.member(&ada.email, &answer.json).await;
        }
    }
    assert_eq!(app.count("sessions").await, 1);
    assert_eq!(app.count("session_branches").await, 1, "what was refreshed is gone");

    // A log-out in one is one in both; and a token that was used is still an alarm.
    app.pass("31 seconds").await;
    app.refresh(&ada.refresh).await.refused(401, "refresh_token_reused");
    app.emitted.take::<SessionsRevoked>().await;
    for window in windows {
        assert_eq!(app.session(&window.token).await, None);
        app.refresh(&window.refresh).await.refused(401, "refresh_token_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_nobody_used_expires_by_itself() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    // The answer was lost, and the client asked again.
    let lost = app.refresh(&ada.refresh).await.expect(200);
    let answer = app.refresh(&ada.refresh).await.expect(200);
    let mut kept = app.member(&ada.email, &answer.json).await;
    for _ in 0..2 {
        app.pass("4 days").await;
        let answer = app.refresh(&kept.refresh).await.expect(200);
        kept = app.member(&ada.email, &answer.json).await;
    }
    let lost = lost["refreshToken"].as_str().unwrap();
    app.refresh(lost).await.refused(401, "refresh_token_invalid");
    assert!(app.session(&kept.token).await.is_some(), "which is no alarm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_at_once_from_many_windows_leaves_one_session_with_a_few_of_them() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let answers = futures_util::future::join_all((0..12).map(|_| app.refresh(&ada.refresh))).await;
    let mut alive = 0;
    for answer in answers {
        let answer = answer.expect(200).json;
        alive += usize::from(app.session(answer["token"].as_str().unwrap()).await.is_some());
    }
    assert_eq!(alive, 5, "the last pair is the session's, and four before it go on beside it");
    assert_eq!(app.count("sessions WHERE ended_at IS NULL").await, 1);
    assert_eq!(app.count("session_refresh_tokens").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_not_refreshed() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    app.client.post("/api/auth/logout").as_(&ada.actor).send().await.expect(200);
    app.emitted.take::<SessionsRevoked>().await;
    app.refresh(&ada.refresh).await.refused(401, "refresh_token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_tokens_are_forgotten_when_they_would_have_expired() {
    let app = App::start().await;
    let ada = app.creator("ada").await;
    let mut refresh = ada.refresh.clone();
    for _ in 0..3 {
        app.pass("4 days").await;
        let answer = app.refresh(&refresh).await.expect(200);
        refresh = answer["refreshToken"].as_str().unwrap().to_owned();
    }
    assert_eq!(app.count("session_refresh_tokens").await, 2);
}
