//! Credits and plans, as people meet them.

use std::time::{Duration, Instant};

use pitchey_system_tests::{Person, Platform, SOON, wait_until};
use serde_json::json;

use crate::world::{Cast, Given, World};

/// (balance, held, lifetimeUsed).
async fn credits(platform: &Platform, person: &Person) -> [i64; 3] {
    let balance = person.get(platform, "/api/payments/credits/balance").await.ok();
    ["balance", "held", "lifetimeUsed"].map(|field| balance[field].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_holds_ten_credits_a_no_gives_them_back_and_a_yes_spends_them() {
    let platform = Platform::start().await;
    let cast = Cast::assemble(&platform).await;
    let [before, ..] = credits(&platform, &cast.requester).await;

    let refused = World::build(&platform, &cast, Given::Pending).await;
    assert_eq!(credits(&platform, &cast.requester).await, [before - 10, 10, 0]);
    let path = format!("/api/ndas/{}/reject", refused.nda);
    cast.owner.post(&platform, &path, &json!({})).await.expect(200);
    wait_until("the credits to be back", SOON, async || {
        credits(&platform, &cast.requester).await == [before, 0, 0]
    })
    .await;

    World::build(&platform, &cast, Given::Approved).await;
    wait_until("the credits to be spent", SOON, async || {
        credits(&platform, &cast.requester).await == [before - 10, 0, 10]
    })
    .await;
    platform.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_plan_is_known_everywhere_within_a_second() {
    let platform = Platform::start().await;
    let creator = platform.person("creator").await;
    let tier = async || creator.get(&platform, "/api/user/profile").await.ok()["subscriptionTier"].clone();
    for (plan, status) in [("creator", 201), ("pro", 200)] {
        creator.post(&platform, "/api/payments/subscribe", &json!({ "tier": plan })).await.expect(status);
        let began = Instant::now();
        wait_until("accounts to follow", SOON, async || tier().await == plan).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{plan}: {:?}", began.elapsed());
    }
}
