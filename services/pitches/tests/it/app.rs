//! The service with a database and an exchange of its own.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{SubsecRound, TimeDelta};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use pitchey_clock::Clock;
use pitchey_config::{Http, Mode, Rpc};
use pitchey_events::{
    InvestmentTracked, MediaAdded, NdaAnswerDue, NdaApproved, NdaExpired, NdaRejected, NdaRequested,
    NdaRevoked, NdaSigned, NdaWithdrawn, PitchChanged, PitchCommented, PitchDeleted, PitchFollowed,
    PitchLiked, PitchOpened, PitchPromoted, PitchPublished, PitchUnfollowed, PitchUnliked, ReportResolved,
    Service, UserFollowed, UserId, UserType, UserUnfollowed,
};
use pitchey_identity::Actor;
use pitchey_launch::Process;
use pitchey_pitches::{CreditsMode, Pitches, Settings};
use pitchey_rpc::Targets;
use pitchey_testkit::{Answer, Broker, Client, Emitted, SOON, TestDatabase, actors, identity, wait_until};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::accounts::Others;

/// Texts of the protected group in [`App::draft`]: none may ever reach who has no access.
pub const SECRETS: [&str; 9] = [
    "SECRET-long-synopsis",
    "SECRET-opener",
    "SECRET-premise",
    "SECRET-description",
    "SECRET-world",
    "SECRET-personal",
    "SECRET-talent",
    "SECRET-character",
    "completionPercentage",
];

pub struct App {
    pub client: Client,
    pub service: Pitches,
    pub others: Others,
    pub clock: Clock,
    pub emitted: Emitted,
    pub db: TestDatabase,
    pub settings: Settings,
    /// Where files lie.
    pub folder: tempfile::TempDir,
}

impl App {
    /// A service whose events the test is not about.
    pub async fn start() -> Self {
        let app = Self::start_with(|_| {}).await;
        app.emitted.ignore::<PitchPublished>();
        app.emitted.ignore::<PitchChanged>();
        app.emitted.ignore::<NdaRequested>();
        app.emitted.ignore::<NdaApproved>();
        app.emitted.ignore::<NdaRejected>();
        app.emitted.ignore::<NdaWithdrawn>();
        app.emitted.ignore::<NdaSigned>();
        app.emitted.ignore::<NdaRevoked>();
        app.emitted.ignore::<NdaExpired>();
        app.emitted.ignore::<NdaAnswerDue>();
        app.emitted.ignore::<PitchDeleted>();
        app.emitted.ignore::<UserFollowed>();
        app.emitted.ignore::<PitchFollowed>();
        app.emitted.ignore::<PitchUnfollowed>();
        app.emitted.ignore::<PitchLiked>();
        app.emitted.ignore::<PitchUnliked>();
        app.emitted.ignore::<PitchCommented>();
        app.emitted.ignore::<UserUnfollowed>();
        app.emitted.ignore::<ReportResolved>();
        app.emitted.ignore::<PitchPromoted>();
        app.emitted.ignore::<MediaAdded>();
        app.emitted.ignore::<InvestmentTracked>();
        app
    }

