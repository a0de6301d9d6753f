use chrono::TimeDelta;
use pitchey_events::{
    ConversationCreated, MessageSent, NdaExpired, NdaId, NdaParties, NdaRevoked, NdaSigned, NdaType,
    PitchDeleted, PitchId, UserId,
};
use pitchey_identity::Actor;
use pitchey_testkit::{SOON, wait_until};
use serde_json::{Value, json};

use crate::app::{App, id};

struct Deal {
    app: App,
    owner: Actor,
    signer: Actor,
    pitch: PitchId,
}

impl Deal {
    async fn new() -> Self {
        let app = App::start().await;
        let (owner, signer) = (app.creator().await, app.investor().await);
        let pitch = app.db.pitch(owner.id).await;
        app.others.known().pitches.insert(pitch.0, owner.id.0);
        Self { app, owner, signer, pitch }
    }

    fn parties(&self, nda: i32) -> NdaParties {
        NdaParties {
            nda_id: NdaId(nda),
            pitch_id: self.pitch,
            pitch_title: "The Lighthouse".to_owned(),
            owner_id: self.owner.id,
            requester_id: self.signer.id,
            nda_type: NdaType::Basic,
            hold: None,
        }
    }

    async fn sign(&self, nda: i32, days: i64) {
        self.app.others.sign(self.pitch, self.signer.id);
        let now = self.app.clock.now();
        let signed = NdaSigned {
            parties: self.parties(nda),
            signed_at: now,
            expires_at: Some(now + TimeDelta::days(days)),
        };
        self.app.deliveries().await.deliver(&signed).await;
    }

    async fn revoke(&self, nda: i32) {
        self.app.others.known().ndas.clear();
        let revoked = NdaRevoked { parties: self.parties(nda), was_signed: true, revoked_by: UserId(1) };
        self.app.deliveries().await.deliver(&revoked).await;
    }

    async fn talk(&self, actor: &Actor) -> Option<Value> {
        self.app.get("/api/messages/conversations", actor).await.ok()["data"]
            .as_array()
            .unwrap()
            .first()
            .cloned()
    }

    async fn is_active(&self) -> bool {
        self.talk(&self.signer).await.unwrap()["isActive"] == true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_opens_the_discussion_of_the_pair_free_of_charge() {
    let deal = Deal::new().await;
    let app = &deal.app;
    let mut socket = app.socket(&deal.owner, "").await;
    deal.sign(1, 365).await;
    let created = app.emitted.take::<ConversationCreated>().await;
    assert_eq!((created.conversation_type.as_str(), created.hold), ("pitch_discussion", None));
    app.emitted.take::<MessageSent>().await;
    assert_eq!(socket.next("message", "new").await["data"]["messageType"], "system");

    let talk = deal.talk(&deal.owner).await.unwrap();
    assert_eq!((&talk["type"], &talk["pitchId"]), (&json!("pitch_discussion"), &json!(deal.pitch)));
    assert!(talk["lastMessage"]["content"].as_str().unwrap().contains("The Lighthouse"));
    app.say(&deal.owner, id(&talk), "Welcome").await.expect(201);
    app.say(&deal.signer, id(&talk), "Thank you").await.expect(201);
    let rival = app.investor().await;
    app.say(&rival, id(&talk), "Me too").await.refused(404, "not_found");

    let body = json!({ "type": "pitch_discussion", "pitchId": deal.pitch });
    let found = app.post("/api/conversations", &deal.signer, body.clone()).await.expect(200);
    assert_eq!(found["conversation"]["id"], talk["id"]);
    let body_of_owner =
        json!({ "type": "pitch_discussion", "pitchId": deal.pitch, "participantIds": [deal.signer.id] });
    app.post("/api/conversations", &deal.owner, body_of_owner).await.expect(200);
    app.post("/api/conversations", &rival, body).await.refused(409, "discussion_not_open");
    // Another signature for the same pitch by the same signer finds it there.
    deal.sign(2, 365).await;
    assert_eq!(app.number("SELECT count(*) FROM conversations").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_nda_ends_the_signer_sees_nothing_newer() {
    let deal = Deal::new().await;
    let app = &deal.app;
    deal.sign(1, 365).await;
    let talk = id(&deal.talk(&deal.owner).await.unwrap());
    app.say(&deal.owner, talk, "before").await.expect(201);
    app.pass(TimeDelta::seconds(1));
    deal.revoke(1).await;
    assert!(!deal.is_active().await);
    app.say(&deal.signer, talk, "But").await.refused(409, "conversation_inactive");
    app.say(&deal.owner, talk, "Alone").await.refused(409, "conversation_inactive");
    let seen = app.get(&format!("/api/conversations/{talk}"), &deal.signer).await.ok();
    assert_eq!(seen["messages"][0]["content"], "before");
    // A new one opens it again.
    app.pass(TimeDelta::seconds(1));
    deal.sign(2, 365).await;
    assert!(deal.is_active().await);
    app.say(&deal.signer, talk, "Here I am again").await.expect(201);
    let expired = NdaExpired { parties: deal.parties(2), was: "signed".to_owned() };
    app.deliveries().await.deliver(&expired).await;
    assert!(!deal.is_active().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_heard_of_before_the_signature_counts() {
    let deal = Deal::new().await;
    deal.revoke(1).await;
    deal.sign(1, 365).await;
    assert!(deal.talk(&deal.signer).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_was_not_heard_of_closes_the_discussion_all_the_same() {
    let deal = Deal::new().await;
    let app = &deal.app;
    deal.sign(1, 365).await;
    let talk = id(&deal.talk(&deal.owner).await.unwrap());
    // pitches knows, messaging has not heard: the broker is down.
    app.others.known().ndas.clear();
    app.say(&deal.owner, talk, "Secret").await.refused(409, "conversation_inactive");
    app.say(&deal.signer, talk, "Hello?").await.refused(409, "conversation_inactive");
    app.others.known().pitches_away = true;
    app.say(&deal.owner, talk, "Secret").await.refused(503, "dependency_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_ends_by_itself_when_the_nda_runs_out() {
    let deal = Deal::new().await;
    deal.sign(1, 10).await;
    assert!(deal.is_active().await);
    deal.app.pass(TimeDelta::days(10));
    wait_until("the membership to end", SOON, async || !deal.is_active().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pitch_closes_its_discussions() {
    let deal = Deal::new().await;
    deal.sign(1, 365).await;
    let deleted = PitchDeleted {
        pitch_id: deal.pitch,
        owner_id: deal.owner.id,
        was_published: true,
        at: deal.app.clock.now(),
    };
    deal.app.deliveries().await.deliver(&deleted).await;
    assert!(!deal.is_active().await);
}
