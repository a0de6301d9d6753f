use chrono::TimeDelta;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use pitchey_testkit::{SOON, wait_until};

use crate::world::{World, daily, quick, unlucky};

/// Value of the metric whose line begins with `name`.
fn value(metrics: &PrometheusHandle, name: &str) -> Option<f64> {
    let text = metrics.render();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_when_a_job_last_succeeded_on_every_replica() {
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let world = World::new().await;
    let jobs = world.jobs().await.once("count", daily(), quick).once("try", daily(), unlucky).start();
    let seconds = world.clock.now().timestamp();
    let succeeded = r#"jobs_last_success_timestamp_seconds{service="pitches",job_name="count"}"#;
    #[expect(clippy::cast_precision_loss, reason = "seconds of this millennium")]
    let as_told = |at: i64| Some(at as f64);
    wait_until("the run", SOON, async || value(&metrics, succeeded) == as_told(seconds)).await;
    let failing = r#"jobs_failing{service="pitches",job_name="try"}"#;
    wait_until("the other", SOON, async || value(&metrics, failing) == Some(1.0)).await;
    assert_eq!(value(&metrics, r#"jobs_rows_total{service="pitches",job_name="count"}"#), Some(7.0));
    let runs = r#"jobs_run_seconds_count{service="pitches",job_name="count",outcome="succeeded"}"#;
    assert_eq!(value(&metrics, runs), Some(1.0));
    jobs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_has_run_nothing_tells_what_others_did() {
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let world = World::new().await;
    world
        .db
        .execute(
            "INSERT INTO maintenance_runs (service, job, period, started_at, finished_at, outcome)
             VALUES ('pitches', 'count', '2026-11-20', '2026-11-20 00:00Z', '2026-11-20 00:01Z', 'succeeded'),
                    ('pitches', 'count', '2026-11-22', '2026-11-22 11:59Z', '2026-11-22 11:59:30Z', 'failed'),
                    ('payments', 'count', '2026-11-22', '2026-11-22 11:59Z', '2026-11-22 11:59:30Z', 'succeeded')",
        )
        .await;
    let jobs = world.jobs().await.once("count", daily(), quick).start();
    let failing = r#"jobs_failing{service="pitches",job_name="count"}"#;
    wait_until("what is told", SOON, async || value(&metrics, failing) == Some(1.0)).await;
    let succeeded = r#"jobs_last_success_timestamp_seconds{service="pitches",job_name="count"}"#;
    assert_eq!(value(&metrics, succeeded), Some(1_795_132_860.0));
    world.pass(TimeDelta::minutes(10));
    assert_eq!(jobs.run("count").await.unwrap(), Some(7));
    assert_eq!(value(&metrics, failing), Some(0.0));
    jobs.stop().await;
}
