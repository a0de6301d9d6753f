use pitchey_events::{NdaRequested, PitchChanged, PitchPromoted, PitchPublished};
use pitchey_identity::Actor;
use pitchey_pitches::CreditsMode;
use serde_json::json;

use crate::app::App;

async fn with_payments() -> App {
    let app = App::start_with(|settings| settings.credits = CreditsMode::Payments).await;
    app.emitted.ignore::<PitchChanged>();
    app
}

/// A pitch whose publication was paid for.
async fn published(app: &App, owner: &Actor) -> i64 {
    app.others.known().balances.insert(owner.id.0, 10);
    let pitch = app.published(owner).await;
    app.emitted.take::<PitchPublished>().await;
    app.others.known().held.clear();
    pitch
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_holds_ten_credits_whose_key_travels_with_it() {
    let app = with_payments().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = published(&app, &owner).await;
    app.others.known().balances.insert(buyer.id.0, 15);
    let nda = app.requested(pitch, &buyer).await;
    let told = app.emitted.take::<NdaRequested>().await;
    assert_eq!(app.others.known().balances[&buyer.id.0], 5);
    let key = app.others.known().held[0].clone();
    assert_eq!(told.parties.hold.unwrap().to_string(), key);
    assert_eq!(app.text(&format!("SELECT hold_key FROM ndas WHERE id = {nda}")).await, key);
    // A repetition holds nothing more.
    app.request(pitch, &buyer).await.expect(200);
    assert_eq!(app.others.known().held.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_pay_or_cannot_be_charged_gets_no_request() {
    let app = with_payments().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = published(&app, &owner).await;
    app.others.known().balances.insert(buyer.id.0, 9);
    let refused = app.request(pitch, &buyer).await.refused(402, "not_enough_credits");
    assert_eq!(refused["details"], json!({ "balance": 9, "required": 10 }));
    app.others.known().away = true;
    app.request(pitch, &buyer).await.refused(503, "dependency_unavailable");
    assert_eq!(app.number("SELECT count(*) FROM ndas").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_publication_and_each_promotion_are_held_for_and_their_keys_travel() {
    let app = with_payments().await;
    let owner = app.creator().await;
    let pitch = app.pitch_with(&owner, json!({})).await;
    let path = format!("/api/pitches/{pitch}");
    let post = async |what: &str| app.post(&format!("{path}/{what}"), &owner, json!({})).await;
    let balance = |credits: i32| app.others.known().balances.insert(owner.id.0, credits);
    post("promote").await.refused(409, "pitch_wrong_state");
    let refused = post("publish").await.refused(402, "not_enough_credits");
    assert_eq!(refused["details"], json!({ "balance": 0, "required": 10 }));
    assert_eq!(app.get(&path, &owner).await["status"], "draft");
    balance(25);
    post("publish").await.expect(200);
    let told = app.emitted.take::<PitchPublished>().await;
    assert_eq!(told.hold.unwrap().to_string(), app.others.known().held[0]);
    // Again, also after it was a draft in between: it has been paid for.
    post("publish").await.expect(200);
    post("unpublish").await.expect(200);
    post("publish").await.expect(200);
    assert_eq!(app.emitted.take::<PitchPublished>().await.hold, None);
    assert_eq!(app.others.known().held.len(), 1);

    let promoted = post("promote").await.expect(200);
    assert!(promoted["pitch"]["promotedUntil"].is_string());
    let told = app.emitted.take::<PitchPromoted>().await;
    assert_eq!(told.hold.unwrap().to_string(), app.others.known().held[1]);
    post("promote").await.expect(200);
    assert_eq!(app.others.known().held.len(), 2);
    assert_eq!(app.others.known().balances[&owner.id.0], 5);
    app.pass(chrono::TimeDelta::days(8));
    post("promote").await.refused(402, "not_enough_credits");
    app.others.known().away = true;
    post("promote").await.refused(503, "dependency_unavailable");
}

#[test]
fn whether_requests_cost_anything_must_be_chosen() {
    let missing = pitchey_config::load::<pitchey_pitches::Settings>("pitches").unwrap_err();
    let problem = missing.0.iter().find(|problem| problem.variable == "PITCHES_CREDITS").unwrap();
    assert_eq!(problem.what, "is required");
}
