//! What nobody can handle is kept, and the operator decides.

use pitchey_system_tests::{Platform, SOON, wait_until};
use uuid::Uuid;

/// An event that no consumer can read, as a program with a mistake would write it.
async fn unreadable(platform: &Platform) -> String {
    let id = Uuid::now_v7();
    platform
        .db
        .execute(&format!(
            "INSERT INTO outbox (producer, event_id, event_type, subject, payload)
             VALUES ('pitches', '{id}', 'nda.approved.v1', 'nda/1', '{{\"ndaId\": \"of another shape\"}}')"
        ))
        .await;
    id.to_string()
}

async fn listed(platform: &Platform, id: &str) -> bool {
    let (code, said) = platform.ctl(&["dlq", "list", "notifications"]).await;
    assert_eq!(code, 0, "{said}");
    said.contains(id)
}

#[tokio::test]
async fn an_operator_looks_at_dead_letters_and_gives_them_back_or_throws_them_away() {
    let platform = Platform::start().await;
    let (one, other) = (unreadable(&platform).await, unreadable(&platform).await);
    for id in [&one, &other] {
        wait_until("it to be buried", SOON, async || listed(&platform, id).await).await;
    }

    let (code, said) = platform.ctl(&["dlq", "show", "notifications", &one]).await;
    assert!(code == 0 && said.contains("of another shape") && said.contains("unreadable"), "{said}");

    // Given back, it is not read any better.
    let (code, said) = platform.ctl(&["dlq", "replay", "notifications", &one]).await;
    assert!(code == 0 && said.contains('1'), "{said}");
    wait_until("it to be buried again", SOON, async || listed(&platform, &one).await).await;

    let (code, said) = platform.ctl(&["dlq", "drop", "notifications", &one]).await;
    assert_eq!(code, 0, "{said}");
    assert!(!listed(&platform, &one).await && listed(&platform, &other).await, "one was meant");
    let (code, said) = platform.ctl(&["dlq", "drop", "notifications", &one]).await;
    assert!(code == 1 && said.contains("no dead letter"), "{said}");
    let (code, said) = platform.ctl(&["dlq", "drop", "notifications", "--all"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(!listed(&platform, &other).await);
    let (code, said) = platform.ctl(&["dlq", "list", "nowhere"]).await;
    assert!(code == 2 && said.contains("neither a service"), "{said}");
}
