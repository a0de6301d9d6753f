//! Every route as the contract says it: method, path, envelope, field names, and what each kind of refusal looks like.

use pitchey_testkit::{Answer, Request};
use serde_json::{Value, json};

use crate::app::{App, Member, PASSWORD};
use Shape::{Bare, List, Message, Said};

/// What a success looks like.
enum Shape {
    /// Exactly these fields, no message.
    Bare(&'static [&'static str]),
    /// `{"message", key: {fields}}`, maybe with more beside the entity.
    Message(&'static str, &'static [&'static str]),
    /// `{"data": [{fields}], "meta"}`.
    List(&'static [&'static str]),
    /// A message, and at most these beside it.
    Said(&'static [&'static str]),
}

/// A route with what it takes and gives.
struct Row {
    route: &'static str,
    /// As an admin; else as the user the row is about, who is logged in if `anonymous` is a refusal.
    admin: bool,
    body: Value,
    status: u16,
    shape: Shape,
    /// A body, or a query, that is refused for this field.
    invalid: Option<(Value, &'static str)>,
    /// Who is not logged in gets 401.
    personal: bool,
    /// The id that nobody has, where there is one in the path.
    unknown: Option<&'static str>,
}

const PUBLIC_USER: &[&str] = &[
    "id",
    "username",
    "userType",
    "firstName",
    "lastName",
    "location",
    "bio",
    "profileImage",
    "avatar_url",
    "companyName",
    "companyWebsite",
    "website",
    "emailVerified",
    "companyVerified",
    "isActive",
    "subscriptionTier",
    "createdAt",
    "updatedAt",
];
const OWN_USER: &[&str] = &[
    "id",
    "username",
    "userType",
    "firstName",
    "lastName",
    "location",
    "bio",
    "profileImage",
    "avatar_url",
    "companyName",
    "companyWebsite",
    "website",
    "emailVerified",
    "companyVerified",
    "isActive",
    "subscriptionTier",
    "createdAt",
    "updatedAt",
    "email",
    "phone",
    "companyNumber",
    "companyAddress",
    "lastLoginAt",
];
const ADMIN_USER: &[&str] = &[
    "id",
    "username",
    "userType",
    "firstName",
    "lastName",
    "location",
    "bio",
    "profileImage",
    "avatar_url",
    "companyName",
    "companyWebsite",
    "website",
    "emailVerified",
    "companyVerified",
    "isActive",
    "subscriptionTier",
    "createdAt",
    "updatedAt",
    "email",
    "admin",
    "suspendedAt",
    "bannedAt",
    "deletedAt",
    "lastLoginAt",
];
const WHOLE_USER: &[&str] = &[
    "id",
    "username",
    "userType",
    "firstName",
    "lastName",
    "location",
    "bio",
    "profileImage",
    "avatar_url",
    "companyName",
    "companyWebsite",
    "website",
    "emailVerified",
    "companyVerified",
    "isActive",
    "subscriptionTier",
    "createdAt",
    "updatedAt",
    "email",
    "phone",
    "companyNumber",
    "companyAddress",
    "lastLoginAt",
    "admin",
    "suspendedAt",
    "bannedAt",
    "deletedAt",
];
const SESSION: &[&str] =
    &["id", "current", "ipAddress", "userAgent", "createdAt", "lastActivityAt", "expiresAt"];
const VERIFICATION: &[&str] = &[
    "id",
    "userId",
    "companyName",
    "companyNumber",
    "companyWebsite",
    "note",
    "status",
    "reason",
    "createdAt",
    "decidedAt",
];
const ASKED: &[&str] = &[
    "id",
    "userId",
    "companyName",
    "companyNumber",
    "companyWebsite",
    "note",
    "status",
    "reason",
    "createdAt",
    "decidedAt",
    "user",
];
const REQUEST: &[&str] = &["id", "type", "status", "createdAt", "completedAt", "expiresAt", "size"];
const PREFERENCES: &[&str] =
    &["theme", "language", "timezone", "currency", "itemsPerPage", "autoplayVideos", "reducedMotion"];
const LOG_LINE: &[&str] = &[
    "id",
    "userId",
    "action",
    "entityType",
    "entityId",
    "entityKey",
    "oldValues",
    "newValues",
    "ipAddress",
    "userAgent",
    "requestId",
    "createdAt",
];
const TOKENS: &[&str] = &["token", "refreshToken", "expires_in", "user"];

fn row(route: &'static str, status: u16, shape: Shape) -> Row {
    Row { route, admin: false, body: json!({}), status, shape, invalid: None, personal: false, unknown: None }
}

impl Row {
    fn takes(self, body: Value) -> Self {
        Self { body, ..self }
    }

    fn refuses(self, body: Value, field: &'static str) -> Self {
        Self { invalid: Some((body, field)), ..self }
    }

