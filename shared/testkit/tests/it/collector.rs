use pitchey_config::Mode;
use pitchey_telemetry::{Telemetry, trace_context};
use pitchey_testkit::{Collector, SOON, wait_for};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_exports_arrives_with_its_parent() {
    let collector = Collector::start().await;
    let settings = Telemetry { log: "off".to_owned(), otlp_endpoint: collector.endpoint().to_owned() };
    let guard = pitchey_telemetry::init("pitches", Mode::Development, &settings).unwrap();
    {
        let span = tracing::info_span!("request", path = "/pitches");
        trace_context::begin(&span, Some(PARENT));
        span.in_scope(|| {});
    }
    tokio::task::spawn_blocking(move || drop(guard)).await.unwrap();

    let trace =
        async || Some(collector.trace("4bf92f3577b34da6a3ce929d0e0e4736")).filter(|spans| !spans.is_empty());
    let spans = wait_for("the span to arrive", SOON, trace).await;
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].service.as_str(), spans[0].name.as_str()), ("pitchey-pitches", "request"));
    assert_eq!(spans[0].parent_id, "00f067aa0ba902b7");
    assert_eq!(spans[0].attributes["path"], "/pitches");
}
