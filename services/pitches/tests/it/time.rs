use chrono::TimeDelta;
use pitchey_events::{
    NdaAnswerDue, NdaApproved, NdaExpired, NdaExpiring, NdaRequested, NdaSigned, PitchChanged, PitchPublished,
};
use serde_json::json;

use crate::app::App;

/// Events of the way to what these tests are about are none of theirs.
async fn started() -> App {
    let app = App::start_with(|_| {}).await;
    app.emitted.ignore::<PitchPublished>();
    app.emitted.ignore::<PitchChanged>();
    app.emitted.ignore::<NdaRequested>();
    app.emitted.ignore::<NdaApproved>();
    app.emitted.ignore::<NdaSigned>();
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn access_ends_when_its_time_is_over_with_no_sweep() {
    let app = started().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.signed(pitch, &owner, &buyer).await;
    app.pass(TimeDelta::days(365) - TimeDelta::seconds(1));
    assert!(app.opens(pitch, &buyer).await);
    app.pass(TimeDelta::seconds(1));
    assert!(!app.opens(pitch, &buyer).await);
    assert_eq!(
        app.text(&format!("SELECT status FROM ndas WHERE id = {nda}")).await,
        "signed",
        "nobody swept"
    );
    let told = app.get(&format!("/api/ndas/{nda}"), &buyer).await.ok();
    assert_eq!((&told["status"], &told["accessGranted"]), (&json!("expired"), &json!(false)));
    assert_eq!(app.get(&format!("/api/ndas/pitch/{pitch}/status"), &buyer).await["canAccess"], false);
    app.act(nda, "revoke", &owner).await.refused(409, "nda_wrong_state");

    // A new request ends the old row in passing.
    app.requested(pitch, &buyer).await;
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "signed");
    assert_eq!(app.text(&format!("SELECT status FROM ndas WHERE id = {nda}")).await, "expired");
    assert_eq!(app.number(&format!("SELECT nda_count FROM pitches WHERE id = {pitch}")).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_has_its_period_and_the_owner_may_set_another() {
    let app = started().await;
    let owner = app.creator().await;
    for (nda_type, sent, days) in [
        ("basic", json!({}), 365),
        ("enhanced", json!({}), 730),
        ("custom", json!({ "expiryDays": 7 }), 7),
        ("basic", json!({ "expiryDays": 1095 }), 1095),
    ] {
        let pitch = app.published_with(&owner, json!({ "ndaType": nda_type })).await;
        let buyer = app.investor().await;
        let nda = app.requested(pitch, &buyer).await;
        app.post(&format!("/api/ndas/{nda}/approve"), &owner, sent).await.expect(200);
        app.act(nda, "sign", &buyer).await.expect(200);
        let lasts =
            format!("SELECT extract(day FROM expires_at - signed_at)::int FROM ndas WHERE id = {nda}");
        assert_eq!(app.number(&lasts).await, days);
    }
    let pitch = app.published(&owner).await;
    let nda = app.requested(pitch, &app.investor().await).await;
    for days in [6, 1_096] {
        let body = json!({ "expiryDays": days });
        app.post(&format!("/api/ndas/{nda}/approve"), &owner, body).await.refused(400, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_late_is_refused_with_no_sweep() {
    let app = started().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let (asker, offered) = (app.investor().await, app.investor().await);
    let (pending, approved) =
        (app.requested(pitch, &asker).await, app.approved(pitch, &owner, &offered).await);
    app.pass(TimeDelta::days(14));
    for (what, actor) in [("approve", &owner), ("reject", &owner), ("withdraw", &asker), ("remind", &asker)] {
        let refused = app.act(pending, what, actor).await.refused(409, "nda_wrong_state");
        assert_eq!(refused["details"]["status"], "expired");
    }
    app.pass(TimeDelta::days(16));
    app.act(approved, "sign", &offered).await.refused(409, "nda_wrong_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_tidies_what_is_over_and_tells() {
    let app = started().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let buyers = [app.investor().await, app.investor().await, app.investor().await];
    let pending = app.requested(pitch, &buyers[0]).await;
    let approved = app.approved(pitch, &owner, &buyers[1]).await;
    let signed = app.signed(pitch, &owner, &buyers[2]).await;

    app.pass(TimeDelta::days(7));
    assert_eq!(app.service.sweep().await.unwrap(), Some(1));
    let due = app.emitted.take::<NdaAnswerDue>().await;
    assert_eq!(
        (i64::from(due.parties.nda_id.0), due.expires_at),
        (pending, app.clock.now() + TimeDelta::days(7))
    );
    assert_eq!(app.service.sweep().await.unwrap(), None, "a period is swept once");

    app.pass(TimeDelta::days(7));
    assert_eq!(app.service.sweep().await.unwrap(), Some(1));
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "pending");
    app.pass(TimeDelta::days(16));
    assert_eq!(app.service.sweep().await.unwrap(), Some(1));
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "approved");
    app.pass(TimeDelta::days(335));
    assert_eq!(app.service.sweep().await.unwrap(), Some(1));
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "signed");
    assert_eq!(app.service.sweep().await.unwrap(), None);
    for nda in [pending, approved, signed] {
        assert_eq!(app.text(&format!("SELECT status FROM ndas WHERE id = {nda}")).await, "expired");
        assert_eq!(app.audited("nda", nda).await.last().unwrap(), &("nda.expired".to_owned(), None));
    }
    assert_eq!(app.number(&format!("SELECT nda_count FROM pitches WHERE id = {pitch}")).await, 0);
    let runs = "SELECT count(*) FROM maintenance_runs WHERE job = 'nda_sweep' AND outcome = 'succeeded' AND rows_affected = 1";
    assert_eq!(app.number(runs).await, 1, "runs of more than a week ago are cleared away");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_replicas_one_sweeps() {
    let app = started().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    for _ in 0..3 {
        app.requested(pitch, &app.investor().await).await;
    }
    let (second, _) = app.replica().await;
    app.pass(TimeDelta::days(14));
    let (one, two) = tokio::join!(app.service.sweep(), second.sweep());
    let mut swept = [one.unwrap(), two.unwrap()];
    swept.sort_unstable();
    assert_eq!(swept, [None, Some(3)]);
    app.emitted.ignore::<NdaExpired>();
    assert_eq!(app.number("SELECT count(*) FROM audit_log WHERE action = 'nda.expired'").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_reminded_once_a_day_at_most() {
    let app = started().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.requested(pitch, &buyer).await;
    app.act(nda, "remind", &buyer).await.expect(200);
    app.pass(TimeDelta::days(1));
    for _ in 0..3 {
        app.act(nda, "remind", &buyer).await.expect(200);
    }
    app.emitted.take::<NdaAnswerDue>().await;
    assert_eq!(app.actions("nda", nda).await, ["nda.requested", "nda.reminded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_by_hand_does_not_replace_that_of_the_seventh_day() {
    let app = started().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.requested(pitch, &buyer).await;
    app.pass(TimeDelta::days(2));
    app.act(nda, "remind", &buyer).await.expect(200);
    app.emitted.take::<NdaAnswerDue>().await;
    assert_eq!(app.service.sweep().await.unwrap(), Some(0));
    app.pass(TimeDelta::days(5));
    assert_eq!(app.service.sweep().await.unwrap(), Some(1));
    app.emitted.take::<NdaAnswerDue>().await;
    app.pass(TimeDelta::days(1));
    assert_eq!(app.service.sweep().await.unwrap(), Some(0), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn requesters_are_told_once_a_week_before_an_nda_ends() {
    let app = started().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let approved = app.approved(pitch, &owner, &app.investor().await).await;
    let signed = app.signed(pitch, &owner, &app.investor().await).await;
    app.pass(TimeDelta::days(22));
    assert_eq!(app.service.sweep().await.unwrap(), Some(0));
    app.pass(TimeDelta::days(1));
    assert_eq!(app.service.sweep().await.unwrap(), Some(1));
    let told: NdaExpiring = app.emitted.take().await;
    assert_eq!((told.parties.nda_id.to_string(), told.status.as_str()), (approved.to_string(), "approved"));
    app.pass(TimeDelta::days(1));
    assert_eq!(app.service.sweep().await.unwrap(), Some(0), "once");
    app.pass(TimeDelta::days(334));
    assert_eq!(app.service.sweep().await.unwrap(), Some(2), "one ends, one is about to");
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "approved");
    let told: NdaExpiring = app.emitted.take().await;
    assert_eq!((told.parties.nda_id.to_string(), told.status.as_str()), (signed.to_string(), "signed"));
    app.pass(TimeDelta::days(1));
    assert_eq!(app.service.sweep().await.unwrap(), Some(0), "once");
    assert_eq!(app.actions("nda", signed).await.last().unwrap(), "nda.expiry_told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_one_kind_keeps_no_other_from_ending() {
    let app = started().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    let pending = app.requested(pitch, &app.investor().await).await;
    let signed = app.signed(pitch, &owner, &app.investor().await).await;
    app.db
        .execute(&format!(
            "UPDATE pitches SET nda_count = 0 WHERE id = {pitch};
             ALTER TABLE ndas ADD CONSTRAINT broken CHECK (id <> {pending} OR status <> 'expired')"
        ))
        .await;
    app.pass(TimeDelta::days(365));
    app.service.sweep().await.unwrap_err();
    assert_eq!(app.emitted.take::<NdaExpired>().await.was, "signed");
    for (nda, status) in [(pending, "pending"), (signed, "expired")] {
        assert_eq!(app.text(&format!("SELECT status FROM ndas WHERE id = {nda}")).await, status);
    }
    assert_eq!(app.number(&format!("SELECT nda_count FROM pitches WHERE id = {pitch}")).await, 0);
    assert_eq!(app.text("SELECT outcome FROM maintenance_runs WHERE job = 'nda_sweep'").await, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_counts_know_what_is_over_before_the_sweep_does() {
    let app = started().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    app.requested(pitch, &app.investor().await).await;
    app.approved(pitch, &owner, &app.investor().await).await;
    app.signed(pitch, &owner, &app.investor().await).await;
    for (days, left) in [
        (0, ["pending", "approved", "signed"].as_slice()),
        (14, &["approved", "signed"]),
        (16, &["signed"]),
        (335, &[]),
    ] {
        app.pass(TimeDelta::days(days));
        let stats = app.get("/api/ndas/stats?role=incoming", &owner).await.ok();
        for status in ["pending", "approved", "signed", "expired"] {
            let expected =
                if status == "expired" { 3 - left.len() } else { usize::from(left.contains(&status)) };
            let list = app.get(&format!("/api/ndas?status={status}"), &owner).await.ok();
            assert_eq!(
                (&list["meta"]["total"], &stats[status]),
                (&json!(expected), &json!(expected)),
                "{status}"
            );
            assert!(list["data"].as_array().unwrap().iter().all(|nda| nda["status"] == status));
        }
        assert_eq!(stats["total"], 3);
    }
}
