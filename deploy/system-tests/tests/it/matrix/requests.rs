//! What is asked, and of what.

use pitchey_system_tests::{Answer, As, Person, Platform};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Cast, World, draft, signature};

/// Asks `route` in `world` as `person`.
pub async fn ask(
    platform: &Platform,
    cast: &Cast,
    route: &str,
    world: World,
    person: Option<&Person>,
) -> Answer {
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
