use std::sync::Arc;
use std::time::Duration;

use pitchey_testkit::{SOON, wait_until};

use crate::service::Lines;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_write_happens_once_and_gets_the_first_answer() {
    let lines = Lines::start().await;
    let write = || lines.write(r#"{"lineText": "once"}"#).header("idempotency-key", "k1").send();
    let (first, second) = (write().await, write().await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json, second.json);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(lines.lines().await, 1);

    let other = lines.write(r#"{"lineText": "other"}"#).header("idempotency-key", "k1").send().await;
    assert_eq!((other.status, &other.json["code"]), (409, &"idempotency_key_reused".into()));
    let without = [
        lines.write(r#"{"lineText": "twice"}"#).send().await,
        lines.write(r#"{"lineText": "twice"}"#).send().await,
    ];
    assert!(without.iter().all(|answered| answered.status == 201));
    assert_eq!(lines.lines().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_waits_for_the_first_that_is_still_running() {
    let lines = Arc::new(Lines::start().await);
    let write = || {
        let lines = Arc::clone(&lines);
        tokio::spawn(async move {
            lines.write(r#"{"lineText": "slow", "slow": true}"#).header("idempotency-key", "k").send().await
        })
    };
    let (first, second) = (write(), write());
    lines.gate.add_permits(2);
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.status, second.status), (201, 201));
    let replayed =
        [&first, &second].iter().filter(|a| a.headers.contains_key("idempotency-replayed")).count();
    assert_eq!((replayed, lines.lines().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_may_be_tried_again_under_its_key() {
    let lines = Lines::start().await;
    let write = |body: &'static str| lines.write(body).header("idempotency-key", "k").send();
    assert_eq!(write(r#"{"lineText": "x", "fails": true}"#).await.status, 500);
    assert_eq!(write(r#"{"lineText": "x", "fails": true}"#).await.status, 500);
    assert_eq!(write(r#"{"lineText": "x"}"#).await.status, 201);
    assert_eq!(lines.lines().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_hold_a_secret_are_not_kept() {
    let lines = Lines::start().await;
    let write = || lines.write(r#"{"lineText": "x", "secret": true}"#).header("idempotency-key", "k").send();
    let (first, second) = (write().await, write().await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.headers["cache-control"], "no-store");
    assert!(!second.headers.contains_key("idempotency-replayed"));
    assert_eq!(lines.lines().await, 2, "it was done again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_does_not_cut_the_transaction() {
    let lines = Lines::start().await;
    let request = lines.write(r#"{"lineText": "left alone", "slow": true}"#);
    assert!(tokio::time::timeout(Duration::from_millis(300), request.send()).await.is_err());
    assert_eq!(lines.lines().await, 0, "it still waits at the gate");
    lines.gate.add_permits(1);
    wait_until("the write that was left alone commits", SOON, async || lines.lines().await == 1).await;
}
