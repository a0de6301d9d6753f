//! Who serves what, as data.

use std::collections::HashMap;

use actix_web::http::Method;
use pitchey_events::Service::{self, Accounts, Analytics, Messaging, Notifications, Payments, Pitches};

use To::{Development, Own, Upstream};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// A service.
    Upstream(Service),
    /// A service, in development mode; otherwise the route does not exist.
    Development(Service),
    /// The gateway itself.
    Own(Page),
}

/// What the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// How the platform is.
    Health,
    /// The merged description of the API.
    OpenApi,
    /// The viewer of it.
    Docs,
    /// What clients need to know to draw forms.
    Config,
}

/// Each line owns its path and everything below it; `{}` is any one segment. The first line that fits counts.
pub static TABLE: &[(&str, To)] = &[
    ("/api/auth", Upstream(Accounts)),
    ("/api/user/followers", Upstream(Pitches)),
    ("/api/user/following", Upstream(Pitches)),
    ("/api/user", Upstream(Accounts)),
    ("/api/users/username", Upstream(Accounts)),
    ("/api/users/{}/follow", Upstream(Pitches)),
    ("/api/users/{}/followers", Upstream(Pitches)),
    ("/api/users/{}/following", Upstream(Pitches)),
    ("/api/users", Upstream(Accounts)),
    ("/api/search/users", Upstream(Accounts)),
    ("/api/search/advanced", Upstream(Pitches)),
    ("/api/gdpr", Upstream(Accounts)),
    ("/api/audit", Upstream(Accounts)),
    ("/api/admin/users", Upstream(Accounts)),
    ("/api/admin/company-verifications", Upstream(Accounts)),
    ("/api/admin/reports", Upstream(Pitches)),
    ("/api/admin/pitches", Upstream(Pitches)),
    ("/api/pitches/{}/analytics", Upstream(Analytics)),
    ("/api/pitches/{}/views", Upstream(Analytics)),
    ("/api/pitches", Upstream(Pitches)),
    ("/api/ndas", Upstream(Pitches)),
    ("/api/watchlist", Upstream(Pitches)),
    ("/api/investments", Upstream(Pitches)),
    ("/api/media", Upstream(Pitches)),
    ("/api/proofs", Upstream(Pitches)),
    ("/.well-known/pitchey-keys", Upstream(Pitches)),
    ("/api/messages", Upstream(Messaging)),
    ("/api/conversations", Upstream(Messaging)),
    ("/api/ws", Upstream(Messaging)),
    ("/api/poll", Upstream(Messaging)),
    ("/ws", Upstream(Messaging)),
    ("/api/payments", Upstream(Payments)),
    ("/api/webhooks/stripe", Upstream(Payments)),
    ("/api/analytics", Upstream(Analytics)),
    ("/api/views", Upstream(Analytics)),
    ("/api/creator/dashboard", Upstream(Analytics)),
    ("/api/investor/dashboard", Upstream(Analytics)),
    ("/api/production/dashboard", Upstream(Analytics)),
    ("/api/export", Upstream(Analytics)),
    ("/api/notifications", Upstream(Notifications)),
    ("/api/email", Upstream(Notifications)),
    ("/api/webhooks/email", Upstream(Notifications)),
    ("/dev/mails", Development(Notifications)),
    ("/health", Own(Page::Health)),
    ("/api/openapi.json", Own(Page::OpenApi)),
    ("/api/docs", Own(Page::Docs)),
    ("/api/config/all", Own(Page::Config)),
];

/// Which rate limit a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Most of them.
    General,
    /// Guessing is the danger.
    Auth,
    /// Volume is the danger.
    Upload,
    /// Nuisance is the danger.
    Sensitive,
    /// Sent by providers, who sign them.
    Webhook,
}

/// Writes that count against a limit of their own. Reads never do.
static CLASSES: &[(&str, Class)] = &[
    ("/api/auth", Class::Auth),
    ("/api/media/upload", Class::Upload),
    ("/api/ndas/request", Class::Sensitive),
    ("/api/investments/track", Class::Sensitive),
    ("/api/webhooks", Class::Webhook),
];

