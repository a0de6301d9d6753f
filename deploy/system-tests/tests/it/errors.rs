//! Whatever comes in, what goes out is an answer or the error envelope; never a 500.

use pitchey_system_tests::{Answer, As, Person, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Cast, Given, World};

#[tokio::test]
async fn hostile_input_gets_the_error_envelope() {
    let platform = Platform::start().await;
    let cast = Cast::assemble(&platform).await;
    let world = World::build(&platform, &cast, Given::Signed).await;
    let routes = routes(&platform, world).await;

    bodies(&platform, &cast.owner, &routes).await;
    identifiers(&platform, &cast.owner).await;
    queries(&platform, &cast.owner, &routes).await;
    tokens(&platform).await;
    headers(&platform, &cast.owner).await;
    unknown_routes(&platform).await;
    broken_http(&platform).await;

    for service in pitchey_events_services() {
        for replica in platform.replicas_of(service) {
            assert!(!replica.log().contains("panicked"), "{service} panicked:\n{}", replica.log());
        }
    }
}

fn pitchey_events_services() -> [pitchey_events::Service; 4] {
    use pitchey_events::Service::{Accounts, Gateway, Notifications, Pitches};
    [Gateway, Accounts, Pitches, Notifications]
}

/// Every route of the OpenAPI document, with ids that exist.
async fn routes(platform: &Platform, world: World) -> Vec<(Method, String)> {
    let document = platform.gateway().get("/api/openapi.json").send().await.ok();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().unwrap().keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let id = if path.starts_with("/api/ndas/{") { world.nda } else { world.pitch };
            let mut filled = path.clone();
            while let (Some(open), Some(close)) = (filled.find('{'), filled.find('}')) {
                filled.replace_range(open..=close, &id.to_string());
            }
            // Whoever logs out or deletes asks no more.
            if method != Method::DELETE && !filled.ends_with("/logout") {
                routes.push((method, filled));
            }
        }
    }
    assert!(routes.len() > 40, "{routes:?}");
    routes
}

#[track_caller]
fn envelope(answer: &Answer) {
    assert!(answer.status < 500, "{answer}");
    if answer.status < 400 {
        return;
    }
    assert_ne!(answer.status, 422, "{answer}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{answer}");
    let json = &answer.json;
    assert!(json["error"].as_str().is_some_and(|text| !text.is_empty()), "error: {answer}");
    assert_eq!(json["error"], json["message"], "{answer}");
    assert!(json["code"].as_str().is_some_and(|code| !code.is_empty()), "code: {answer}");
    assert_eq!(json["status"], answer.status, "{answer}");
    let timestamp = json["timestamp"].as_str().unwrap_or_default();
    assert!(timestamp.len() == 24 && timestamp.ends_with('Z'), "timestamp: {answer}");
    assert!(json["details"].is_object(), "details: {answer}");
    assert!(json["requestId"].as_str().is_some_and(|id| !id.is_empty()), "requestId: {answer}");
    let errors =
        json["validation_errors"].as_array().unwrap_or_else(|| panic!("validation_errors: {answer}"));
    assert_eq!(!errors.is_empty(), answer.status == 400, "validation_errors: {answer}");
    for error in errors {
        for key in ["field", "message", "code"] {
            assert!(error[key].is_string(), "{key}: {answer}");
        }
    }
    if answer.status == 429 {
        assert!(
            answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()),
            "{answer}"
        );
    }
}

