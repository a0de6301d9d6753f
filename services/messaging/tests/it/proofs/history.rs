//! A conversation as long as a life.

use std::time::{Duration, Instant};

use pitchey_events::MessageSent;
use pitchey_identity::Actor;
use pitchey_testkit::{SOON, size, wait_until};
use serde_json::json;

use crate::app::{App, conversation};

/// A conversation of `count` messages that nobody has read; they say nothing.
async fn long_conversation(app: &App, ann: &Actor, bob: &Actor, count: i64) -> i64 {
    let talk = conversation(&app.sent(ann, bob, "first").await);
    app.db
        .execute(&format!(
            "INSERT INTO messages (conversation_id, sender_id, message_type, deleted_at) SELECT {talk}, {}, 'text', NULL FROM generate_series(1, {count});
             ANALYZE messages",
            ann.id
        ))
        .await;
    talk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_pages_at_constant_cost_and_is_read_in_a_handful_of_rows() {
    let app = App::start().await;
    let (ann, bob) = app.pair().await;
    let count = size(5_000, 100_000);
    let talk = long_conversation(&app, &ann, &bob, count).await;

    // Pages follow each other without a gap, down to the first message.
    let (mut before, mut pages, mut seen) = (String::new(), Vec::new(), 0);
    loop {
        let begun = Instant::now();
        let page = app.get(&format!("/api/conversations/{talk}?limit=100{before}"), &bob).await.ok();
        pages.push(begun.elapsed());
        seen += page["messages"].as_array().unwrap().len();
        let Some(next) = page["meta"]["nextCursor"].as_str() else { break };
        before = format!("&before={next}");
    }
    assert_eq!(seen as i64, count + 1);
    let half = pages.len() / 2;
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2]
    };
    let (early, late) = (median(&pages[..half]), median(&pages[half..]));
    println!(
        "history of {count}: {} pages, median of the newer half {early:?}, of the older half {late:?}",
        pages.len()
    );
    assert!(late < early * 3, "older pages cost more: {early:?}, then {late:?}");

    // What was shown was delivered; reading touches the newest of that, and the reader's position.
    let delivered = format!(
        "SELECT last_delivered_message_id = (SELECT max(id) FROM messages) FROM conversation_participants WHERE user_id = {}",
        bob.id
    );
    wait_until("the delivery to be noted", SOON, async || app.text(&delivered).await == "true").await;
    app.post(&format!("/api/conversations/{talk}/read"), &bob, json!({})).await.expect(200);
    let touched = app.number("SELECT count(*) FROM message_read_receipts WHERE read_at IS NOT NULL").await;
    assert!((1..=11).contains(&touched), "reading the last message touched {touched} rows");
    assert_eq!(app.get("/api/messages/unread-count", &bob).await.ok()["unreadCount"], 0);
    app.emitted.ignore::<MessageSent>();
}