    /// A service whose events the test accounts for.
    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        // The clock stands until the test moves it.
        let clock = Clock::manual(Clock::system().now().trunc_subsecs(0));
        let db = TestDatabase::create().await;
        let emitted = Emitted::watch(&db).await;
        // Views are reported on their own time, and through the outbox if the broker is slow.
        emitted.ignore::<PitchOpened>();
        let others = Others::start(&clock).await;
        let broker = Broker::new();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            mode: Mode::Development,
            http: Http {
                address: ([127, 0, 0, 1], 0).into(),
                workers: 2,
                drain_seconds: 1,
                certificate: Default::default(),
            },
            rpc: Rpc { address: ([127, 0, 0, 1], 0).into(), certificate: Default::default() },
            database: db.settings(Service::Pitches),
            broker: pitchey_bus::Broker::new(broker.url, broker.prefix),
            identity: identity::keys(Service::Pitches),
            rpc_targets: Targets::from(BTreeMap::from([
                ("accounts".to_owned(), format!("http://{}", others.accounts)),
                ("payments".to_owned(), format!("http://{}", others.payments)),
            ])),
            credits: CreditsMode::Off,
            pii_key: SecretString::from(STANDARD.encode([3; 32])),
            media: pitchey_pitches::MediaSettings {
                folder: folder.path().to_owned(),
                bucket: None,
                region: "us-east-1".to_owned(),
                endpoint: None,
                access_key_id: None,
                secret_access_key: None,
                link_key: SecretString::from(STANDARD.encode([5; 32])),
                uploads_at_once: 20,
                wait_ms: 200,
                tidy_seconds: 3_600,
            },
            receipt_signing_key: SecretString::from(STANDARD.encode([4; 32])),
            share_key: SecretString::from(STANDARD.encode([5; 32])),
            public_url: "https://pitchey.test".to_owned(),
            sweep_seconds: 3_600,
            public_cache_ms: 0,
        };
        change(&mut settings);
        let service = start(&settings, &clock).await;
        let client = Client::gateway(Service::Pitches, service.http_address()).by(&clock);
        Self { client, service, others, clock, emitted, db, settings, folder }
    }

    /// Waits until the service has the broker, and hears of what others change.
    pub async fn connected(&self) {
        wait_until("the broker", SOON, async || {
            self.client.get("/health").send().await.json["broker"] == "connected"
        })
        .await;
    }

    /// Another replica, and a client of it.
    pub async fn replica(&self) -> (Pitches, Client) {
        self.replica_with(|_| {}).await
    }

    /// Another replica with other settings, and a client of it.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Settings)) -> (Pitches, Client) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let service = start(&settings, &self.clock).await;
        let client = Client::gateway(Service::Pitches, service.http_address()).by(&self.clock);
        (service, client)
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Somebody whom accounts knows, changed as the test wants it.
    pub async fn person(&self, user_type: UserType, change: impl FnOnce(&mut Actor)) -> Actor {
        let mut actor = actors::with_id(UserId(0), user_type);
        change(&mut actor);
        let actor = self.db.insert(actor).await;
        self.others.knows(&actor);
        actor
    }

    pub async fn creator(&self) -> Actor {
        self.person(UserType::Creator, |_| {}).await
    }

    pub async fn investor(&self) -> Actor {
        self.person(UserType::Investor, |_| {}).await
    }

    pub async fn operator(&self) -> Actor {
        self.person(UserType::Viewer, |actor| actor.admin = true).await
    }

    pub async fn get(&self, path: &str, actor: &Actor) -> Answer {
        self.client.get(path).as_(actor).send().await
    }

    pub async fn delete(&self, path: &str, actor: &Actor) -> Answer {
        self.client.delete(path).as_(actor).send().await
    }

    /// Uploads `bytes` as a file of this kind.
    pub async fn upload(&self, actor: &Actor, pitch: i64, kind: &str, bytes: &[u8]) -> Answer {
        self.send_form(actor, &[("type", kind), ("pitchId", &pitch.to_string())], Some(bytes)).await
    }

    /// Sends a form: its fields, then the file.
    pub async fn send_form(&self, actor: &Actor, fields: &[(&str, &str)], file: Option<&[u8]>) -> Answer {
        let (media_type, body) = form(fields, file);
        self.client.post("/api/media/upload").as_(actor).body(&media_type, body).send().await
    }

    pub async fn post(&self, path: &str, actor: &Actor, body: Value) -> Answer {
        self.client.post(path).as_(actor).json(&body).send().await
    }

    /// A whole pitch that needs an NDA.
    pub fn draft() -> Value {
        json!({
            "title": "The Lighthouse", "logline": "A keeper waits for a ship that left before she was born.",
            "genre": "drama", "format": "feature", "shortSynopsis": "A public synopsis.", "requiresNDA": true, "ndaType": "basic",
            "longSynopsis": "SECRET-long-synopsis", "opener": "SECRET-opener", "premise": "SECRET-premise",
            "description": "SECRET-description", "worldDescription": "SECRET-world", "personalConnection": "SECRET-personal",
            "keyTalent": [{ "name": "SECRET-talent", "role": "lead", "attached": true }],
            "characters": [{ "name": "SECRET-character", "description": "the keeper" }],
            "themes": ["sea", "waiting"], "comparables": ["The Fog", { "title": "The Sea", "year": 1911 }],
            "targetAudience": "Adults", "whyNow": "Because.", "stage": "script", "budget": "1-5 million", "seekingInvestment": true,
        })
    }

    /// A draft with `changes`.
    pub async fn pitch_with(&self, owner: &Actor, changes: Value) -> i64 {
        let mut body = Self::draft();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        id(&self.post("/api/pitches", owner, body).await.expect(201)["pitch"])
    }

    /// A published pitch with `changes`.
    pub async fn published_with(&self, owner: &Actor, changes: Value) -> i64 {
        let pitch = self.pitch_with(owner, changes).await;
        self.post(&format!("/api/pitches/{pitch}/publish"), owner, json!({})).await.expect(200);
        pitch
    }

    /// A published pitch that needs an NDA.
    pub async fn published(&self, owner: &Actor) -> i64 {
        self.published_with(owner, json!({})).await
    }

    pub async fn request(&self, pitch: i64, requester: &Actor) -> Answer {
        self.post("/api/ndas/request", requester, json!({ "pitchId": pitch, "message": "Please." })).await
    }

    pub async fn requested(&self, pitch: i64, requester: &Actor) -> i64 {
        id(&self.request(pitch, requester).await.expect(201)["nda"])
    }

    pub async fn act(&self, nda: i64, what: &str, actor: &Actor) -> Answer {
        let body = match what {
            "sign" => self.signature(nda).await,
            "revoke" => json!({ "reason": "Changed plans." }),
            _ => json!({}),
        };
        self.post(&format!("/api/ndas/{nda}/{what}"), actor, body).await
    }

    /// What a signer of this NDA sends: names the document that was offered, if one was.
    pub async fn signature(&self, nda: i64) -> Value {
        let hash = self
            .text(&format!("SELECT coalesce(document_hash, repeat('0', 64)) FROM ndas WHERE id = {nda}"))
            .await;
        json!({ "fullName": "Ada Buyer", "title": "Partner", "company": "Johnson Ventures", "acceptTerms": true, "documentHash": hash })
    }

    pub async fn approved(&self, pitch: i64, owner: &Actor, requester: &Actor) -> i64 {
        let nda = self.requested(pitch, requester).await;
        self.act(nda, "approve", owner).await.expect(200);
        nda
    }

    pub async fn signed(&self, pitch: i64, owner: &Actor, requester: &Actor) -> i64 {
        let nda = self.approved(pitch, owner, requester).await;
        self.act(nda, "sign", requester).await.expect(200);
        nda
    }

    /// Whether the protected group of the pitch is shown to `actor` now.
    pub async fn opens(&self, pitch: i64, actor: &Actor) -> bool {
        let answer = self.get(&format!("/api/pitches/{pitch}"), actor).await;
        answer.status == 200 && answer.json.get("longSynopsis").is_some()
    }

    /// Text of the only column and row of `sql`.
    pub async fn text(&self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Nullable<Text>)]
            value: Option<String>,
        }
        let row: Row = sql_query(format!("SELECT ({sql})::text AS value"))
            .get_result(&mut self.db.admin().await)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.value.unwrap_or_default()
    }

    /// Number of the only column and row of `sql`.
    pub async fn number(&self, sql: &str) -> i64 {
        self.text(sql).await.parse().unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// (action, who) of the audit log about one thing, oldest first.
    pub async fn audited(&self, kind: &str, id: i64) -> Vec<(String, Option<i64>)> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            action: String,
            #[diesel(sql_type = Nullable<BigInt>)]
            who: Option<i64>,
        }
        let rows: Vec<Row> = sql_query(
            "SELECT action, user_id::bigint AS who FROM audit_log WHERE entity_type = $1 AND entity_id = $2 ORDER BY id",
        )
        .bind::<Text, _>(kind)
        .bind::<BigInt, _>(id)
        .load(&mut self.db.admin().await)
        .await
        .unwrap();
        rows.into_iter().map(|row| (row.action, row.who)).collect()
    }

    /// The actions of [`App::audited`].
    pub async fn actions(&self, kind: &str, id: i64) -> Vec<String> {
        self.audited(kind, id).await.into_iter().map(|(action, _)| action).collect()
    }
}

async fn start(settings: &Settings, clock: &Clock) -> Pitches {
    Pitches::start(settings.clone(), clock.clone()).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The media type and the bytes of a form.
pub fn form(fields: &[(&str, &str)], file: Option<&[u8]>) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some(file) = file {
        body.extend_from_slice(
            b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"My file.bin\"\r\nContent-Type: text/html\r\n\r\n",
        );
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), body)
}

/// The beginning of a file of this kind, and `length` bytes in all; `seed` makes it another file.
pub fn file(kind: &str, length: usize, seed: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = match kind {
        "png" => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
        "jpeg" => b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(),
        "pdf" => b"%PDF-1.7\n".to_vec(),
        "mp4" => b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec(),
        "html" => b"<!DOCTYPE html><script>alert(1)</script>".to_vec(),
        other => panic!("{other}"),
    };
    bytes.resize(length.max(bytes.len()), seed);
    bytes
}

pub fn id(entity: &Value) -> i64 {
    entity["id"].as_i64().unwrap_or_else(|| panic!("no id in {entity}"))
}
