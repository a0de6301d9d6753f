//! Who may do what: every route, asked by everybody.

use std::collections::BTreeSet;

use pitchey_system_tests::{As, Person, Platform};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Cast, Given, World, draft, signature};
use Given::{Approved, Draft, Pending, Published, Signed};

/// In this order in each line: anonymous, viewer, another creator, the owner, the requester, another investor, an admin.
type Statuses = [u16; 7];

/// The same for everybody.
const fn all(status: u16) -> Statuses {
    [status; 7]
}

/// Everybody who is logged in.
const fn users(status: u16) -> Statuses {
    [401, status, status, status, status, status, status]
}

/// Method and path as OpenAPI has them, what is given, and who gets which status.
#[rustfmt::skip]
const TABLE: &[(&str, Given, Statuses)] = &[
    //                                                          anon view crea own  req  stra admin
    ("POST /api/auth/register",                     Draft,     all(400)),
    ("POST /api/auth/creator/register",             Draft,     all(400)),
    ("POST /api/auth/investor/register",            Draft,     all(400)),
    ("POST /api/auth/production/register",          Draft,     all(400)),
    ("POST /api/auth/verify-email",                 Draft,     all(400)),
    ("POST /api/auth/resend-verification",          Draft,     users(200)),
    ("POST /api/auth/login",                        Draft,     all(401)),
    ("POST /api/auth/creator/login",                Draft,     all(401)),
    ("POST /api/auth/investor/login",               Draft,     all(401)),
    ("POST /api/auth/production/login",             Draft,     all(401)),
    ("POST /api/auth/session/refresh",              Draft,     all(401)),
    ("POST /api/auth/forgot-password",              Draft,     all(200)),
    ("POST /api/auth/reset-password",               Draft,     all(400)),
    ("POST /api/auth/change-password",              Draft,     [401, 400, 400, 400, 400, 400, 400]),
    ("POST /api/auth/logout",                       Draft,     users(200)),
    ("GET /api/auth/session",                       Draft,     users(200)),

    ("GET /api/user/profile",                       Draft,     users(200)),
    ("PUT /api/user/profile",                       Draft,     users(200)),
    ("GET /api/user/sessions",                      Draft,     users(200)),
    ("DELETE /api/user/sessions/{id}",              Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/user/preferences",                   Draft,     users(200)),
    ("PUT /api/user/preferences",                   Draft,     users(200)),
    ("GET /api/user/totp",                          Draft,     users(200)),
    ("POST /api/user/totp",                         Draft,     users(400)),
    ("POST /api/user/totp/confirm",                 Draft,     users(400)),
    ("DELETE /api/user/totp",                       Draft,     users(400)),
    ("GET /api/user/company-verification",          Draft,     users(200)),
    ("POST /api/user/company-verification",         Draft,     [401, 403, 201, 201, 201, 201, 403]),
    ("DELETE /api/user/account",                    Draft,     users(400)),
    ("POST /api/gdpr/requests",                     Draft,     users(201)),
    ("GET /api/gdpr/requests",                      Draft,     users(200)),
    ("GET /api/gdpr/exports/{id}",                  Draft,     users(404)),
    ("GET /api/gdpr/consents",                      Draft,     users(200)),
    ("PUT /api/gdpr/consents",                      Draft,     users(200)),
    ("GET /api/search/users",                       Draft,     all(200)),
    ("POST /api/users/{id}/block",                  Draft,     [401, 400, 201, 201, 201, 201, 201]),
    ("DELETE /api/users/{id}/block",                Draft,     users(200)),
    ("GET /api/users/blocked",                      Draft,     users(200)),
    ("GET /api/admin/users",                        Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/admin/users/{id}",                   Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/users/{id}/suspend",          Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/users/{id}/reinstate",        Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/users/{id}/ban",              Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/admin/company-verifications",        Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/admin/company-verifications/{id}",   Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/company-verifications/{id}",  Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/audit/logs",                         Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/users/username/{name}",          Draft,     all(200)),
    ("GET /api/users/{id}",                         Draft,     all(200)),

    ("GET /api/pitches",                            Published, all(200)),
    ("POST /api/pitches",                           Draft,     [401, 403, 201, 201, 403, 403, 403]),
    ("GET /api/pitches/public",                     Published, all(200)),
    ("GET /api/pitches/public/{id}",                Published, all(200)),
    ("GET /api/pitches/public/{id}",                Draft,     all(404)),
    ("GET /api/pitches/{id}",                       Published, all(200)),
    ("GET /api/pitches/{id}",                       Draft,     [404, 404, 404, 200, 404, 404, 404]),
    ("PUT /api/pitches/{id}",                       Published, [401, 403, 403, 200, 403, 403, 403]),
    ("PUT /api/pitches/{id}",                       Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("PATCH /api/pitches/{id}",                     Published, [401, 403, 403, 200, 403, 403, 403]),
    ("DELETE /api/pitches/{id}",                    Published, [401, 403, 403, 200, 403, 403, 403]),
    ("DELETE /api/pitches/{id}",                    Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("POST /api/pitches/{id}/publish",              Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("POST /api/pitches/{id}/unpublish",            Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/{id}/hide",                 Published, [401, 403, 403, 200, 403, 403, 403]),
    ("GET /api/pitches/{id}/versions",              Published, [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/{id}/versions/{n}",     Published, [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/featured",                   Published, all(200)),
    ("GET /api/pitches/recommended",                Published, all(200)),
    ("GET /api/pitches/following",                  Published, users(200)),
    ("GET /api/pitches/trending",                   Published, all(200)),
    ("GET /api/pitches/search",                     Published, all(200)),
    ("GET /api/pitches/search/suggestions",         Published, all(200)),
    ("GET /api/search/advanced",                    Published, all(200)),
    ("GET /api/pitches/batch",                      Published, all(200)),
    ("POST /api/pitches/batch/archive",             Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/batch/delete",              Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/batch/delete",              Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("POST /api/pitches/{id}/promote",              Published, [401, 403, 403, 200, 403, 403, 403]),
    ("POST /api/pitches/{id}/like",                 Published, users(201)),
    ("POST /api/pitches/{id}/like",                 Draft,     [401, 404, 404, 409, 404, 404, 404]),
    ("DELETE /api/pitches/{id}/like",               Published, users(200)),
    ("GET /api/pitches/{id}/likes",                 Published, all(200)),
    ("GET /api/pitches/{id}/likes",                 Draft,     [404, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/{id}/comments",              Published, all(200)),
    ("POST /api/pitches/{id}/comments",             Published, users(201)),
    ("PUT /api/pitches/{id}/comments/{cid}",        Published, [401, 403, 403, 403, 200, 403, 403]),
    ("DELETE /api/pitches/{id}/comments/{cid}",     Published, [401, 403, 403, 200, 200, 403, 200]),
    ("POST /api/pitches/{id}/report",               Published, [401, 201, 201, 403, 201, 201, 201]),
    ("POST /api/pitches/{id}/share",                Published, users(201)),
    ("GET /api/pitches/{id}/share-link",            Published, users(200)),
    ("POST /api/users/{id}/follow",                 Draft,     [401, 201, 201, 403, 201, 201, 201]),
    ("DELETE /api/users/{id}/follow",               Draft,     users(200)),
    ("GET /api/users/{id}/followers",               Draft,     all(200)),
    ("GET /api/users/{id}/following",               Draft,     all(200)),
    ("GET /api/user/followers",                     Draft,     users(200)),
    ("GET /api/user/following",                     Draft,     users(200)),
    ("GET /api/watchlist",                          Published, users(200)),
    ("POST /api/watchlist",                         Published, [401, 201, 201, 403, 201, 201, 201]),
    ("DELETE /api/watchlist/{id}",                  Published, users(200)),
    ("GET /api/admin/reports",                      Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/reports/{id}/resolve",        Published, [401, 403, 403, 403, 403, 403, 200]),
    ("POST /api/admin/pitches/{id}/hide",           Published, [401, 403, 403, 403, 403, 403, 200]),

    ("GET /api/payments/plans",                     Draft,     all(200)),
    ("GET /api/payments/packages",                  Draft,     all(200)),
    ("GET /api/payments/credits/balance",           Draft,     users(200)),
    ("GET /api/payments/credits/ledger",            Draft,     users(200)),
    ("POST /api/payments/credits/purchase",         Draft,     [401, 403, 201, 201, 201, 201, 403]),
    ("POST /api/payments/cancel-subscription",      Draft,     [401, 409, 409, 409, 409, 409, 403]),
    ("POST /api/payments/subscribe",                Draft,     [401, 201, 201, 201, 201, 201, 403]),
    ("GET /api/payments/subscription-status",       Draft,     users(200)),
    ("GET /api/payments/history",                   Draft,     users(200)),
    ("GET /api/payments/export",                    Draft,     users(200)),
    ("POST /api/payments/refund",                   Draft,     [401, 403, 403, 403, 403, 403, 404]),
    ("POST /api/webhooks/stripe",                   Draft,     all(404)),

    ("POST /api/ndas/request",                      Published, [401, 403, 403, 403, 201, 201, 403]),
    ("GET /api/ndas",                               Pending,   users(200)),
    ("GET /api/ndas/signed",                        Signed,    users(200)),
    ("GET /api/ndas/stats",                         Signed,    users(200)),
    ("GET /api/ndas/policy",                        Draft,     users(200)),
    ("PUT /api/ndas/policy",                        Draft,     [401, 403, 200, 200, 403, 403, 403]),
    ("GET /api/ndas/pitch/{id}/status",             Signed,    users(200)),
    ("GET /api/ndas/pitch/{id}/status",             Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/ndas/pitch/{id}/can-request",        Published, users(200)),
    ("GET /api/ndas/{id}",                          Pending,   [401, 404, 404, 200, 200, 404, 404]),
    ("POST /api/ndas/{id}/approve",                 Pending,   [401, 404, 404, 200, 403, 404, 404]),
    ("POST /api/ndas/{id}/reject",                  Pending,   [401, 404, 404, 200, 403, 404, 404]),
    ("POST /api/ndas/{id}/withdraw",                Pending,   [401, 404, 404, 403, 200, 404, 404]),
    ("POST /api/ndas/{id}/remind",                  Pending,   [401, 404, 404, 403, 200, 404, 404]),
    ("POST /api/ndas/{id}/sign",                    Approved,  [401, 404, 404, 403, 200, 404, 404]),
    ("POST /api/ndas/{id}/sign",                    Pending,   [401, 404, 404, 403, 409, 404, 404]),
    ("POST /api/ndas/{id}/revoke",                  Signed,    [401, 404, 404, 200, 403, 404, 200]),
    ("POST /api/ndas/{id}/revoke",                  Approved,  [401, 404, 404, 200, 403, 404, 200]),
    ("GET /api/ndas/{id}/document",                 Approved,  [401, 404, 404, 200, 200, 404, 404]),
    ("GET /api/ndas/{id}/receipt",                  Signed,    [401, 404, 404, 200, 200, 404, 404]),
    ("GET /api/ndas/{id}/verify",                   Signed,    [401, 404, 404, 200, 200, 404, 404]),
    ("POST /api/ndas/bulk-approve",                 Pending,   users(200)),
    ("POST /api/ndas/bulk-reject",                  Pending,   users(200)),

    // Between the requester and the stranger, who are of a kind.
    ("GET /api/messages/conversations",             Draft,     users(200)),
    ("GET /api/messages/unread-count",              Draft,     users(200)),
    ("POST /api/messages/send",                     Draft,     [401, 403, 403, 403, 201, 400, 201]),
    ("POST /api/messages/{id}/read",                Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("PUT /api/messages/{id}",                      Draft,     [401, 404, 404, 404, 200, 403, 404]),
    ("DELETE /api/messages/{id}",                   Draft,     [401, 404, 404, 404, 200, 403, 404]),
    ("POST /api/conversations",                     Draft,     [401, 403, 403, 403, 200, 400, 200]),
    ("GET /api/conversations/{id}",                 Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/messages",       Draft,     [401, 404, 404, 404, 201, 201, 404]),
    ("POST /api/conversations/{id}/read",           Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/typing",         Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/archive",        Draft,     [401, 404, 404, 404, 200, 200, 404]),
    ("POST /api/conversations/{id}/participants",   Draft,     [401, 404, 404, 404, 409, 409, 404]),
    ("GET /api/ws/token",                           Draft,     users(200)),
    ("GET /api/poll",                               Draft,     users(200)),
    ("GET /ws",                                     Draft,     all(400)),

    ("POST /api/analytics/track",                   Draft,     all(201)),
    ("POST /api/views/track",                       Published, all(201)),
    ("GET /api/analytics/user",                     Draft,     users(200)),
    ("GET /api/analytics/overview",                 Draft,     [401, 403, 403, 403, 403, 403, 200]),
    ("GET /api/creator/dashboard",                  Draft,     [401, 403, 200, 200, 403, 403, 403]),
    ("GET /api/production/dashboard",               Draft,     [401, 403, 403, 403, 403, 403, 403]),
    ("GET /api/investor/dashboard",                 Draft,     [401, 403, 403, 403, 200, 200, 403]),
    ("GET /api/pitches/{id}/analytics",             Published, [401, 403, 403, 200, 403, 403, 200]),
    ("GET /api/pitches/{id}/analytics",             Draft,     [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/pitches/{id}/views",                 Published, [401, 403, 403, 200, 403, 403, 200]),
    ("POST /api/export",                            Draft,     users(200)),

    ("POST /api/media/upload",                      Published, [401, 403, 403, 201, 403, 403, 403]),
    ("POST /api/media/upload",                      Draft,     [401, 403, 404, 201, 403, 403, 403]),
    ("GET /api/media/{id}",                         Signed,    [404, 404, 404, 200, 200, 404, 404]),
    ("GET /api/media/{id}/file",                    Signed,    [404, 404, 404, 200, 200, 404, 404]),
    ("GET /api/media/{id}/file",                    Approved,  [404, 404, 404, 200, 404, 404, 404]),
    ("DELETE /api/media/{id}",                      Published, [401, 404, 404, 200, 404, 404, 404]),
    ("GET /api/investments",                        Draft,     users(200)),
    ("POST /api/investments/track",                 Published, [401, 403, 403, 403, 201, 201, 403]),
    ("POST /api/investments/track",                 Draft,     [401, 403, 403, 403, 404, 404, 403]),
    ("GET /.well-known/pitchey-keys",               Draft,     all(200)),

    ("GET /api/notifications/list",                 Draft,     users(200)),
    ("GET /api/notifications/unread",               Draft,     users(200)),
    ("POST /api/notifications/read-all",            Draft,     users(200)),
    ("POST /api/notifications/{id}/read",           Draft,     [401, 404, 404, 404, 404, 404, 404]),
    ("GET /api/email/preferences",                  Draft,     users(200)),
    ("PUT /api/email/preferences",                  Draft,     users(200)),
    ("GET /api/email/unsubscribe/{token}",          Draft,     all(404)),
    ("POST /api/email/unsubscribe/{token}",         Draft,     all(404)),
    ("POST /api/webhooks/email",                    Draft,     all(401)),

    ("GET /dev/mails",                              Draft,     all(200)),
    ("GET /health",                                 Draft,     all(200)),
    ("GET /api/openapi.json",                       Draft,     all(200)),
    ("GET /api/docs",                               Draft,     all(308)),
    ("GET /api/config/all",                         Draft,     all(200)),
];

#[tokio::test]
async fn every_route_answers_everybody_as_the_rule_book_says() {
    let platform = Platform::start().await;
    let cast = Cast::assemble(&platform).await;
    let mut wrong = Vec::new();
    for (route, given, statuses) in TABLE {
        let mut world = World::build(&platform, &cast, *given).await;
        for (name, person, expected) in everybody(&cast, statuses) {
            let answer = ask(&platform, &cast, route, world, person).await;
            if answer.status != expected {
                wrong.push(format!("{route} ({given:?}) by {name}: {expected} expected: {answer}"));
            }
            // What may have changed something is built anew for the next.
            if answer.status < 300 && !route.starts_with("GET") {
                world = World::build(&platform, &cast, *given).await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the matrix:\n{}", wrong.len(), wrong.join("\n"));
    no_route_is_missing(&platform).await;
}

fn everybody<'a>(cast: &'a Cast, statuses: &Statuses) -> [(&'static str, Option<&'a Person>, u16); 7] {
    let [anonymous, viewer, creator, owner, requester, stranger, admin] = *statuses;
    [
        ("anonymous", None, anonymous),
        ("the viewer", Some(&cast.viewer), viewer),
        ("another creator", Some(&cast.creator), creator),
        ("the stranger", Some(&cast.stranger), stranger),
        ("the admin", Some(&cast.admin), admin),
        ("the owner", Some(&cast.owner), owner),
        ("the requester", Some(&cast.requester), requester),
    ]
}

async fn ask(
    platform: &Platform,
    cast: &Cast,
    route: &str,
    world: World,
    person: Option<&Person>,
) -> pitchey_system_tests::Answer {
    let (method, template) = route.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let gateway = platform.gateway();
    // These end a session: one of their own.
    let own = match person {
        Some(person) if template == "/api/auth/logout" => Some(platform.log_in(&person.email).await),
        other => other.cloned(),
    };
    let path = fill(platform, cast, template, world, person).await;
    let request = gateway.request(method.clone(), &path).by(own.as_ref());
    if matches!(method, Method::GET | Method::DELETE) {
        return request.send().await;
    }
    if template == "/api/media/upload" {
        return request.body(FORM, poster(world)).send().await;
    }
    request.json(&body(platform, cast, route, world).await).send().await
}

const FORM: &str = "multipart/form-data; boundary=edge";

/// A picture that its owner keeps from the public.
fn poster(world: World) -> Vec<u8> {
    let field = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields = [("pitchId", world.pitch.to_string().as_str()), ("type", "poster"), ("public", "false")]
        .map(|(name, value)| field(name, value))
        .concat();
    let file = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.png\"\r\n\r\n";
    [fields.as_bytes(), file.as_bytes(), b"\x89PNG\r\n\x1a\n....\r\n--edge--\r\n"].concat()
}

/// The path of something that belongs to the owner, or lies between the owner and the requester.
async fn fill(
    platform: &Platform,
    cast: &Cast,
    template: &str,
    world: World,
    asking: Option<&Person>,
) -> String {
    let id = match template {
        "/api/user/sessions/{id}" => {
            // The owner ends another one than the one that asks.
            let of_owner = match asking {
                Some(person) if person.id == cast.owner.id => platform.log_in(&cast.owner.email).await,
                _ => cast.owner.clone(),
            };
            let sessions = of_owner.get(platform, "/api/user/sessions").await.ok();
            let sessions = sessions["data"].as_array().cloned().unwrap();
            let current =
                sessions.iter().find(|session| session["current"] == true).expect("the current session");
            current["id"].as_str().unwrap().to_owned()
        }
        // Nobody whom the other rows need.
        "/api/users/{id}/block" => cast.viewer.id.to_string(),
        template if template.starts_with("/api/admin/users/{id}") => match asking {
            // Somebody whom nobody misses.
            Some(person) if person.id == cast.admin.id => {
                platform.unverified_person("viewer").await.id.to_string()
            }
            _ => cast.owner.id.to_string(),
        },
        // The first that was asked for.
        "/api/admin/company-verifications/{id}" => "1".to_owned(),
        "/api/gdpr/exports/{id}" => "999999999".to_owned(),
        "/api/users/username/{name}" => {
            let profile = cast.owner.get(platform, "/api/user/profile").await.ok();
            profile["username"].as_str().unwrap().to_owned()
        }
        "/api/users/{id}"
        | "/api/users/{id}/follow"
        | "/api/users/{id}/followers"
        | "/api/users/{id}/following" => cast.owner.id.to_string(),
        "/api/admin/reports/{id}/resolve" => {
            let path = format!("/api/pitches/{}/report", world.pitch);
            let report = cast.requester.post(platform, &path, &json!({ "reason": "other" })).await.ok();
            report["report"]["id"].to_string()
        }
        template if template.starts_with("/api/media/{id}") => {
            let gateway = platform.gateway();
            let upload = gateway.post("/api/media/upload").by(Some(&cast.owner));
            upload.body(FORM, poster(world)).send().await.ok()["file"]["id"].to_string()
        }
        "/api/notifications/{id}/read" => "999999999".to_owned(),
        template
            if template.starts_with("/api/messages/{id}")
                || template.starts_with("/api/conversations/{id}") =>
        {
            let body = json!({ "receiverId": cast.stranger.id, "content": "Hello" });
            let sent = cast.requester.post(platform, "/api/messages/send", &body).await.ok();
            let key = if template.starts_with("/api/messages") { "id" } else { "conversationId" };
            sent["messageData"][key].to_string()
        }
        _ if template.starts_with("/api/ndas/{id}") => world.nda.to_string(),
        _ => world.pitch.to_string(),
    };
    let (before, after) = match template.split_once('{') {
        Some((before, rest)) => (before, rest.split_once('}').unwrap().1),
        None => return template.to_owned(),
    };
    let mut after = after.replace("{n}", "1");
    if after.contains("{cid}") {
        // A comment of the requester's.
        let path = format!("/api/pitches/{}/comments", world.pitch);
        let comment = cast.requester.post(platform, &path, &json!({ "content": "Fine." })).await.ok();
        after = after.replace("{cid}", &comment["comment"]["id"].to_string());
    }
    format!("{before}{id}{after}")
}

async fn body(platform: &Platform, cast: &Cast, route: &str, world: World) -> Value {
    match route {
        "POST /api/pitches" => draft(),
        "POST /api/payments/credits/purchase" => json!({ "creditPackage": 1 }),
        "POST /api/payments/subscribe" => json!({ "tier": "creator" }),
        "POST /api/payments/refund" => json!({ "transactionId": 999_999_999 }),
        "PUT /api/pitches/{id}" => json!({ "whyNow": "Because." }),
        "PATCH /api/pitches/{id}" => json!({ "archived": true }),
        "POST /api/ndas/request" | "POST /api/watchlist" => json!({ "pitchId": world.pitch }),
        "POST /api/investments/track" => json!({ "pitchId": world.pitch, "amount": 1_000 }),
        "POST /api/pitches/batch/archive" | "POST /api/pitches/batch/delete" => {
            json!({ "ids": [world.pitch] })
        }
        "POST /api/analytics/track" => json!({ "eventType": "click" }),
        "POST /api/views/track" => json!({ "pitchId": world.pitch, "duration": 1 }),
        "POST /api/pitches/{id}/comments" | "PUT /api/pitches/{id}/comments/{cid}" => {
            json!({ "content": "Good." })
        }
        "POST /api/pitches/{id}/report" => json!({ "reason": "spam" }),
        "POST /api/admin/reports/{id}/resolve" => json!({ "outcome": "dismissed" }),
        "POST /api/admin/pitches/{id}/hide" => json!({ "reason": "Stolen." }),
        "POST /api/ndas/{id}/revoke" => json!({ "reason": "Sold." }),
        "POST /api/ndas/{id}/sign" => {
            let mut signature = signature(platform, &cast.requester, world.nda).await;
            if signature["documentHash"].is_null() {
                signature["documentHash"] = json!("0".repeat(64));
            }
            signature
        }
        "POST /api/messages/send" => json!({ "receiverId": cast.stranger.id, "content": "Hello" }),
        "PUT /api/messages/{id}" | "POST /api/conversations/{id}/messages" => {
            json!({ "content": "Hello again" })
        }
        "POST /api/conversations" => json!({ "participantIds": [cast.stranger.id] }),
        "POST /api/ndas/bulk-approve" | "POST /api/ndas/bulk-reject" => json!({ "ndaIds": [world.nda] }),
        "PUT /api/ndas/policy" => json!({ "policy": "never" }),
        "PUT /api/user/profile" => json!({ "location": "Here" }),
        "POST /api/gdpr/requests" => json!({ "type": "export" }),
        "PUT /api/gdpr/consents" => json!({ "consents": [{ "purpose": "marketing", "granted": true }] }),
        "POST /api/admin/users/{id}/suspend" | "POST /api/admin/users/{id}/ban" => {
            json!({ "reason": "Spam." })
        }
        "POST /api/admin/company-verifications/{id}" => json!({ "decision": "rejected" }),
        "PUT /api/email/preferences" => json!({ "messages": "daily" }),
        "POST /api/auth/session/refresh" => json!({ "refreshToken": "none" }),
        "POST /api/auth/forgot-password" | "POST /api/auth/resend-verification" => {
            json!({ "email": "nobody@people.test" })
        }
        "POST /api/auth/reset-password" => {
            json!({ "token": "none", "newPassword": "one that is long enough" })
        }
        "POST /api/auth/verify-email" => json!({ "token": "none" }),
        route if route.ends_with("/login") => {
            json!({ "email": format!("{}@people.test", uuid::Uuid::new_v4()), "password": "wrong" })
        }
        _ => json!({}),
    }
}

/// The table has every route of the merged OpenAPI document, and no other.
async fn no_route_is_missing(platform: &Platform) {
    let document = platform.gateway().get("/api/openapi.json").send().await.ok();
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().unwrap().keys() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let table: BTreeSet<_> = TABLE.iter().map(|(route, ..)| (*route).to_owned()).collect();
    let missing: Vec<_> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "routes that the matrix does not have: {missing:#?}");
}
