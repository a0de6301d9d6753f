use pitchey_events::{NdaSigned, PitchChanged, PitchPublished};
use pitchey_testkit::{SOON, wait_until};
use serde_json::json;

use crate::app::App;

async fn caching() -> App {
    let app = App::start_with(|settings| settings.public_cache_ms = 600_000).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    app.emitted.ignore::<NdaSigned>();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_one_replica_is_soon_seen_by_the_other() {
    let app = caching().await;
    let owner = app.creator().await;
    let (_second, client) = app.replica().await;
    let pitch = app.published(&owner).await;
    let path = format!("/api/pitches/public/{pitch}");
    let title = async |client: &pitchey_testkit::Client| client.get(&path).send().await.json["title"].clone();
    assert_eq!(title(&client).await, "The Lighthouse");
    client.get("/api/pitches/public").send().await.ok();
    let body = json!({ "title": "The Dark House" });
    app.client.put(&format!("/api/pitches/{pitch}")).as_(&owner).json(&body).send().await.ok();
    assert_eq!(title(&app.client).await, "The Dark House", "the replica that wrote knows at once");
    wait_until("the other replica to hear of it", SOON, async || {
        let list = client.get("/api/pitches/public").send().await.ok();
        title(&client).await == "The Dark House" && list["data"][0]["title"] == "The Dark House"
    })
    .await;
    app.post(&format!("/api/pitches/{pitch}/hide"), &owner, json!({})).await.expect(200);
    wait_until("it to be gone", SOON, async || client.get(&path).send().await.status == 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_nobody_holds_nothing_of_anybody() {
    let app = App::start().await;
    let cached = app.replica().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    app.signed(pitch, &owner, &buyer).await;
    let path = format!("/api/pitches/{pitch}");
    let (_, client) = &cached;
    for _ in 0..2 {
        let own = client.get(&path).as_(&owner).send().await.ok();
        let signed = client.get(&path).as_(&buyer).send().await.ok();
        let nobody = client.get(&path).send().await.ok();
        assert_eq!((&own["isOwner"], &signed["hasSignedNDA"]), (&json!(true), &json!(true)));
        assert_eq!((&nobody["isOwner"], &nobody["hasSignedNDA"]), (&json!(false), &json!(false)));
        assert!(nobody.get("longSynopsis").is_none());
    }
}

/// Also when no event arrives: what is kept is never older than a second.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_seen_everywhere_within_a_second_also_without_a_broker() {
    let usual = pitchey_pitches::PUBLIC_CACHE_MS;
    for broker in [true, false] {
        let app = App::start_with(|settings| {
            settings.public_cache_ms = usual;
            if !broker {
                settings.broker = pitchey_bus::Broker::new("amqp://127.0.0.1:1", "nowhere");
            }
        })
        .await;
        app.emitted.ignore::<PitchPublished>();
        app.emitted.ignore::<PitchChanged>();
        let owner = app.creator().await;
        let (_second, client) = app.replica().await;
        let pitch = app.published(&owner).await;
        let everywhere = async || {
            let mut titles = Vec::new();
            for client in [&app.client, &client] {
                let one = client.get(&format!("/api/pitches/{pitch}")).send().await.ok();
                let list = client.get("/api/pitches/public").send().await.ok();
                let found = client.get("/api/pitches/search").send().await.ok();
                titles.extend(
                    [&one["title"], &list["data"][0]["title"], &found["pitches"][0]["title"]]
                        .map(Clone::clone),
                );
            }
            titles
        };
        for title in ["One", "Two and a half", "Three at last"] {
            let title = format!("{title} of the house");
            everywhere().await;
            let body = json!({ "title": title });
            app.client.put(&format!("/api/pitches/{pitch}")).as_(&owner).json(&body).send().await.ok();
            let since = std::time::Instant::now();
            while everywhere().await.iter().any(|shown| *shown != title) {
                assert!(since.elapsed().as_millis() < 1_000, "still not everywhere, broker: {broker}");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}
