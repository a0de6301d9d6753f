use futures_util::future::join_all;
use serde_json::json;

use crate::app::App;

/// Fifty at once on one NDA: the history is one that the rules allow, each step has one winner, the rest hear that they are late.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_moves_leave_one_legal_history() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    for start in ["pending", "approved"] {
        let buyer = app.investor().await;
        let nda = match start {
            "pending" => app.requested(pitch, &buyer).await,
            _ => app.approved(pitch, &owner, &buyer).await,
        };
        let calls = (0..50).map(|n| {
            let (what, actor) = [
                ("approve", &owner),
                ("reject", &owner),
                ("withdraw", &buyer),
                ("sign", &buyer),
                ("revoke", &owner),
            ][n % 5];
            let app = &app;
            async move { (what, app.act(nda, what, actor).await) }
        });
        let answers = join_all(calls).await;

        let history = app.actions("nda", nda).await;
        let steps: Vec<&str> = history.iter().map(String::as_str).collect();
        let legal = [
            &["nda.requested", "nda.rejected"][..],
            &["nda.requested", "nda.withdrawn"],
            &["nda.requested", "nda.approved"],
            &["nda.requested", "nda.approved", "nda.signed"],
            &["nda.requested", "nda.approved", "nda.revoked"],
            &["nda.requested", "nda.approved", "nda.signed", "nda.revoked"],
        ];
        assert!(legal.contains(&&steps[..]), "{steps:?}");
        let stands = app.text(&format!("SELECT status FROM ndas WHERE id = {nda}")).await;
        assert_eq!(format!("nda.{stands}"), steps[steps.len() - 1]);

        for (what, step) in [
            ("approve", "nda.approved"),
            ("reject", "nda.rejected"),
            ("withdraw", "nda.withdrawn"),
            ("sign", "nda.signed"),
            ("revoke", "nda.revoked"),
        ] {
            let of_kind: Vec<_> =
                answers.iter().filter(|(name, _)| *name == what).map(|(_, answer)| answer).collect();
            let winners = of_kind
                .iter()
                .filter(|a| a.status == 200 && a["message"] != "This had happened before.")
                .count();
            let happened_here =
                usize::from(steps.contains(&step) && !(start == "approved" && what == "approve"));
            assert_eq!(winners, happened_here, "{what} in {steps:?}");
            for answer in of_kind {
                // A signature before any offer names no document, so it may also be told that.
                let late = answer.status == 409
                    && (answer["code"] == "nda_wrong_state" || answer["code"] == "document_hash_mismatch");
                assert!(answer.status == 200 || late, "{answer}");
            }
        }
        let signed = app
            .number(&format!("SELECT count(*) FROM ndas WHERE pitch_id = {pitch} AND status = 'signed'"))
            .await;
        assert_eq!(app.number(&format!("SELECT nda_count FROM pitches WHERE id = {pitch}")).await, signed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_requests_of_a_pair_are_one_row() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let answers = join_all((0..50).map(|_| app.request(pitch, &buyer))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)));
    assert_eq!(app.number("SELECT count(*) FROM ndas").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_requests_a_day_also_at_once() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let mut pitches = Vec::new();
    for _ in 0..25 {
        pitches.push(app.published(&owner).await);
    }
    let answers = join_all(pitches.iter().map(|pitch| app.request(*pitch, &buyer))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        let answer = answer.refused(429, "nda_request_limit");
        let seconds: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((86_390..=86_401).contains(&seconds), "{seconds}");
        assert_eq!(
            (answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")),
            (Some("10"), Some("0"))
        );
    }
    app.pass(chrono::TimeDelta::hours(25));
    let left = app.text("SELECT min(id) FROM pitches WHERE id NOT IN (SELECT pitch_id FROM ndas)").await;
    app.request(left.parse().unwrap(), &buyer).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_survives_a_deletion_of_its_pitch() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let mut buyers = Vec::new();
    for _ in 0..10 {
        buyers.push(app.investor().await);
    }
    let requests = join_all(buyers.iter().map(|buyer| app.request(pitch, buyer)));
    let path = format!("/api/pitches/{pitch}");
    let delete = app.client.delete(&path).as_(&owner).json(&json!({})).send();
    let (answers, deleted) = tokio::join!(requests, delete);
    deleted.expect(200);
    assert!(answers.iter().all(|answer| [201, 404].contains(&answer.status)));
    assert_eq!(app.number("SELECT count(*) FROM ndas WHERE status = 'pending'").await, 0);
}
