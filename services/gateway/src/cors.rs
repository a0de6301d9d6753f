//! Which web pages of other origins may read answers, and open sockets.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use url::{Host, Url};

static METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
static HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Access-Reason, X-Requested-With",
);
static EXPOSED: HeaderValue = HeaderValue::from_static(
    "X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, \
     Idempotency-Replayed, ETag, Location, Content-Disposition",
);

/// The origins that are allowed.
#[derive(Clone, Debug)]
pub struct Origins {
    allowed: Vec<String>,
    localhost: bool,
}

impl Origins {
    /// These; in development also any port of this machine.
    pub const fn new(allowed: Vec<String>, localhost: bool) -> Self {
        Self { allowed, localhost }
    }

    fn allows(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == origin) || (self.localhost && is_localhost(origin))
    }

    /// Whether a socket may be opened: by programs that are no web pages, by pages served from this very host, and by allowed ones.
    pub fn may_connect(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let same = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
        same || self.allows(origin)
    }

    /// The answer to a browser that asks before it asks; `None` for any other request.
    pub fn preflight(&self, request: &HttpRequest) -> Option<HttpResponse<BoxBody>> {
        let asks = *request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ORIGIN)
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = HttpResponse::with_body(StatusCode::NO_CONTENT, BoxBody::new(()));
        let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        if origin.is_some_and(|origin| self.allows(origin)) {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS.clone());
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        Some(response)
    }

    /// Lets an allowed page read the answer.
    pub fn tell(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        // Caches must not give one origin's answer to another.
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = request.get(header::ORIGIN) else { return };
        if origin.to_str().is_ok_and(|origin| self.allows(origin)) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
        }
    }
}

fn is_localhost(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
