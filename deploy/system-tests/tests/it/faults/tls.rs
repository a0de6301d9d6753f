//! Everything by TLS.

use pitchey_events::Service;
use pitchey_system_tests::Platform;
use pitchey_testkit::{SOON, Servers, wait_until};

#[tokio::test]
async fn the_story_of_an_nda_is_played_by_tls_alone() {
    let servers = Servers::start_secure().await;
    let platform = Platform::builder().start_secure(&servers).await;
    let (code, said) = platform.ctl(&["demo"]).await;
    assert_eq!(code, 0, "{said}");
    for event in ["nda.requested.v1", "nda.signed.v1", "nda.revoked.v1"] {
        assert!(said.contains(event), "{event} in {said}");
    }
    wait_until("the outbox to be empty", SOON, async || {
        platform.number("SELECT count(*) AS count FROM outbox").await == 0
    })
    .await;
    let (code, said) = platform.ctl(&["dlq", "list"]).await;
    assert!(code == 0 && said.lines().all(|line| line.ends_with(": none")), "{said}");

    // Nobody has another door.
    for service in [Service::Gateway, Service::Pitches] {
        let replica = platform.replica(service, 0);
        assert_eq!(replica.ask("/metrics").await.0, i32::from(service == Service::Gateway), "{service}");
        let plainly = pitchey_testkit::http().build().unwrap();
        assert!(plainly.get(format!("http://{}/health", replica.address())).send().await.is_err());
    }
    // What operators type says less than the tests' URL.
    let url = platform.db.admin_url();
    let url = url.split("&sslrootcert").next().unwrap();
    for arguments in
        [["migrate", "--database-url", url, "status"], ["maintenance", "--database-url", url, "list"]]
    {
        let (code, said) = platform.ctl(&arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {said}");
    }
}
