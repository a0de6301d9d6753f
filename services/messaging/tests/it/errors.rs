//! That each code of this service is returned is shown where it belongs; here is what all of them have in common, and a look that none is missing.

use serde_json::json;

use crate::app::App;

const TESTS: &str = concat!(
    include_str!("conversations.rs"),
    include_str!("discussions.rs"),
    include_str!("limits.rs"),
    include_str!("realtime.rs"),
    include_str!("revocation.rs"),
    include_str!("sending.rs"),
    include_str!("sealed.rs"),
);

#[test]
fn each_code_is_returned_by_a_test() {
    let source = include_str!("../../src/error.rs");
    let codes = source.split("fn code(&self)").nth(1).unwrap().split("fn status").next().unwrap();
    let codes: Vec<&str> = codes.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() >= 14, "{codes:?}");
    for code in codes {
        assert!(TESTS.contains(&format!("\"{code}\"")), "no test expects {code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_come_in_the_envelope_with_what_programs_need() {
    let app = App::start_with(|settings| settings.credits = pitchey_messaging::CreditsMode::Payments).await;
    let (ann, bob) = (app.creator().await, app.creator().await);
    app.others.known().balances.insert(ann.id.0, 1);
    let refused = app.send(&ann, &bob, "Hi").await.refused(402, "not_enough_credits");
    assert_eq!(refused["details"], json!({ "balance": 1, "required": 2 }));
    assert_eq!((&refused["error"], &refused["status"]), (&refused["message"], &json!(402)));
    app.client.get("/api/conversations/abc").as_(&ann).send().await.refused(404, "not_found");
    app.client.get("/api/poll?since=x").as_(&ann).send().await.expect(400);
}
