//! How much anybody may ask: requests a minute, by user or address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use pitchey_clock::Clock;
use pitchey_events::UserId;

use crate::error::Error;
use crate::routes::Class;
use crate::settings;

/// Whom a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whom {
    /// Who is logged in.
    User(i32),
    /// IPv4.
    V4([u8; 4]),
    /// IPv6: a /64, which is what one customer has.
    V6([u8; 8]),
}

impl Whom {
    /// The user, else the address.
    pub fn of(user: Option<UserId>, address: Option<IpAddr>) -> Self {
        match (user, address) {
            (Some(user), _) => Self::User(user.0),
            (None, Some(IpAddr::V6(address))) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
            (None, Some(IpAddr::V4(address))) => Self::V4(address.octets()),
            (None, None) => Self::V4([0; 4]),
        }
    }
}

type Limiter = RateLimiter<Whom, DefaultKeyedStateStore<Whom>, DefaultClock, StateInformationMiddleware>;

struct Limit {
    a_minute: u32,
    limiter: Limiter,
}

/// The counters of this replica: a client that is sent to N replicas has N times as much.
pub struct Limits {
    general: Limit,
    auth: Limit,
    upload: Limit,
    sensitive: Limit,
    webhook: Limit,
    /// Tokens that turned out to be none, by address: guessing costs accounts a query.
    bad_tokens: Limit,
    barred: RwLock<HashMap<Whom, Instant>>,
    clock: DefaultClock,
}

/// What is left after a request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    limit: u32,
    remaining: u32,
}

impl Limit {
    fn new(a_minute: u32) -> Self {
        let a_minute = NonZeroU32::new(a_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::keyed(Quota::per_minute(a_minute)).with_middleware();
        Self { a_minute: a_minute.get(), limiter }
    }

    fn take(&self, whom: Whom, clock: &DefaultClock) -> Result<Left, Error> {
        match self.limiter.check_key(&whom) {
            Ok(state) => Ok(Left { limit: self.a_minute, remaining: state.remaining_burst_capacity() }),
            Err(until) => {
                let wait = until.wait_time_from(clock.now());
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let retry_after = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
                Err(Error::RateLimited { retry_after, limit: self.a_minute })
            }
        }
    }
}

impl Limits {
    /// Counters at zero.
    pub fn new(settings: &settings::Limits, development: bool) -> Self {
        let limit =
            |a_minute: u32| Limit::new(if development { a_minute.saturating_mul(100) } else { a_minute });
        Self {
            general: limit(settings.general),
            auth: limit(settings.auth),
            upload: limit(settings.upload),
            sensitive: limit(settings.sensitive),
            webhook: limit(settings.webhook),
            bad_tokens: limit(settings.general),
            barred: RwLock::default(),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// It is one too many.
    pub fn take(&self, class: Class, whom: Whom) -> Result<Left, Error> {
        self.of(class).take(whom, &self.clock)
    }

    /// Counts a token that was none. After too many of them, tokens from there that are not known yet are not looked up for a moment.
    pub fn bad_token(&self, address: Option<IpAddr>) {
        let whom = Whom::of(None, address);
        if let Err(Error::RateLimited { retry_after, .. }) = self.bad_tokens.take(whom, &self.clock) {
            let until = Instant::now() + Duration::from_secs(retry_after.into());
            self.barred.write().unwrap_or_else(PoisonError::into_inner).insert(whom, until);
        }
    }

    /// Whether tokens from there are looked up.
    ///
    /// # Errors
    /// Not now.
    pub fn may_look_up(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let barred = self.barred.read().unwrap_or_else(PoisonError::into_inner);
        match barred.get(&Whom::of(None, address)) {
            Some(until) if Instant::now() < *until => {
                Err(Error::RateLimited { retry_after: 1, limit: self.bad_tokens.a_minute })
            }
            _ => Ok(()),
        }
    }

    const fn of(&self, class: Class) -> &Limit {
        match class {
            Class::General => &self.general,
            Class::Auth => &self.auth,
            Class::Upload => &self.upload,
            Class::Sensitive => &self.sensitive,
            Class::Webhook => &self.webhook,
        }
    }

    /// Forgets whom nothing is counted against any more. To be called now and then: the counters grow with every new address.
    pub fn tidy(&self) {
        for limit in
            [&self.general, &self.auth, &self.upload, &self.sensitive, &self.webhook, &self.bad_tokens]
        {
            limit.limiter.retain_recent();
            limit.limiter.shrink_to_fit();
        }
        let now = Instant::now();
        self.barred.write().unwrap_or_else(PoisonError::into_inner).retain(|_, until| now < *until);
    }
}

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl Left {
    /// What is left after a refusal: nothing.
    pub const fn nothing(limit: u32) -> Self {
        Self { limit, remaining: 0 }
    }

    /// Tells the client. Reset is the Unix time in seconds at which the whole limit is there again.
    pub fn tell(self, headers: &mut HeaderMap, clock: &Clock) {
        let used = u64::from(self.limit.saturating_sub(self.remaining));
        let seconds = (used * 60).div_ceil(u64::from(self.limit.max(1)));
        let now = u64::try_from(clock.now().timestamp()).unwrap_or(0);
        headers.insert(LIMIT.clone(), self.limit.into());
        headers.insert(REMAINING.clone(), self.remaining.into());
        headers.insert(RESET.clone(), (now + seconds).into());
    }
}
