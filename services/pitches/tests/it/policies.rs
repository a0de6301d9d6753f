use pitchey_events::{NdaApproved, NdaRequested, PitchChanged, PitchPublished, UserType};
use serde_json::json;

use crate::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_approves_whom_it_names_and_never_signs() {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let policy = app.get("/api/ndas/policy", &owner).await.ok();
    assert_eq!(policy, json!({ "policy": "never" }));
    for (policy, verified, approves) in [
        ("never", true, false),
        ("verified", false, false),
        ("verified", true, true),
        ("all", false, true),
        ("all", true, true),
    ] {
        let body = json!({ "policy": policy });
        let saved = app.client.put("/api/ndas/policy").as_(&owner).json(&body).send().await.ok();
        assert_eq!(saved["policy"], policy);
        let buyer = app.person(UserType::Investor, |actor| actor.company_verified = verified).await;
        let answer = app.request(pitch, &buyer).await.expect(201);
        let expected = if approves { "approved" } else { "pending" };
        assert_eq!(answer["nda"]["status"], expected, "{policy} {verified}");
        app.emitted.take::<NdaRequested>().await;
        assert!(!app.opens(pitch, &buyer).await);
        let nda = answer["nda"]["id"].as_i64().unwrap();
        if approves {
            assert!(app.emitted.take::<NdaApproved>().await.by_policy);
            assert_eq!(answer["nda"]["documentHash"].as_str().unwrap().len(), 64);
            assert_eq!(app.audited("nda", nda).await[1], ("nda.approved_by_policy".to_owned(), None));
        }
        // A lost answer is asked for again.
        assert_eq!(app.request(pitch, &buyer).await.expect(200)["nda"]["id"], nda);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_for_who_has_pitches() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let put = async |actor, policy: &str| {
        app.client.put("/api/ndas/policy").as_(actor).json(&json!({ "policy": policy })).send().await
    };
    put(&buyer, "all").await.refused(403, "forbidden");
    put(&owner, "sometimes").await.refused(400, "validation_failed");
    put(&owner, "all").await.expect(200);
    put(&owner, "all").await.expect(200);
    assert_eq!(app.get("/api/ndas/policy", &owner).await["policy"], "all");
    app.client.get("/api/ndas/policy").send().await.refused(401, "unauthenticated");
}
