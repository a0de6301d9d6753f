use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use pitchey_config::Mode;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

pitchey_config::settings! {
    /// What the process tells of itself.
    pub struct Telemetry {
        /// Which logs to keep, as directives of tracing: `info,pitchey_bus=debug`.
        pub log: String = "info".to_owned(),
        /// Where to send spans by OTLP over gRPC: `http://collector:4317`. Empty keeps them here.
        pub otlp_endpoint: String = String::new(),
    }
}

/// Telemetry could not be turned on.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// `telemetry.log` is not a list of directives.
    #[error("TELEMETRY__LOG: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter could not be made.
    #[error("TELEMETRY__OTLP_ENDPOINT: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The metrics recorder could not be made.
    #[error("metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Sends what is still buffered when dropped.
#[must_use = "spans are flushed when it is dropped"]
pub struct Guard(SdkTracerProvider);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(Duration::from_secs(2)) {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// What this process has counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics;

impl Metrics {
    /// All metrics in Prometheus' text format; empty before [`init`].
    pub fn render(self) -> String {
        RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
    }
}

/// Turns on logs, traces and metrics. Must be called inside of the multi-thread runtime, once.
///
/// # Errors
/// Settings that can't be used.
pub fn init(service: &'static str, mode: Mode, settings: &Telemetry) -> Result<Guard, Failed> {
    let mut provider = SdkTracerProvider::builder().with_resource(
        Resource::builder()
            .with_service_name(format!("pitchey-{service}"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build(),
    );
    if !settings.otlp_endpoint.is_empty() {
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&settings.otlp_endpoint)
            .with_timeout(Duration::from_secs(3))
            .build()?;
        provider = provider.with_batch_exporter(exporter);
    }
    let provider = provider.build();

    // Spans of the transport libraries live as long as their connections and would never be exported.
    let spans = Targets::new().with_default(LevelFilter::INFO).with_targets(
        ["lapin", "h2", "hyper", "tower", "tonic", "tokio_postgres"].map(|t| (t, LevelFilter::OFF)),
    );
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("pitchey"))
        .with_location(false)
        .with_threads(false);
    let logs = if mode.is_development() {
        tracing_subscriber::fmt::layer().compact().with_target(false).boxed()
    } else {
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).boxed()
    };
    tracing_subscriber::registry()
        .with(traces.with_filter(spans))
        .with(logs.with_filter(EnvFilter::try_new(&settings.log)?))
        .init();

    if RECORDER.get().is_none() {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])?
            .install_recorder()?;
        let upkeep = RECORDER.get_or_init(|| recorder).clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(5)).await;
                upkeep.run_upkeep();
            }
        });
    }
    Ok(Guard(provider))
}
