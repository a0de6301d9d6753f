//! Everybody a pitch can have to do with, and the pitch and the NDA between them, in any state.

use diesel_async::SimpleAsyncConnection;
use pitchey_system_tests::{Person, Platform};
use serde_json::{Value, json};

/// How far the story has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Draft,
    Published,
    Pending,
    Approved,
    Signed,
}

/// Who is there.
pub struct Cast {
    pub viewer: Person,
    /// Another creator.
    pub creator: Person,
    pub owner: Person,
    /// The investor whose NDA it is.
    pub requester: Person,
    /// An investor without one.
    pub stranger: Person,
    pub admin: Person,
}

impl Cast {
    pub async fn assemble(platform: &Platform) -> Self {
        let admin = platform.person("viewer").await;
        let sql = format!("UPDATE users SET is_admin = true WHERE id = {}", admin.id);
        platform.db.admin().await.batch_execute(&sql).await.expect("an admin");
        // A session that knows it, and has proved a second factor.
        let admin = platform.log_in(&admin.email).await;
        let sql = format!("UPDATE sessions SET second_factor_at = now() WHERE user_id = {}", admin.id);
        platform.db.admin().await.batch_execute(&sql).await.expect("a second factor");
        Self {
            viewer: platform.person("viewer").await,
            creator: platform.person("creator").await,
            owner: platform.person("creator").await,
            requester: platform.person("investor").await,
            stranger: platform.person("investor").await,
            admin,
        }
    }
}

/// A pitch of the owner, and the requester's NDA for it (0 before there is one).
#[derive(Clone, Copy, Debug)]
pub struct World {
    pub pitch: i64,
    pub nda: i64,
}

pub fn draft() -> Value {
    json!({
        "title": "Kidnapped", "logline": "A boy is sold by his uncle and walks home.", "genre": "drama",
        "format": "feature", "shortSynopsis": "After Stevenson.", "longSynopsis": "All of it.", "requiresNDA": true,
    })
}

/// What signs the document that was offered.
pub async fn signature(platform: &Platform, requester: &Person, nda: i64) -> Value {
    let nda = requester.get(platform, &format!("/api/ndas/{nda}")).await.ok();
    json!({ "fullName": "A Buyer", "acceptTerms": true, "documentHash": nda["documentHash"] })
}

impl World {
    pub async fn build(platform: &Platform, cast: &Cast, given: Given) -> Self {
        let created = cast.owner.post(platform, "/api/pitches", &draft()).await.expect(201);
        let mut world = Self { pitch: created["pitch"]["id"].as_i64().expect("an id"), nda: 0 };
        if given == Given::Draft {
            return world;
        }
        let path = format!("/api/pitches/{}/publish", world.pitch);
        cast.owner.post(platform, &path, &json!({})).await.expect(200);
        if given == Given::Published {
            return world;
        }
        let body = json!({ "pitchId": world.pitch });
        let requested = cast.requester.post(platform, "/api/ndas/request", &body).await.expect(201);
        world.nda = requested["nda"]["id"].as_i64().expect("an id");
        // Nobody may ask more than ten times a day.
        let sql =
            format!("UPDATE ndas SET created_at = created_at - interval '2 days' WHERE id = {}", world.nda);
        platform.db.admin().await.batch_execute(&sql).await.expect("an older request");
        if given == Given::Pending {
            return world;
        }
        cast.owner.post(platform, &format!("/api/ndas/{}/approve", world.nda), &json!({})).await.expect(200);
        if given == Given::Approved {
            return world;
        }
        let body = signature(platform, &cast.requester, world.nda).await;
        cast.requester.post(platform, &format!("/api/ndas/{}/sign", world.nda), &body).await.expect(200);
        world
    }
}
