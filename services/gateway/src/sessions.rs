//! Whose token it is, as accounts knew it at most 900 ms ago.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use moka::future::Cache;
use pitchey_clock::Clock;
use pitchey_events::{SessionId, SessionsRevoked, UserChanged, UserId};
use pitchey_identity::Actor;
use pitchey_rpc::{Accounts, Session};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// An answer of accounts is not used when it is older. Below a second by what a request needs to reach the rule it matters to.
const TRUSTED_FOR: Duration = Duration::from_millis(900);
/// How long an answer takes up room. Whether it is trusted is decided by the clock, not by this.
const KEPT: Duration = Duration::from_secs(5);
/// Answers kept at most.
const CAPACITY: u64 = 100_000;
/// How long an event is remembered: longer than an answer that was asked for before it can be used.
const REMEMBERED_FOR: TimeDelta = TimeDelta::seconds(8);

/// The gateway's memory of sessions.
pub struct Sessions {
    accounts: Accounts,
    clock: Clock,
    answers: Cache<[u8; 32], Arc<Answer>>,
    events: Events,
}

/// What accounts said of a token, yes or no.
struct Answer {
    session: Option<Session>,
    /// When it was asked, not when it answered: what it knew is at least as new.
    asked_at: DateTime<Utc>,
    /// The same by a clock that nobody sets back.
    asked: Instant,
    /// The last event that had been heard then.
    asked_after: u64,
    /// The last event that is known not to concern it.
    checked_up_to: AtomicU64,
}

impl Sessions {
    /// Knows nothing yet.
    pub fn new(accounts: Accounts, clock: Clock) -> Self {
        let answers = Cache::builder().max_capacity(CAPACITY).time_to_live(KEPT).build();
        Self { accounts, clock, answers, events: Events::default() }
    }

    /// Who the token belongs to; nobody if it is unknown, over or revoked. `may_ask` is called before accounts is asked for a token that was not
    /// good a moment ago.
    ///
    /// # Errors
    /// Accounts can't be asked, or may not.
    pub async fn actor(
        &self,
        token: &str,
        may_ask: impl Fn() -> Result<(), Error>,
    ) -> Result<Option<Actor>, Error> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let (arrived, since) = (self.clock.now(), Instant::now());
        let mut was_good = false;
        // An answer that was on its way when an event came may be older than the event, so it is asked for again: once for each event
        // that hits this session meanwhile, which do not come in hundreds.
        for _ in 0..5 {
            // A burst with a new token makes one call.
            let answer = self.answers.try_get_with(digest, async {
                if !was_good {
                    may_ask()?;
                }
                self.ask(digest).await
            });
            let answer = answer.await.map_err(|error| Error::clone(&error))?;
            if self.is_trusted(&answer, arrived, since) {
                let session = answer.session.as_ref().filter(|session| arrived < session.access_expires_at);
                return Ok(session.map(|session| session.actor.clone()));
            }
            was_good = answer.session.is_some();
            self.answers.invalidate(&digest).await;
        }
        Err(Error::SessionUnknown)
    }

    async fn ask(&self, digest: [u8; 32]) -> Result<Arc<Answer>, Error> {
        let (asked_at, asked, asked_after) = (self.clock.now(), Instant::now(), self.events.latest());
        metrics::counter!("gateway_session_questions").increment(1);
        // What went wrong is in the log of the client already.
        let session = self.accounts.authenticate(digest).await.map_err(|_| Error::SessionUnknown)?;
        let checked_up_to = AtomicU64::new(asked_after);
        Ok(Arc::new(Answer { session, asked_at, asked, asked_after, checked_up_to }))
    }

    /// By the wall's clock and by one that only goes forward: an answer does not get younger when somebody corrects the time.
    fn is_trusted(&self, answer: &Answer, now: DateTime<Utc>, since: Instant) -> bool {
        let age = since.saturating_duration_since(answer.asked);
        if age >= TRUSTED_FOR || now >= answer.asked_at + TRUSTED_FOR {
            return false;
        }
        let latest = self.events.latest();
        if answer.checked_up_to.load(Ordering::Relaxed) == latest {
            return true;
        }
        if self.events.concern(answer) {
            return false;
        }
        answer.checked_up_to.store(latest, Ordering::Relaxed);
        true
    }

    /// These sessions are over.
    pub fn revoked(&self, event: &SessionsRevoked) {
        let sessions = event.session_ids.iter().map(|id| Subject::Session(*id));
        self.events.add(sessions, self.clock.now());
    }

    /// What was known of this user is old.
    pub fn changed(&self, event: &UserChanged) {
        self.events.add([Subject::User(event.user_id)], self.clock.now());
    }

    /// Events may have been missed: all that is known is old.
    pub fn missed(&self) {
        self.events.add([Subject::Anything], self.clock.now());
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Session(SessionId),
    User(UserId),
    Anything,
}

/// The events of the last seconds, numbered.
#[derive(Default)]
struct Events {
    latest: AtomicU64,
    recent: RwLock<HashMap<Subject, (u64, DateTime<Utc>)>>,
}

impl Events {
    fn latest(&self) -> u64 {
        self.latest.load(Ordering::Acquire)
    }

    fn add(&self, subjects: impl IntoIterator<Item = Subject>, now: DateTime<Utc>) {
        let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        let number = self.latest.load(Ordering::Relaxed) + 1;
        // Now and then is enough: it costs the length of the list.
        if number.is_multiple_of(64) {
            recent.retain(|_, (_, at)| now < *at + REMEMBERED_FOR);
        }
        recent.extend(subjects.into_iter().map(|subject| (subject, (number, now))));
        // Last: who sees the number finds the event.
        self.latest.store(number, Ordering::Release);
    }

    /// Whether one of them came after `answer` was asked for, about its session or user. A no stays: a token that was nobody's becomes nobody's.
    fn concern(&self, answer: &Answer) -> bool {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let newer = |subject| recent.get(&subject).is_some_and(|(number, _)| *number > answer.asked_after);
        newer(Subject::Anything)
            || answer.session.as_ref().is_some_and(|Session { actor, .. }| {
                newer(Subject::Session(actor.session_id)) || newer(Subject::User(actor.id))
            })
    }
}
