//! People who read and write all the time, and repeat what fails as a good client does.

use std::mem::take;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::Result;
use crate::http::{Http, Request};
use crate::tally::Tally;

const READERS: usize = 6;
const WRITERS: usize = 2;
/// Between two requests of one person: the machine is to be busy, not full, or it would be the machine that is measured.
const READER_PAUSE: Duration = Duration::from_millis(40);
const WRITER_PAUSE: Duration = Duration::from_millis(100);
/// Before a request is repeated.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long a request is repeated.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(90);

/// What the comments that writers leave begin with.
pub const MARK: &str = "compose-test ";

/// A page of each service that everybody may read; the pitch is the one that is written to.
const PAGES: [&str; 7] = [
    "/api/user/profile",
    "/api/pitches/public?limit=5",
    "/api/pitches/{}",
    "/api/messages/conversations",
    "/api/payments/credits/balance",
    "/api/investor/dashboard",
    "/api/notifications/list",
];

struct Shared {
    http: Http,
    tokens: Vec<String>,
    pitch: i64,
    tally: Mutex<Tally>,
    stopping: AtomicBool,
}

/// The load; it ends when told to, or dropped.
pub struct Load {
    shared: Arc<Shared>,
    people: JoinSet<u64>,
}

impl Load {
    /// Begins.
    pub fn start(http: Http, tokens: Vec<String>, pitch: i64) -> Self {
        let tally = Mutex::default();
        let shared = Arc::new(Shared { http, tokens, pitch, tally, stopping: AtomicBool::new(false) });
        let mut people = JoinSet::new();
        for number in 0..READERS {
            people.spawn(read(Arc::clone(&shared), number));
        }
        for number in 0..WRITERS {
            people.spawn(write(Arc::clone(&shared), number));
        }
        Self { shared, people }
    }

    /// Forgets what was so far.
    pub fn begin(&self) {
        take(&mut *self.shared.tally());
    }

    /// What was since `begin`, after `longer`.
    pub async fn look(&self, longer: Duration) -> Tally {
        tokio::time::sleep(longer).await;
        take(&mut *self.shared.tally())
    }

    /// Ends, and returns how many writes were answered with success over its whole life.
    pub async fn stop(mut self) -> Result<u64> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let mut writes = 0;
        while let Some(person) = self.people.join_next().await {
            writes += person?;
        }
        if let Some(lost) = self.shared.tally().lost.first() {
            return Err(format!("lost at the end: {lost}").into());
        }
        Ok(writes)
    }
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Sends until it succeeds. `false`: it never did.
    async fn insist(&self, request: &Request<'_>) -> bool {
        let is_write = request.write.is_some();
        let begun = Instant::now();
        loop {
            let what = match self.http.send(request).await {
                Ok(answer) if answer.status().is_success() => match answer.bytes().await {
                    Ok(_) => {
                        let mut tally = self.tally();
                        let times = if is_write { &mut tally.writes } else { &mut tally.reads };
                        times.push(begun.elapsed());
                        return true;
                    }
                    Err(_) => "broke off".to_owned(),
                },
                Ok(answer) if is_temporary(answer.status()) => answer.status().as_u16().to_string(),
                Ok(answer) => {
                    let status = answer.status();
                    let body = answer.text().await.unwrap_or_default();
                    let lost = format!("{} {}: {status}: {body}", request.method, request.path);
                    self.tally().lost.push(lost);
                    return false;
                }
                Err(error) if error.is_connect() => "refused".to_owned(),
                Err(error) if error.is_timeout() => "no answer".to_owned(),
                Err(_) => "broke off".to_owned(),
            };
            self.tally().failed(is_write, format!("{} {}: {what}", request.method, request.path));
            if begun.elapsed() > GIVEN_UP_AFTER {
                self.tally().lost.push(format!("{} {}: {what}", request.method, request.path));
                return false;
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}

/// What the API tells clients to repeat: something behind the gateway is away for now.
fn is_temporary(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

async fn read(shared: Arc<Shared>, number: usize) -> u64 {
    for turn in number.. {
        if shared.is_stopping() {
            break;
        }
        let path = PAGES[turn % PAGES.len()].replace("{}", &shared.pitch.to_string());
        let token = shared.tokens[turn % shared.tokens.len()].as_str();
        shared.insist(&Request { method: Method::GET, path: &path, token: Some(token), write: None }).await;
        tokio::time::sleep(READER_PAUSE).await;
    }
    0
}

/// Comments on the pitch: a write without a natural key, so that only the idempotency key keeps it from happening twice.
async fn write(shared: Arc<Shared>, number: usize) -> u64 {
    let path = format!("/api/pitches/{}/comments", shared.pitch);
    let mut written = 0;
    for turn in number.. {
        if shared.is_stopping() {
            break;
        }
        let key = Uuid::new_v4().to_string();
        let body = json!({ "content": format!("{MARK}{key}") });
        let token = shared.tokens[turn % shared.tokens.len()].as_str();
        let write = Some((key.as_str(), &body));
        let request = Request { method: Method::POST, path: &path, token: Some(token), write };
        written += u64::from(shared.insist(&request).await);
        tokio::time::sleep(WRITER_PAUSE).await;
    }
    written
}