    fn personal(self) -> Self {
        Self { personal: true, ..self }
    }

    fn admin(self) -> Self {
        Self { admin: true, personal: true, ..self }
    }

    fn unknown(self, path: &'static str) -> Self {
        Self { unknown: Some(path), ..self }
    }
}

/// `{id}` is the other user, `{session}` a session of the user's own, `{name}` the other user's name, `{company}` a request of the other's, `{email}` the user's
/// own address, `{new}` a new name.
fn rows() -> Vec<Row> {
    let register = json!({ "email": "{new}@example.test", "username": "{new}", "password": PASSWORD });
    let log_in = json!({ "email": "{email}", "password": PASSWORD });
    let password = json!({ "password": PASSWORD });
    vec![
        row("POST /api/auth/register", 201, Message("user", OWN_USER))
            .takes(register.clone())
            .refuses(json!({ "email": "no", "username": "{new}", "password": PASSWORD }), "email"),
        row("POST /api/auth/creator/register", 201, Message("user", OWN_USER)).takes(register.clone()),
        row("POST /api/auth/investor/register", 201, Message("user", OWN_USER)).takes(register.clone()),
        row("POST /api/auth/production/register", 201, Message("user", OWN_USER)).takes(register),
        row("POST /api/auth/login", 200, Bare(TOKENS))
            .takes(log_in.clone())
            .refuses(json!({ "email": "x" }), "password"),
        row("POST /api/auth/creator/login", 200, Bare(TOKENS)).takes(log_in),
        row("POST /api/auth/session/refresh", 200, Bare(TOKENS))
            .takes(json!({ "refreshToken": "{refresh}" }))
            .refuses(json!({}), "refreshToken"),
        row("POST /api/auth/forgot-password", 200, Said(&[]))
            .takes(json!({ "email": "{email}" }))
            .refuses(json!({ "email": 1 }), "email"),
        row("POST /api/auth/resend-verification", 200, Said(&[])).personal(),
        row("POST /api/auth/change-password", 200, Said(&[]))
            .takes(json!({ "currentPassword": PASSWORD, "newPassword": "another long phrase" }))
            .refuses(json!({ "currentPassword": PASSWORD, "newPassword": "short" }), "newPassword")
            .personal(),
        row("GET /api/auth/session", 200, Bare(&["user", "session", "admin"])).personal(),
        row("POST /api/auth/logout", 200, Said(&[])).personal(),
        row("GET /api/user/profile", 200, Bare(OWN_USER)).personal(),
        row("PUT /api/user/profile", 200, Message("user", OWN_USER))
            .takes(json!({ "bio": "Hello" }))
            .refuses(json!({ "bio": 1 }), "bio")
            .personal(),
        row("GET /api/user/preferences", 200, Bare(PREFERENCES)).personal(),
        row("PUT /api/user/preferences", 200, Message("preferences", PREFERENCES))
            .takes(json!({ "theme": "dark" }))
            .refuses(json!({ "theme": "pink" }), "theme")
            .personal(),
        row("GET /api/user/sessions", 200, List(SESSION)).refuses(json!("limit=0"), "limit").personal(),
        row("DELETE /api/user/sessions/{session}", 200, Said(&[]))
            .personal()
            .unknown("/api/user/sessions/00000000-0000-0000-0000-000000000000"),
        row("GET /api/user/totp", 200, Bare(&["enabled", "enabledAt", "recoveryCodesLeft"])).personal(),
        row("POST /api/user/totp", 200, Said(&["secret", "otpauthUrl"]))
            .takes(password.clone())
            .refuses(json!({}), "password")
            .personal(),
        row("GET /api/user/company-verification", 200, Bare(&["companyVerified", "verification"])).personal(),
        row("POST /api/user/company-verification", 201, Message("verification", VERIFICATION))
            .refuses(json!({ "note": 1 }), "note")
            .personal(),
        row("DELETE /api/user/account", 200, Message("request", REQUEST))
            .takes(password)
            .refuses(json!({}), "password")
            .personal(),
        row("GET /api/users/{id}", 200, Bare(PUBLIC_USER)).unknown("/api/users/999999"),
        row("GET /api/users/username/{name}", 200, Bare(PUBLIC_USER)).unknown("/api/users/username/nobody"),
        row("GET /api/search/users?q={name}", 200, List(PUBLIC_USER)).refuses(json!("page=0"), "page"),
        row("POST /api/users/{id}/block", 201, Said(&["blocked"]))
            .personal()
            .unknown("/api/users/999999/block"),
        row("DELETE /api/users/{id}/block", 200, Said(&["blocked"]))
            .personal()
            .unknown("/api/users/999999/block"),
        row("GET /api/users/blocked", 200, List(PUBLIC_USER)).refuses(json!("limit=no"), "limit").personal(),
        row("POST /api/gdpr/requests", 201, Message("request", REQUEST))
            .takes(json!({ "type": "export" }))
            .refuses(json!({}), "type")
            .personal(),
        row("GET /api/gdpr/requests", 200, List(REQUEST)).personal(),
        row("GET /api/gdpr/consents", 200, Bare(&["consents"])).personal(),
        row("PUT /api/gdpr/consents", 200, Said(&["consents"]))
            .takes(json!({ "consents": [{ "purpose": "marketing", "granted": true }] }))
            .refuses(json!({}), "consents")
            .personal(),
        row("GET /api/admin/users", 200, List(ADMIN_USER)).refuses(json!("limit=0"), "limit").admin(),
        row("GET /api/admin/users/{id}", 200, Bare(WHOLE_USER)).admin().unknown("/api/admin/users/999999"),
        row("POST /api/admin/users/{id}/suspend", 200, Message("user", ADMIN_USER))
            .takes(json!({ "reason": "Spam." }))
            .refuses(json!({}), "reason")
            .admin()
            .unknown("/api/admin/users/999999/suspend"),
        row("POST /api/admin/users/{id}/reinstate", 200, Message("user", ADMIN_USER))
            .refuses(json!({ "reason": 1 }), "reason")
            .admin()
            .unknown("/api/admin/users/999999/reinstate"),
        row("POST /api/admin/users/{id}/ban", 200, Message("user", ADMIN_USER))
            .takes(json!({ "reason": "Spam." }))
            .refuses(json!({ "reason": "" }), "reason")
            .admin()
            .unknown("/api/admin/users/999999/ban"),
        row("GET /api/admin/company-verifications", 200, List(ASKED))
            .refuses(json!("page=-1"), "page")
            .admin(),
        row("GET /api/admin/company-verifications/{company}", 200, Bare(ASKED))
            .admin()
            .unknown("/api/admin/company-verifications/999999"),
        row("POST /api/admin/company-verifications/{company}", 200, Message("verification", VERIFICATION))
            .takes(json!({ "decision": "approved" }))
            .refuses(json!({}), "decision")
            .admin()
            .unknown("/api/admin/company-verifications/999999"),
        row("GET /api/audit/logs", 200, List(LOG_LINE)).refuses(json!("limit=0"), "limit").admin(),
    ]
}

/// Whom a row is about.
struct World<'a> {
    app: &'a App,
    user: Member,
    other: Member,
    company: i64,
    number: usize,
}

