use pitchey_events::{NdaRequested, PitchChanged, PitchPublished};
use pitchey_pitches::CreditsMode;
use serde_json::json;

use crate::app::App;

async fn with_payments() -> App {
    let app = App::start_with(|settings| settings.credits = CreditsMode::Payments).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_holds_ten_credits_whose_key_travels_with_it() {
    let app = with_payments().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
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
    let pitch = app.published(&owner).await;
    app.others.known().balances.insert(buyer.id.0, 9);
    let refused = app.request(pitch, &buyer).await.refused(402, "not_enough_credits");
    assert_eq!(refused["details"], json!({ "balance": 9, "required": 10 }));
    app.others.known().away = true;
    app.request(pitch, &buyer).await.refused(503, "dependency_unavailable");
    assert_eq!(app.number("SELECT count(*) FROM ndas").await, 0);
}

#[test]
fn whether_requests_cost_anything_must_be_chosen() {
    let missing = pitchey_config::load::<pitchey_pitches::Settings>("pitches").unwrap_err();
    let problem = missing.0.iter().find(|problem| problem.variable == "PITCHES_CREDITS").unwrap();
    assert_eq!(problem.what, "is required");
}
