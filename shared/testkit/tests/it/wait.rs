use std::time::Duration;

use pitchey_testkit::{SOON, wait_for, wait_until};

#[tokio::test]
async fn waiting_ends_when_it_has_happened() {
    let mut left = 3;
    wait_until("the third look", SOON, async || {
        left -= 1;
        left == 0
    })
    .await;
    assert_eq!(wait_for("the answer", SOON, async || Some(42)).await, 42);
}

#[tokio::test]
#[should_panic(expected = "for hell to freeze over (looked ")]
async fn waiting_in_vain_says_for_what() {
    wait_until("hell to freeze over", Duration::from_millis(30), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "for an answer")]
async fn a_probe_that_hangs_is_waiting_in_vain_too() {
    wait_for("an answer", Duration::from_millis(30), async || std::future::pending::<Option<()>>().await)
        .await;
}