async fn bodies(platform: &Platform, owner: &Person, routes: &[(Method, String)]) {
    let gateway = platform.gateway();
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let wrong = |value: Value| {
        let names = [
            "title",
            "logline",
            "genre",
            "format",
            "shortSynopsis",
            "themes",
            "comparables",
            "requiresNDA",
            "ndaType",
            "pitchId",
            "message",
            "reason",
            "fullName",
            "acceptTerms",
            "documentHash",
            "ndaIds",
            "policy",
            "terms",
            "expiryDays",
            "archived",
            "email",
            "username",
            "password",
            "userType",
            "firstName",
            "token",
            "newPassword",
            "refreshToken",
            "currentPassword",
            "location",
            "bio",
            "messages",
            "ndaRequests",
            "weeklyDigest",
            "marketing",
        ];
        let object: serde_json::Map<_, _> =
            names.into_iter().map(|name| (name.to_owned(), value.clone())).collect();
        Value::Object(object).to_string().into_bytes()
    };
    let samples: Vec<(&str, Vec<u8>)> = vec![
        ("half a JSON", b"{\"title\": ".to_vec()),
        ("no JSON", b"title=x".to_vec()),
        ("invalid UTF-8", b"{\"title\": \"\xff\xfe\"}".to_vec()),
        (
            "half a surrogate",
            br#"{"title": "\ud800", "email": "\ud800", "message": "\ud800", "reason": "\ud800"}"#.to_vec(),
        ),
        ("a list", b"[1, 2, 3]".to_vec()),
        ("a text", b"\"text\"".to_vec()),
        ("null", b"null".to_vec()),
        ("nested deeply", deep.into_bytes()),
        ("numbers everywhere", wrong(json!(7))),
        ("lists everywhere", wrong(json!([]))),
        ("objects everywhere", wrong(json!({ "x": { "y": 1 } }))),
        ("huge numbers", wrong(json!(u64::MAX))),
        ("fractions", wrong(json!(1e300))),
        ("negative numbers", wrong(json!(-1))),
        ("overlong texts", wrong(json!("x".repeat(60_000)))),
        ("NUL in texts", wrong(json!("a\u{0}b"))),
        ("right-to-left, emoji, combining", wrong(json!("\u{202e}\u{1f3ac}e\u{301}".repeat(30)))),
        ("SQL", wrong(json!("'; DROP TABLE users; --"))),
        ("templates", wrong(json!("{{ 7 * 7 }}<script>alert(1)</script>\r\nBcc: all@people.test"))),
    ];
    for (method, path) in routes.iter().filter(|(method, _)| *method != Method::GET) {
        for (what, body) in &samples {
            let request = gateway.request(method.clone(), path).bearer(&owner.token);
            let answer = request.body("application/json", body.clone()).send().await;
            assert!(answer.status < 500, "{what}: {answer}");
            envelope(&answer);
            if path == UPLOAD {
                assert_eq!(answer.status, 415, "{what}: {answer}");
            } else if is_read(path) && ["half a JSON", "no JSON", "invalid UTF-8"].contains(what) {
                assert_eq!(answer.status, 400, "{what}: {answer}");
            }
        }
        let huge = vec![b' '; 4 * 1024 * 1024];
        let answer =
            gateway.request(method.clone(), path).bearer(&owner.token).body("application/json", huge);
        let answer = answer.send().await;
        envelope(&answer);
        assert_eq!(answer.status, if path == UPLOAD { 415 } else { 413 }, "{answer}");
        let answer =
            gateway.request(method.clone(), path).bearer(&owner.token).body("text/xml", "<a/>").send().await;
        envelope(&answer);
        if is_read(path) {
            assert_eq!(answer.status, 415, "{answer}");
        }
    }
}

/// Takes a form, no JSON.
const UPLOAD: &str = "/api/media/upload";

/// What a mail program sends to unsubscribe is a form, and says nothing that is read (RFC 8058); what nobody has signed is not read, either.
fn is_read(path: &str) -> bool {
    !path.starts_with("/api/email/unsubscribe") && !path.starts_with("/api/webhooks/")
}

async fn identifiers(platform: &Platform, owner: &Person) {
    let gateway = platform.gateway();
    for id in [
        "0",
        "-1",
        "2147483647",
        "2147483648",
        "99999999999999999999",
        "abc",
        "1.5",
        "1e3",
        "%00",
        "%FF",
        "1%2F2",
        "1;2",
        "..",
        "%2e%2e",
        "'%20or%201=1",
        "%F0%9F%8E%AC",
    ] {
        for path in [
            format!("/api/pitches/{id}"),
            format!("/api/pitches/public/{id}"),
            format!("/api/pitches/{id}/versions"),
            format!("/api/ndas/{id}"),
            format!("/api/ndas/{id}/document"),
            format!("/api/ndas/pitch/{id}/status"),
            format!("/api/users/{id}"),
        ] {
            let answer = gateway.get(&path).bearer(&owner.token).send().await;
            envelope(&answer);
            // A path that climbs names another route, which may well exist.
            assert!(
                answer.status == 404 || id.contains('.') || id.contains("%2e") || answer.status == 400,
                "{answer}"
            );
        }
    }
    let long = format!("/api/pitches/{}", "9".repeat(5_000));
    envelope(&gateway.get(&long).send().await);
}

