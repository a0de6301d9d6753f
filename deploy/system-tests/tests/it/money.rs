//! Credits and plans, as people meet them.

use std::time::{Duration, Instant};

use pitchey_events::Service;
use pitchey_system_tests::{Client, Person, Platform, SOON, wait_until};
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
async fn an_operator_can_stop_and_resume_charging_while_everything_runs() {
    let platform = Platform::builder().replicas(Service::Payments, 2).start().await;
    let cast = Cast::assemble(&platform).await;
    let [before, ..] = credits(&platform, &cast.requester).await;
    let switch = async |arguments: &[&str], percent: &str| {
        let arguments = [&["flags", "set", "charge_credits", "--by", "ann", "--reason", "a test"], arguments];
        let (code, said) = platform.ctl(&arguments.concat()).await;
        assert_eq!(code, 0, "{said}");
        let switched = Instant::now();
        let told = format!("feature_flag_percent{{flag=\"charge_credits\"}} {percent}\n");
        for replica in platform.replicas_of(Service::Payments) {
            let metrics = Client::unsigned(replica.address());
            wait_until("every replica to know", SOON, async || {
                let answer = metrics.get("/metrics").send().await;
                String::from_utf8_lossy(&answer.bytes).contains(&told)
            })
            .await;
        }
        assert!(switched.elapsed() < Duration::from_secs(2), "{:?}", switched.elapsed());
    };

    let charged = World::build(&platform, &cast, Given::Pending).await;
    switch(&["--off"], "0").await;
    let free = World::build(&platform, &cast, Given::Approved).await;
    assert_eq!(credits(&platform, &cast.requester).await, [before - 10, 10, 0], "only the first is paid");
    switch(&["--on"], "100").await;
    let approve = |nda| format!("/api/ndas/{nda}/approve");
    cast.owner.post(&platform, &approve(charged.nda), &json!({})).await.expect(200);
    let revoke = format!("/api/ndas/{}/revoke", free.nda);
    cast.owner.post(&platform, &revoke, &json!({ "reason": "It was free." })).await.expect(200);
    platform.settled().await;
    assert_eq!(credits(&platform, &cast.requester).await, [before - 10, 0, 10], "nothing is given back");
    World::build(&platform, &cast, Given::Pending).await;
    assert_eq!(credits(&platform, &cast.requester).await, [before - 20, 10, 10], "charged again");

    let switched = platform.audit_log().await;
    let switched = switched.iter().filter(|line| line.action == "feature_flag.switched").count();
    assert_eq!(switched, 2);
    let (code, said) = platform.ctl(&["maintenance", "run", "payments/reconcile"]).await;
    assert!(code == 0 && said.trim_end().ends_with("touched 0"), "the books: {said}");
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
