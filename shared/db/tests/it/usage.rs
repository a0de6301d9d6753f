use metrics_exporter_prometheus::PrometheusBuilder;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_testkit::{SOON, TestDatabase, wait_until};

#[tokio::test]
async fn the_metrics_tell_what_each_role_has_and_how_long_one_waits() {
    let recorder = PrometheusBuilder::new().build_recorder();
    // Of this thread, on which the runtime has all its tasks.
    let _recording = metrics::set_default_local_recorder(&recorder);
    let metrics = recorder.handle();
    let db = TestDatabase::create().await;
    let mut settings = db.settings(Service::Accounts);
    (settings.user_pool, settings.system_pool, settings.wait_ms) = (2, 1, 300);
    let databases = Databases::open(&settings).await.unwrap();
    let told = async |role: &str, [in_use, open, max]: [u8; 3]| {
        let line = |state, connections| {
            format!("db_pool_connections{{role=\"{role}\",state=\"{state}\"}} {connections}\n")
        };
        let lines = [line("in_use", in_use), line("open", open), line("max", max)];
        wait_until(&format!("{lines:?}"), SOON, async || {
            let page = metrics.render();
            lines.iter().all(|line| page.contains(line))
        })
        .await;
    };
    // The schema was looked at.
    told("system", [0, 1, 1]).await;
    told("user", [0, 0, 2]).await;

    let held = (databases.user.begin(None).await.unwrap(), databases.user.connection().await.unwrap());
    told("user", [2, 2, 2]).await;
    assert!(databases.user.begin(None).await.is_err());
    drop(held);
    told("user", [0, 2, 2]).await;

    let page = metrics.render();
    let waited = |what: &str| -> f64 {
        let name = format!("db_pool_wait_seconds_{what}{{role=\"user\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
    };
    assert_eq!(waited("count"), 3.0);
    assert!(waited("sum") >= 0.3, "whoever waited in vain counts, too");
}
