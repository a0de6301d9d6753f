use chrono::TimeDelta;
use pitchey_events::*;
use pitchey_testkit::Client;
use serde_json::{Value, json};

use crate::app::{App, parties};

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_is_in_the_sums_of_whom_it_concerns() {
    let app = App::alone().await;
    let (owner, buyer) = (app.db.creator().await, app.db.investor().await);
    let pitch = app.db.pitch(owner.id).await;
    let (pitch_id, owner_id) = (pitch, owner.id);
    let pitch_title = "The Lighthouse".to_owned();
    let nda = |id| parties(id, pitch, owner.id, buyer.id);
    let now = app.clock.now();

    app.deliveries
        .deliver(&PitchPublished {
            pitch_id,
            owner_id,
            first_time: true,
            pitch_title: pitch_title.clone(),
            hold: None,
        })
        .await;
    app.deliveries.deliver(&UserFollowed { user_id: owner.id, follower_id: buyer.id }).await;
    app.deliveries
        .deliver(&PitchFollowed {
            pitch_id,
            owner_id,
            pitch_title: pitch_title.clone(),
            follower_id: buyer.id,
        })
        .await;
    app.deliveries.deliver(&PitchUnfollowed { pitch_id, owner_id, follower_id: buyer.id }).await;
    app.deliveries
        .deliver(&PitchLiked { pitch_id, owner_id, pitch_title: pitch_title.clone(), user_id: buyer.id })
        .await;
    app.deliveries
        .deliver(&PitchCommented {
            pitch_id,
            owner_id,
            pitch_title: pitch_title.clone(),
            comment_id: 1,
            author_id: buyer.id,
        })
        .await;
    app.deliveries.deliver(&NdaRequested { parties: nda(1), with_message: false }).await;
    app.deliveries.deliver(&NdaApproved { parties: nda(1), by_policy: false, sign_until: now }).await;
    app.deliveries.deliver(&NdaSigned { parties: nda(1), signed_at: now, expires_at: None }).await;
    app.deliveries.deliver(&NdaRevoked { parties: nda(1), was_signed: true, revoked_by: owner.id }).await;
    app.deliveries.deliver(&NdaExpired { parties: nda(2), was: "pending".to_owned() }).await;
    app.deliveries.deliver(&NdaWithdrawn { parties: nda(3) }).await;
    let paid = PaymentSucceeded {
        user_id: buyer.id,
        transaction_id: 1,
        amount_cents: 2_999,
        currency: "EUR".to_owned(),
        description: "30 credits".to_owned(),
        invoice_number: "2026-000001".to_owned(),
        paid_at: now,
    };
    app.deliveries.deliver(&paid).await;
    let refunded = PaymentRefunded {
        user_id: buyer.id,
        transaction_id: 1,
        amount_cents: 999,
        currency: "EUR".to_owned(),
        invoice_number: "2026-000002".to_owned(),
    };
    app.deliveries.deliver(&refunded).await;

    // An event's time is that of its id, so the sums are of the present.
    let by_now = Client::gateway(Service::Analytics, app.service.http_address()).by(&app.clock);
    let get = async |path: &str, who| by_now.get(path).as_(who).send().await.ok();
    let dashboard = get("/api/creator/dashboard?timeframe=7d", &owner).await;
    assert_eq!(dashboard["totalPitches"], 1, "{dashboard}");
    assert_eq!(dashboard["followers"], json!({ "total": 1, "gained": 1, "lost": 0 }));
    assert_eq!(dashboard["pitchFollowers"], json!({ "total": 0, "gained": 1, "lost": 1 }));
    assert_eq!(dashboard["likes"]["total"], 1);
    assert_eq!(dashboard["comments"], 1);
    let ndas = &dashboard["ndas"];
    let counts =
        ["requested", "approved", "rejected", "signed", "withdrawn", "revoked", "expired", "answers"];
    assert_eq!(counts.map(|key| ndas[key].as_i64().unwrap()), [1, 1, 0, 1, 1, 1, 1, 1]);
    assert!(ndas["medianAnswerSeconds"].is_f64(), "{ndas}");
    assert_eq!(dashboard["views"], 0);
    assert_eq!(dashboard["averageViewSeconds"], Value::Null, "nobody looked");
    assert_eq!(dashboard["topPitches"], json!([]));

    let dashboard = get("/api/investor/dashboard", &buyer).await;
    assert_eq!(dashboard["ndas"]["signed"], 1, "{dashboard}");
    assert_eq!(dashboard["following"]["total"], 1);
    assert_eq!(dashboard["watchlist"], json!({ "total": 0, "gained": 1, "lost": 1 }));
    assert_eq!(dashboard["spent"], json!([{ "currency": "EUR", "amountCents": 2_000 }]));

    let mine = get("/api/analytics/user?timeframe=7d", &buyer).await;
    assert_eq!(mine["activity"]["nda.requested"], 1, "{mine}");
    assert_eq!(mine["received"], json!({}));
    let of_pitch = get(&format!("/api/pitches/{pitch}/analytics?timeframe=24h"), &owner).await;
    assert_eq!(of_pitch["title"], "The Lighthouse");
    assert_eq!(of_pitch["likes"]["gained"], 1);
    app.assert_sums().await;

    // Who is gone is in nobody's sums any more, but what happened to others is.
    app.deliveries.deliver(&UserDeleted { user_id: buyer.id }).await;
    assert_eq!(get("/api/analytics/user", &buyer).await["activity"], json!({}));
    assert_eq!(get("/api/creator/dashboard", &owner).await["ndas"]["signed"], 1);
    app.assert_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_median_is_of_answers_given_by_people_in_whatever_order_events_come() {
    let app = App::alone().await;
    let (owner, buyer) = (app.db.creator().await, app.db.investor().await);
    let pitch = app.pitch(owner.id).await;
    let now = app.clock.now();
    let nda = |id| parties(id, pitch, owner.id, buyer.id);
    app.deliveries.deliver(&NdaApproved { parties: nda(1), by_policy: false, sign_until: now }).await;
    app.deliveries.deliver(&NdaRequested { parties: nda(1), with_message: false }).await;
    app.deliveries.deliver(&NdaRequested { parties: nda(2), with_message: false }).await;
    app.deliveries.deliver(&NdaApproved { parties: nda(2), by_policy: true, sign_until: now }).await;
    app.deliveries.deliver(&NdaRequested { parties: nda(3), with_message: false }).await;
    app.deliveries.deliver(&NdaRejected { parties: nda(3), with_reason: false }).await;
    app.deliveries.deliver(&NdaRequested { parties: nda(4), with_message: false }).await;
    for (nda, minutes) in [(1, 10), (2, 0), (3, 30)] {
        let earlier = TimeDelta::minutes(minutes).num_seconds();
        app.db
            .execute(&format!(
                "UPDATE nda_timings SET requested_at = answered_at - interval '{earlier} seconds' WHERE nda_id = {nda}"
            ))
            .await;
    }
    let answer = app.client.get(&format!("/api/pitches/{pitch}/analytics")).as_(&owner).send().await.ok();
    assert_eq!(answer["ndas"]["answers"], 2, "{answer}");
    assert_eq!(answer["ndas"]["medianAnswerSeconds"], 1_200.0);
    app.assert_sums().await;
}