impl<'a> World<'a> {
    async fn build(app: &'a App, number: usize) -> Self {
        let (user, other) =
            (app.creator(&format!("user{number}")).await, app.creator(&format!("other{number}")).await);
        app.db
            .execute(&format!(
                "UPDATE users SET email_verified = true, company_name = 'Films'
                 WHERE username IN ('user{number}', 'other{number}');
                 INSERT INTO company_verifications (user_id, company_name) VALUES ({}, 'Films');
                 INSERT INTO user_blocks VALUES ({}, (SELECT min(id) FROM users WHERE username NOT LIKE 'user{number}'));
                 INSERT INTO data_requests (user_id, kind, status) VALUES ({}, 'export', 'failed')",
                other.actor.id, user.actor.id, user.actor.id
            ))
            .await;
        let company = app
            .count("(SELECT max(id) AS id FROM company_verifications) AS newest, generate_series(1, id)")
            .await;
        let user = app.log_in(&user.email).await;
        Self { app, user, other, company, number }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{id}", &self.other.actor.id.to_string())
            .replace("{session}", &self.user.actor.session_id.to_string())
            .replace("{name}", &format!("other{}", self.number))
            .replace("{company}", &self.company.to_string())
            .replace("{email}", &self.user.email)
            .replace("{refresh}", &self.user.refresh)
            .replace("{new}", &format!("new{}", self.number))
    }

    async fn ask(
        &self,
        row: &Row,
        as_: Option<&pitchey_identity::Actor>,
        path: &str,
        body: &Value,
    ) -> Answer {
        let (method, _) = row.route.split_once(' ').unwrap();
        let path = self.fill(path);
        let (path, body) = match (method, body) {
            ("GET", Value::String(query)) => {
                (format!("{path}{}{query}", if path.contains('?') { "&" } else { "?" }), None)
            }
            ("GET", _) => (path, None),
            (_, body) => (path, Some(serde_json::from_str::<Value>(&self.fill(&body.to_string())).unwrap())),
        };
        let client = &self.app.client;
        let request: Request<'_> = match method {
            "GET" => client.get(&path),
            "POST" => client.post(&path),
            "PUT" => client.put(&path),
            _ => client.delete(&path),
        };
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        match as_ {
            Some(actor) => request.as_(actor).send().await,
            None => request.send().await,
        }
    }
}

fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<_> =
        value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
    keys.sort_unstable();
    keys
}

fn sorted(fields: &[&str]) -> Vec<String> {
    let mut fields: Vec<_> = fields.iter().map(|field| (*field).to_owned()).collect();
    fields.sort_unstable();
    fields
}

fn assert_shape(shape: &Shape, answer: &Answer) {
    let body = &answer.json;
    match shape {
        Bare(fields) => assert_eq!(keys(body), sorted(fields), "{answer}"),
        Message(key, fields) => {
            assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
            assert_eq!(keys(&body[key]), sorted(fields), "{answer}");
        }
        Said(fields) => {
            assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
            let mut expected = sorted(fields);
            expected.push("message".to_owned());
            expected.sort_unstable();
            assert_eq!(keys(body), expected, "{answer}");
        }
        List(fields) => {
            assert_eq!(keys(body), ["data", "meta"], "{answer}");
            assert_eq!(keys(&body["data"][0]), sorted(fields), "{answer}");
            for field in ["page", "limit", "total", "totalPages", "hasNext", "hasPrevious"] {
                assert!(!body["meta"][field].is_null(), "{field}: {answer}");
            }
        }
    }
}

/// The envelope of every error.
fn assert_error(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer}");
    assert!(
        answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
        "{answer}"
    );
    let expected = sorted(&[
        "error",
        "message",
        "code",
        "status",
        "timestamp",
        "details",
        "validation_errors",
        "requestId",
    ]);
    assert_eq!(keys(&answer.json), expected, "{answer}");
    assert_eq!((&answer["error"], &answer["status"]), (&answer["message"], &json!(status)), "{answer}");
    let named = answer["validation_errors"].as_array().is_some_and(|errors| !errors.is_empty());
    assert_eq!(named, status == 400, "a 400 names fields, others do not: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_as_the_contract_says() {
    let app = App::start().await;
    let admin = app.admin().await;
    for (number, row) in rows().iter().enumerate() {
        let world = World::build(&app, number).await;
        let (_, path) = row.route.split_once(' ').unwrap();
        let who = if row.admin { &admin } else { &world.user.actor };
        if row.personal {
            assert_error(&world.ask(row, None, path, &row.body).await, 401);
        }
        if row.admin {
            assert_error(&world.ask(row, Some(&world.user.actor), path, &row.body).await, 403);
        }
        if let Some((body, field)) = &row.invalid {
            let answer = world.ask(row, Some(who), path, body).await;
            assert_error(&answer, 400);
            answer.invalid(&[field]);
        }
        if let Some(unknown) = row.unknown {
            assert_error(&world.ask(row, Some(who), unknown, &row.body).await, 404);
        }
        let answer = world.ask(row, Some(who), path, &row.body).await;
        assert_eq!(answer.status, row.status, "{answer}");
        assert_shape(&row.shape, &answer);
    }
    app.emitted.take_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retrying_client_leaves_one_effect() {
    let app = App::start().await;
    let world = World::build(&app, 1).await;
    app.db.execute("DELETE FROM user_blocks").await;
    app.emitted.take_all().await;
    let block = format!("/api/users/{}/block", world.other.actor.id);
    for (path, body, table) in [
        (block.as_str(), json!({}), "user_blocks"),
        ("/api/gdpr/requests", json!({ "type": "export" }), "data_requests WHERE status <> 'failed'"),
        ("/api/user/company-verification", json!({}), "company_verifications WHERE note IS NULL"),
    ] {
        let before = app.count(table).await;
        for _ in 0..4 {
            let answer = app.client.post(path).as_(&world.user.actor).json(&body).send().await;
            assert!((200..300).contains(&answer.status), "{answer}");
        }
        assert_eq!(app.count(table).await, before + 1, "{path}");
    }
    // Registering again is refused by the natural key, and with the key of the first try answered as then.
    let body = json!({ "email": "once@example.test", "username": "once", "password": PASSWORD });
    let once = async || {
        app.client.post("/api/auth/register").header("idempotency-key", "k1").json(&body).send().await
    };
    let first = once().await.expect(201).json;
    for _ in 0..3 {
        assert_eq!(once().await.expect(201).json, first);
    }
    assert_eq!(app.count("users WHERE username = 'once'").await, 1);
    // A change of the password that is repeated counts no wrong attempts: the old one would be wrong by now.
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "another long phrase" });
    for _ in 0..8 {
        let request = app.client.post("/api/auth/change-password").header("idempotency-key", "k2");
        request.as_(&world.user.actor).json(&body).send().await.expect(200);
    }
    assert_eq!(app.count("login_attempts").await, 0);
    app.emitted.take_all().await;
}
