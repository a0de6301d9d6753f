use chrono::{TimeDelta, Utc};
use pitchey_events::{
    ConversationCreated, ConversationId, HoldKey, MediaAdded, MediaId, NdaApproved, NdaExpired, NdaId,
    NdaParties, NdaRejected, NdaRequested, NdaRevoked, NdaType, NdaWithdrawn, PitchId, PitchPromoted,
    PitchPublished, UserId,
};
use pitchey_identity::Actor;
use pitchey_rpc::Held;
use uuid::Uuid;

use crate::app::App;

fn parties(actor: &Actor, hold: HoldKey) -> NdaParties {
    NdaParties {
        nda_id: NdaId(1),
        pitch_id: PitchId(1),
        pitch_title: "The Lighthouse".to_owned(),
        owner_id: UserId(1),
        requester_id: actor.id,
        nda_type: NdaType::Basic,
        hold: Some(hold),
    }
}

fn requested(actor: &Actor, hold: HoldKey) -> NdaRequested {
    NdaRequested { parties: parties(actor, hold), with_message: false }
}

fn approved(actor: &Actor, hold: HoldKey) -> NdaApproved {
    NdaApproved { parties: parties(actor, hold), by_policy: false, sign_until: now() }
}

#[expect(clippy::disallowed_methods, reason = "a time that nobody looks at")]
fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_exists_holds_until_it_is_answered() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    let key = app.held(&actor, 10).await;
    app.deliver(&requested(&actor, key)).await;
    app.pass(TimeDelta::days(10));
    app.sweep().await;
    assert_eq!(app.balance(&actor).await, [0, 0, 0, 10, 0, 0], "firm");
    app.deliver(&approved(&actor, key)).await;
    assert_eq!(app.balance(&actor).await, [0, 0, 0, 0, 0, 10], "spent");
    app.deliver(&NdaRevoked { parties: parties(&actor, key), was_signed: false, revoked_by: UserId(1) })
        .await;
    assert_eq!(app.balance(&actor).await, [10, 10, 0, 0, 0, 0], "refunded");
    let kinds: Vec<_> = app.ledger(&actor).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["grant", "hold", "capture", "refund"]);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_gives_back_and_a_signature_does_not() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    for ending in 0..4 {
        let key = app.held(&actor, 10).await;
        app.deliver(&requested(&actor, key)).await;
        match ending {
            0 => app.deliver(&NdaRejected { parties: parties(&actor, key), with_reason: true }).await,
            1 => app.deliver(&NdaWithdrawn { parties: parties(&actor, key) }).await,
            2 => app.deliver(&NdaExpired { parties: parties(&actor, key), was: "pending".to_owned() }).await,
            _ => {
                app.deliver(&approved(&actor, key)).await;
                app.deliver(&NdaExpired { parties: parties(&actor, key), was: "approved".to_owned() }).await
            }
        };
        assert_eq!(app.balance(&actor).await, [10, 10, 0, 0, 0, 0], "ending {ending}");
    }
    let key = app.held(&actor, 10).await;
    app.deliver(&approved(&actor, key)).await;
    app.deliver(&NdaRevoked { parties: parties(&actor, key), was_signed: true, revoked_by: UserId(1) }).await;
    app.deliver(&NdaExpired { parties: parties(&actor, key), was: "signed".to_owned() }).await;
    assert_eq!(app.balance(&actor).await, [0, 0, 0, 0, 0, 10]);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_after_the_hold_has_lapsed_takes_again() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    let key = app.held(&actor, 10).await;
    app.pass(TimeDelta::seconds(119));
    assert_eq!(app.sweep().await, 0, "two minutes are not over");
    app.pass(TimeDelta::seconds(1));
    assert_eq!(app.sweep().await, 1);
    assert_eq!(app.balance(&actor).await[..4], [10, 10, 0, 0]);
    app.deliver(&requested(&actor, key)).await;
    assert_eq!(app.balance(&actor).await[..4], [0, 0, 0, 10]);
    app.deliver(&approved(&actor, key)).await;
    assert_eq!(app.balance(&actor).await, [0, 0, 0, 0, 0, 10]);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_paid_any_more_is_reported() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    let key = app.held(&actor, 10).await;
    app.pass(TimeDelta::minutes(2));
    app.sweep().await;
    app.held(&actor, 5).await;
    app.deliver(&requested(&actor, key)).await;
    app.deliver(&approved(&actor, key)).await;
    assert_eq!(app.balance(&actor).await[0], 5, "never below zero");
    let found = app.service.look().await.unwrap();
    let found: Vec<_> =
        found.iter().filter(|finding| finding.contradictions > 0).map(|finding| finding.claim).collect();
    assert_eq!(found, ["nothing exists that was not paid"]);
    app.deliver(&NdaRevoked { parties: parties(&actor, key), was_signed: false, revoked_by: UserId(1) })
        .await;
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_things_are_spent_as_soon_as_they_exist() {
    let app = App::start().await;
    let actor = app.rich(30).await;
    let mut key = HoldKey(Uuid::now_v7());
    let mut hold = async |amount, reason| {
        key = HoldKey(Uuid::now_v7());
        assert_eq!(app.rpc.hold(key, actor.id, amount, reason).await.unwrap(), Held::Held);
        key
    };
    let conversation = hold(2, "conversation").await;
    app.deliver(&ConversationCreated {
        conversation_id: ConversationId(1),
        conversation_type: "direct".to_owned(),
        created_by: actor.id,
        member_ids: vec![actor.id],
        pitch_id: None,
        hold: Some(conversation),
    })
    .await;
    let promotion = hold(10, "promotion").await;
    app.deliver(&PitchPromoted {
        pitch_id: PitchId(1),
        owner_id: actor.id,
        hold: Some(promotion),
        until: now(),
    })
    .await;
    let media = hold(3, "media_text").await;
    app.deliver(&MediaAdded {
        media_id: MediaId(1),
        pitch_id: PitchId(1),
        owner_id: actor.id,
        kind: "script".to_owned(),
        hold: Some(media),
    })
    .await;
    let free = hold(10, "pitch_publish").await;
    let published = |hold| PitchPublished {
        pitch_id: PitchId(1),
        owner_id: actor.id,
        first_time: true,
        pitch_title: String::new(),
        hold,
    };
    app.deliver(&published(Some(free))).await;
    app.deliver(&published(None)).await;
    assert_eq!(app.balance(&actor).await, [15, 0, 15, 0, 30, 15]);
    assert_eq!(app.number("SELECT count(*) FROM credit_holds WHERE status = 'captured'").await, 4);
    app.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_holds_is_dead_at_once() {
    let app = App::start().await;
    let actor = app.welcomed().await;
    let failed = app.deliveries.once(Uuid::now_v7(), &requested(&actor, HoldKey(Uuid::now_v7()))).await;
    assert!(matches!(failed, Err(pitchey_bus::Failure::Permanent(_))), "{failed:?}");
    assert_eq!(app.balance(&actor).await[0], 10);
}
