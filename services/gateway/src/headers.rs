//! Which headers pass, in both directions, and which the gateway adds.

use actix_web::http::header::{self, AsHeaderName, HeaderMap, HeaderName, HeaderValue};
use pitchey_config::Mode;

/// Longest head that is passed on, in bytes, without the address.
pub const MAX_HEADERS: usize = 32 * 1024;
/// Longest address, in bytes.
pub const MAX_URI: usize = 8 * 1024;

/// The request's id, to the client.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// W3C trace context, to services.
pub static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Names a write, to services.
pub static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The signed context, to services.
pub static IDENTITY: HeaderName = HeaderName::from_static(pitchey_identity::HEADER);

/// About the connection, not about what is carried (RFC 9110, section 7.6.1).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

/// What the gateway says itself, or nobody may: who asks, from where, in which trace, what its framing is.
fn is_for_the_gateway_only(name: &str) -> bool {
    matches!(
        name,
        "host"
            | "content-length"
            | "expect"
            | "authorization"
            | "cookie"
            | "forwarded"
            | "via"
            | "traceparent"
            | "tracestate"
            | "baggage"
            | "true-client-ip"
            | "cf-connecting-ip"
    ) || [
        "x-forwarded-",
        "x-real-",
        "x-client-",
        "x-original-",
        "x-rewrite-",
        "x-request-id",
        "x-user",
        "x-internal-",
        "x-b3-",
        "pitchey-",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// How many bytes the headers take.
pub fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// The client's headers that a service gets to see.
pub fn to_service(client: &HeaderMap, with_authorization: bool, into: &mut HeaderMap) {
    let named = named_by_connection(client);
    for (name, value) in client {
        let text = name.as_str();
        let passes = !is_hop_by_hop(text)
            && (!is_for_the_gateway_only(text) || (with_authorization && text == "authorization"))
            && !named.iter().any(|named| named.eq_ignore_ascii_case(text));
        if passes {
            into.append(name.clone(), value.clone());
        }
    }
}

/// Leaves of a service's headers what the client gets to see.
pub fn to_client(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name.as_str());
    }
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::UPGRADE,
        header::TRAILER,
        header::TE,
        header::PROXY_AUTHENTICATE,
        header::SERVER,
    ] {
        remove(headers, name);
    }
    for name in ["keep-alive", "proxy-connection", "x-powered-by"] {
        remove(headers, name);
    }
}

fn remove(headers: &mut HeaderMap, name: impl AsHeaderName) {
    headers.remove(name);
}

fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    // Nearly nobody names anything else than these two.
    let usual = |word: &str| word.eq_ignore_ascii_case("close") || word.eq_ignore_ascii_case("keep-alive");
    let lines = headers.get_all(header::CONNECTION).filter_map(|value| value.to_str().ok());
    let words = lines.flat_map(|line| line.split(',')).map(str::trim);
    words.filter(|word| !word.is_empty() && !usual(word)).map(str::to_owned).collect()
}

/// What every answer carries so that browsers do nothing silly with it.
#[derive(Clone)]
pub struct Protection(Vec<(HeaderName, HeaderValue)>);

impl Protection {
    /// With HSTS in production, where there is TLS in front.
    pub fn new(mode: Mode) -> Self {
        let mut headers = vec![
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
            ),
        ];
        if !mode.is_development() {
            let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
            headers.push((header::STRICT_TRANSPORT_SECURITY, year));
        }
        Self(headers)
    }

    /// Adds them where the page has not its own.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            if !headers.contains_key(name) {
                headers.insert(name.clone(), value.clone());
            }
        }
    }
}