async fn queries(platform: &Platform, owner: &Person, routes: &[(Method, String)]) {
    let gateway = platform.gateway();
    for (_, path) in routes.iter().filter(|(method, path)| *method == Method::GET && !path.contains("/docs"))
    {
        for query in [
            "page=0",
            "page=-1",
            "page=x",
            "page=99999999999999999999",
            "page=2147483647",
            "limit=0",
            "limit=x",
            "limit=100000",
            "cursor=%00",
            "cursor=garbage",
            "cursor=",
            "status=nonsense",
            "role=nonsense",
            "genre=x",
            "q=%FF",
            "q=%00",
            "page=1&page=2",
            "%",
            "=&=&",
            "to=%00",
        ] {
            let answer = gateway.get(&format!("{path}?{query}")).bearer(&owner.token).send().await;
            envelope(&answer);
        }
    }
    for bad in ["page=0", "page=x", "limit=0", "limit=x"] {
        for list in ["/api/pitches", "/api/pitches/public", "/api/ndas", "/api/notifications/list"] {
            let answer = gateway.get(&format!("{list}?{bad}")).bearer(&owner.token).send().await;
            assert_eq!(answer.status, 400, "{answer}");
        }
    }
    let clamped = gateway.get("/api/pitches/public?limit=100000").send().await.ok();
    assert_eq!(clamped["meta"]["limit"], 100);
}

async fn tokens(platform: &Platform) {
    let gateway = platform.gateway();
    let long = format!("Bearer {}", "x".repeat(4_000));
    for authorization in [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "bearer x y z",
        "Basic dTpw",
        "Token x",
        long.as_str(),
        "Bearer null",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ] {
        let answer = gateway.get("/api/user/profile").header("authorization", authorization).send().await;
        envelope(&answer);
        assert_eq!(answer.status, 401, "{authorization}: {answer}");
    }
    // Nobody asserts an identity from outside.
    for header in ["x-pitchey-context", "x-pitchey-identity", "x-user-id", "pitchey-context"] {
        let answer = gateway.get("/api/user/profile").header(header, "1").send().await;
        assert_eq!(answer.status, 401, "{header}: {answer}");
    }
}

async fn headers(platform: &Platform, owner: &Person) {
    let gateway = platform.gateway();
    let long = "k".repeat(201);
    for key in [long.as_str(), "with space in it", ""] {
        let request = gateway.post("/api/pitches").by(Some(owner)).header("idempotency-key", key);
        let answer = request.json(&crate::world::draft()).send().await;
        envelope(&answer);
        assert_eq!(answer.status, 400, "{key:?}: {answer}");
    }
    for (name, value) in
        [("if-match", "\"x\""), ("if-match", "-1"), ("accept", "nonsense"), ("range", "bytes=5-2")]
    {
        let answer = gateway.get("/api/pitches").by(Some(owner)).header(name, value).send().await;
        envelope(&answer);
    }
}

async fn unknown_routes(platform: &Platform) {
    let gateway = platform.gateway();
    for path in
        ["/", "/api", "/api/", "/api/nothing", "/api/pitches/1/nothing", "/metrics", "/openapi.json", "/.env"]
    {
        let answer = gateway.get(path).send().await;
        envelope(&answer);
        assert_eq!(answer.status, 404, "{answer}");
    }
    let answer = gateway.delete("/api/auth/login").send().await;
    envelope(&answer);
    assert_eq!(answer.status, 405, "{answer}");
}

/// What is not HTTP gets a 4xx or a closed connection, and the next request an answer.
async fn broken_http(platform: &Platform) {
    for bytes in [
        &b"GARBAGE\r\n\r\n"[..],
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /api/pitches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(platform.gateway_address()).await.expect("the gateway");
        stream.write_all(bytes).await.expect("a request");
        stream.shutdown().await.expect("its end");
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(15), stream.read_to_end(&mut answer)).await;
        let head = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
        assert!(answer.is_empty() || head.starts_with("HTTP/1.1 4"), "{:?}: {head}", String::from_utf8_lossy(bytes));
    }
    platform.gateway().get("/health").send().await.ok();
}
