//! One trace from the request to the last thing it led to.

use std::collections::BTreeSet;

use pitchey_events::Service::{Accounts, Gateway, Notifications, Pitches};
use pitchey_system_tests::{Platform, SOON, wait_until};
use serde_json::json;

use crate::world::{Cast, Given, World};

#[tokio::test]
async fn one_trace_id_leads_from_the_request_to_the_consumers_last_log_line() {
    let log = "info,pitchey_gateway=trace,pitchey_web=debug,pitchey_rpc=debug";
    let platform = Platform::builder().set("PITCHEY_TELEMETRY__LOG", log).start().await;
    let cast = Cast::assemble(&platform).await;
    let world = World::build(&platform, &cast, Given::Published).await;

    let requested =
        cast.requester.post(&platform, "/api/ndas/request", &json!({ "pitchId": world.pitch })).await;
    let request_id = requested.header("x-request-id").expect("a request id").to_owned();
    requested.expect(201);
    platform.mail(&cast.owner.email, "nda-requested").await;

    let appended = platform.appended().await;
    let event = appended.iter().find(|event| event.event_type == "nda.requested.v1").expect("the event");
    let traceparent = event.traceparent.as_deref().expect("a trace");
    let trace = traceparent.split('-').nth(1).expect("a trace id").to_owned();

    let line = |service, what: &str| {
        let log = platform.replicas_of(service)[0].log();
        log.lines().any(|line| line.contains(&trace) && line.contains(what))
    };
    assert!(line(Gateway, &request_id), "the gateway's line has both ids");
    assert!(line(Pitches, &request_id), "the service's line has both ids");
    wait_until("the consumer's last line", SOON, async || line(Notifications, "handled nda.requested.v1"))
        .await;
    assert!(!line(Accounts, "handled"), "accounts consumed nothing");

    // Another request is another trace; of this one are the event and what it led to.
    let of_the_trace = appended
        .iter()
        .filter(|event| event.traceparent.as_deref().is_some_and(|traceparent| traceparent.contains(&trace)));
    let types: BTreeSet<_> = of_the_trace.map(|event| event.event_type.as_str()).collect();
    let led_to = BTreeSet::from(["nda.requested.v1", "credits.changed.v1", "notification.created.v1"]);
    assert!(types.is_subset(&led_to), "{types:?}");
}
