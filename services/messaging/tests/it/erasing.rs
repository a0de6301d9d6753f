use futures_util::StreamExt;
use pitchey_events::{Service, UserDeleted};
use pitchey_rpc::Privacy;
use pitchey_testkit::identity;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::app::{App, conversation};

#[tokio::test(flavor = "multi_thread")]
async fn of_who_is_gone_tombstones_stay() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let talk = conversation(&app.sent(&ann, &bob, "Remember me").await);
    app.say(&bob, talk, "I will").await.expect(201);
    app.pass(chrono::TimeDelta::seconds(1));
    app.deliveries().await.deliver(&UserDeleted { user_id: ann.id }).await;
    let seen = app.get(&format!("/api/conversations/{talk}"), &bob).await.ok();
    let texts: Vec<&str> =
        seen["messages"].as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["I will", ""]);
    assert!(seen["messages"][1]["deletedAt"].is_string());
    app.say(&bob, talk, "Are you there?").await.refused(409, "conversation_inactive");
    assert_eq!(
        app.number(&format!("SELECT count(*) FROM socket_frames WHERE user_id = {}", ann.id)).await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_gets_everything_about_a_user_for_the_users_export() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let sent = app.sent(&ann, &bob, "My own words").await;
    app.sent(&bob, &ann, "Somebody else's words").await;
    app.post(&format!("/api/conversations/{}/read", conversation(&sent)), &ann, json!({})).await.expect(200);
    let targets = BTreeMap::from([("messaging".to_owned(), format!("http://{}", app.service.rpc_address()))]);
    let signer = identity::signer_by(Service::Accounts, &app.clock);
    let privacy =
        Privacy::new(Service::Messaging, &pitchey_rpc::Targets::from(targets.clone()), signer).unwrap();
    let parts: Vec<_> = privacy.export(ann.id).collect().await;
    let parts: BTreeMap<String, Value> = parts
        .into_iter()
        .map(|part| part.unwrap())
        .map(|(name, rows)| (name, serde_json::from_str(rows.get()).unwrap()))
        .collect();
    assert_eq!(parts["messages"].as_array().unwrap().len(), 1);
    assert_eq!(parts["messages"][0]["content"], "My own words");
    assert_eq!(parts["conversations"][0]["conversationId"], sent["conversationId"]);
    assert_eq!(parts["message_read_receipts"].as_array().unwrap().len(), 1);

    let stranger = Privacy::new(
        Service::Messaging,
        &pitchey_rpc::Targets::from(targets),
        identity::signer_by(Service::Pitches, &app.clock),
    )
    .unwrap();
    assert!(stranger.export(ann.id).collect::<Vec<_>>().await[0].is_err(), "only accounts may ask");
}