/// Writes that a suspended user may still do; reads are allowed, all else is not.
static SUSPENDED_MAY: &[(Method, &str)] = &[
    (Method::POST, "/api/auth/logout"),
    (Method::POST, "/api/auth/change-password"),
    (Method::POST, "/api/gdpr/requests"),
    (Method::DELETE, "/api/user/account"),
];

/// Writes that are for who has no session (any more): a token that comes along, maybe a stale one, is not looked at, so that it can't keep anybody
/// from getting a new one. Webhooks bring proofs of their own.
static WITHOUT_SESSION: &[&str] = &[
    "/api/auth/login",
    "/api/auth/register",
    "/api/auth/{}/login",
    "/api/auth/{}/register",
    "/api/auth/forgot-password",
    "/api/auth/reset-password",
    "/api/auth/verify-email",
    "/api/auth/session/refresh",
    "/api/email/unsubscribe",
    "/api/webhooks",
];

/// One line of [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its place in the table.
    pub index: usize,
    /// What it owns.
    pub pattern: &'static str,
    /// Who answers.
    pub to: To,
}

/// [`TABLE`], by the first two segments.
pub struct Table(HashMap<&'static str, Vec<Route>>);

impl Table {
    /// The table as it is in development mode, or not.
    pub fn new(development: bool) -> Self {
        let mut by_head = HashMap::<_, Vec<_>>::new();
        for (index, &(pattern, to)) in TABLE.iter().enumerate() {
            if development || !matches!(to, Development(_)) {
                by_head.entry(head(pattern)).or_default().push(Route { index, pattern, to });
            }
        }
        Self(by_head)
    }

    /// The line that owns `path`. A path that hides ordinary characters behind escapes is nobody's: services would see through them, and the rules
    /// here would not.
    pub fn find(&self, path: &str) -> Option<Route> {
        if hides_something(path) {
            return None;
        }
        self.0.get(head(path))?.iter().find(|route| owns(route.pattern, path)).copied()
    }
}

/// The first two segments of a path.
fn head(path: &str) -> &str {
    let mut slashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at);
    slashes.nth(2).map_or(path, |at| &path[..at])
}

/// Whether `path` has an escape of a character that needs none (RFC 3986, 2.3), or of a slash, or one that is broken.
fn hides_something(path: &str) -> bool {
    path.bytes().enumerate().filter(|(_, byte)| *byte == b'%').any(|(at, _)| {
        let digits = path.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        digits.is_none_or(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte))
    })
}

/// Whether `path` is `pattern`, or below it.
fn owns(pattern: &str, path: &str) -> bool {
    if !pattern.contains('{') {
        return path.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    }
    let mut segments = path.split('/');
    pattern.split('/').all(|wanted| match segments.next() {
        Some(segment) if wanted == "{}" => !segment.is_empty(),
        segment => segment == Some(wanted),
    })
}

/// Whether requests with this method change nothing.
pub fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The limit that a request counts against.
pub fn class(method: &Method, path: &str) -> Class {
    if is_read(method) {
        return Class::General;
    }
    CLASSES.iter().find(|(pattern, _)| owns(pattern, path)).map_or(Class::General, |(_, class)| *class)
}

/// Whether a suspended user may do this.
pub fn suspended_may(method: &Method, path: &str) -> bool {
    is_read(method) || SUSPENDED_MAY.iter().any(|(allowed, pattern)| allowed == method && *pattern == path)
}

/// Whether the request's token is not looked at.
pub fn is_without_session(method: &Method, path: &str) -> bool {
    !is_read(method) && WITHOUT_SESSION.iter().any(|pattern| owns(pattern, path))
}

/// Whether the body goes through without being kept.
pub fn is_upload(method: &Method, path: &str) -> bool {
    class(method, path) == Class::Upload
}

/// Whether the request's own Authorization is for the service behind.
pub fn is_webhook(method: &Method, path: &str) -> bool {
    class(method, path) == Class::Webhook
}
