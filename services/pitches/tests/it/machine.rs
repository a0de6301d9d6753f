//! Every (state, transition, actor).

use chrono::TimeDelta;
use pitchey_identity::Actor;
use serde_json::json;

use crate::app::App;

const STATES: [&str; 7] = ["pending", "approved", "rejected", "withdrawn", "expired", "signed", "revoked"];
const MOVES: [&str; 6] = ["approve", "reject", "withdraw", "sign", "revoke", "remind"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Owner,
    Requester,
    Stranger,
    OtherOwner,
    Operator,
    Nobody,
}

const EVERYBODY: [Who; 6] =
    [Who::Owner, Who::Requester, Who::Stranger, Who::OtherOwner, Who::Operator, Who::Nobody];

/// What the rules say: the state afterwards, or the refusal.
fn rule(state: &'static str, what: &str, who: Who) -> Result<&'static str, (u16, &'static str)> {
    const LATE: (u16, &str) = (409, "nda_wrong_state");
    let party = match what {
        "approve" | "reject" | "revoke" => Who::Owner,
        _ => Who::Requester,
    };
    match who {
        Who::Nobody => return Err((401, "unauthenticated")),
        Who::Stranger | Who::OtherOwner => return Err((404, "not_found")),
        Who::Operator if what != "revoke" => return Err((404, "not_found")),
        Who::Owner | Who::Requester if who != party => return Err((403, "forbidden")),
        _ => {}
    }
    match (what, state) {
        // Retried after the signature it is still what the owner did.
        ("approve", "signed") => Ok("signed"),
        ("approve", "pending" | "approved") => Ok("approved"),
        ("reject", "pending" | "rejected") => Ok("rejected"),
        ("withdraw", "pending" | "withdrawn") => Ok("withdrawn"),
        ("sign", "approved" | "signed") => Ok("signed"),
        ("revoke", "approved" | "signed") => Ok("revoked"),
        // The owner did it; another's revocation comes too late.
        ("revoke", "revoked") if who == Who::Owner => Ok("revoked"),
        ("remind", "pending") => Ok("pending"),
        _ => Err(LATE),
    }
}

async fn in_state(app: &App, pitch: i64, state: &str, owner: &Actor, requester: &Actor) -> i64 {
    let nda = app.requested(pitch, requester).await;
    let way: &[(&str, &Actor)] = match state {
        "approved" => &[("approve", owner)],
        "rejected" => &[("reject", owner)],
        "withdrawn" => &[("withdraw", requester)],
        "signed" => &[("approve", owner), ("sign", requester)],
        "revoked" => &[("approve", owner), ("revoke", owner)],
        _ => &[],
    };
    for (what, who) in way {
        app.pass(TimeDelta::seconds(1));
        app.act(nda, what, who).await.expect(200);
    }
    if state == "expired" {
        app.db.execute(&format!("UPDATE ndas SET status = 'expired' WHERE id = {nda}")).await;
    }
    nda
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transition_of_every_state_by_everybody_answers_as_the_rules_say() {
    let app = App::start().await;
    let (owner, stranger, other, operator) =
        (app.creator().await, app.investor().await, app.creator().await, app.operator().await);
    let pitch = app.published(&owner).await;
    let mut wrong = Vec::new();
    for state in STATES {
        let mut current = None;
        for what in MOVES {
            for who in EVERYBODY {
                let (nda, requester) = match current.take() {
                    Some(pair) => pair,
                    None => {
                        let requester = app.investor().await;
                        (in_state(&app, pitch, state, &owner, &requester).await, requester)
                    }
                };
                let answer = match who {
                    Who::Owner => app.act(nda, what, &owner).await,
                    Who::Requester => app.act(nda, what, &requester).await,
                    Who::Stranger => app.act(nda, what, &stranger).await,
                    Who::OtherOwner => app.act(nda, what, &other).await,
                    Who::Operator => app.act(nda, what, &operator).await,
                    Who::Nobody => {
                        let body = match what {
                            "revoke" => json!({ "reason": "no" }),
                            _ => app.signature(nda).await,
                        };
                        app.client.post(&format!("/api/ndas/{nda}/{what}")).json(&body).send().await
                    }
                };
                let now = app.text(&format!("SELECT status FROM ndas WHERE id = {nda}")).await;
                let fine = match rule(state, what, who) {
                    Ok(then) => answer.status == 200 && answer["nda"]["status"] == then && now == then,
                    Err((status, code)) => {
                        let told = status != 409 || answer["details"]["status"] == state;
                        answer.status == status && answer["code"] == code && told && now == state
                    }
                };
                if !fine {
                    wrong.push(format!("{state}, {what} by {who:?}: then {now}; {answer}"));
                }
                if now == state {
                    current = Some((nda, requester));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_there_is_a_new_row() {
    let app = App::start().await;
    let owner = app.creator().await;
    let pitch = app.published(&owner).await;
    for state in ["rejected", "withdrawn", "expired", "revoked"] {
        let requester = app.investor().await;
        let old = in_state(&app, pitch, state, &owner, &requester).await;
        if state == "rejected" {
            app.request(pitch, &requester).await.refused(409, "nda_recently_rejected");
            app.pass(TimeDelta::days(7));
        }
        let new = app.requested(pitch, &requester).await;
        assert_ne!(old, new, "{state}");
        assert_eq!(app.text(&format!("SELECT status FROM ndas WHERE id = {old}")).await, state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_while_one_is_under_way_is_that_one() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.requested(pitch, &buyer).await;
    let again = app.request(pitch, &buyer).await.expect(200);
    assert_eq!((again["nda"]["id"].as_i64(), &again["nda"]["status"]), (Some(nda), &json!("pending")));
    app.act(nda, "approve", &owner).await.expect(200);
    assert_eq!(app.request(pitch, &buyer).await.expect(200)["nda"]["status"], "approved");
    app.act(nda, "sign", &buyer).await.expect(200);
    let refused = app.request(pitch, &buyer).await.refused(409, "nda_already_exists");
    assert_eq!(refused["details"], json!({ "ndaId": nda, "status": "signed" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn approval_needs_a_pitch_that_is_still_published() {
    let app = App::start().await;
    let (owner, buyer) = (app.creator().await, app.investor().await);
    let pitch = app.published(&owner).await;
    let nda = app.requested(pitch, &buyer).await;
    app.post(&format!("/api/pitches/{pitch}/unpublish"), &owner, json!({})).await.expect(200);
    let refused = app.act(nda, "approve", &owner).await.refused(409, "pitch_wrong_state");
    assert_eq!(refused["details"]["status"], "draft");
    app.act(nda, "reject", &owner).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_revocation_ends_access_and_is_on_record() {
    let app = App::start().await;
    let (owner, buyer, operator) = (app.creator().await, app.investor().await, app.operator().await);
    let pitch = app.published(&owner).await;
    let nda = app.signed(pitch, &owner, &buyer).await;
    app.post(&format!("/api/ndas/{nda}/revoke"), &operator, json!({}))
        .await
        .refused(400, "validation_failed");
    app.post(&format!("/api/ndas/{nda}/revoke"), &operator, json!({ "reason": " " }))
        .await
        .refused(400, "validation_failed");
    assert!(app.opens(pitch, &buyer).await);
    app.act(nda, "revoke", &operator).await.expect(200);
    app.act(nda, "revoke", &operator).await.expect(200);
    assert!(!app.opens(pitch, &buyer).await);
    app.act(nda, "revoke", &owner).await.refused(409, "nda_wrong_state");
    assert_eq!(
        app.audited("nda", nda).await.last().unwrap(),
        &("nda.revoked".to_owned(), Some(operator.id.0.into()))
    );
    app.get(&format!("/api/ndas/{nda}"), &operator).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_answered_at_once_and_what_cannot_be_is_named() {
    let app = App::start().await;
    let (owner, other) = (app.creator().await, app.creator().await);
    let (pitch, foreign) = (app.published(&owner).await, app.published(&other).await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(app.requested(pitch, &app.investor().await).await);
    }
    let buyer = app.investor().await;
    let (signed, strange) = (app.signed(pitch, &owner, &buyer).await, app.requested(foreign, &buyer).await);
    let body = json!({ "ndaIds": [ids[1], ids[0], signed, strange, 999_999] });
    let answer = app.post("/api/ndas/bulk-approve", &owner, body).await.expect(200);
    assert_eq!(answer["updated"], 3, "what was approved before is a repetition");
    let failed: Vec<_> = answer["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["id"].as_i64().unwrap(), f["code"].clone()))
        .collect();
    assert_eq!(failed, [(strange, json!("not_found")), (999_999, json!("not_found"))]);
    app.act(ids[0], "sign", &app.investor().await).await.refused(404, "not_found");

    let body = json!({ "ndaIds": [ids[2]], "reason": "Not now." });
    let answer = app.post("/api/ndas/bulk-reject", &owner, body).await.expect(200);
    assert_eq!(answer["ndas"][0]["rejectReason"], "Not now.");
    app.post("/api/ndas/bulk-reject", &owner, json!({ "ndaIds": [] }))
        .await
        .refused(400, "validation_failed");
}
