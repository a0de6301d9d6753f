//! Idempotency keys for clients that send none.
//!
//! Clients repeat a write when they got no answer, or a bad one. The gateway can tell such a repetition from a second write on purpose: the former
//! attempt is still in flight, ended in 5xx, or lost its client. Then the repetition goes with the former's key, and the service answers what it
//! answered then. After an answer that was delivered the same bytes are a new wish, with a new key.
//!
//! Each gateway remembers on its own. A repetition that arrives at another replica gets another key; there the natural keys of the services
//! (one pending NDA, one like, ...) still hold, but two messages may come of it. Load balancers that keep a client on one gateway avoid it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use pitchey_clock::Clock;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::limits::Whom;

/// How long after its end an attempt is remembered.
const REMEMBERED_FOR: TimeDelta = TimeDelta::seconds(60);
/// Attempts remembered at most; beyond, the oldest tenth of those that ended goes.
const CAPACITY: usize = 100_000;
const SHARDS: usize = 16;

/// What is the same in a repetition: who, method, path, body.
pub type Fingerprint = [u8; 32];

/// The fingerprint of a write.
pub fn fingerprint(whom: Whom, method: &str, path: &str, body: &[u8]) -> Fingerprint {
    let mut hash = Sha256::new();
    match whom {
        Whom::User(id) => hash.update(id.to_be_bytes()),
        Whom::V4(address) => hash.update(address),
        Whom::V6(address) => hash.update(address),
    }
    for part in [method.as_bytes(), path.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    // Four bytes of a user are not four bytes of an address.
    hash.update([matches!(whom, Whom::User(_)).into()]);
    hash.finalize().into()
}

/// Attempts that may be repeated.
pub struct Repeats {
    clock: Clock,
    shards: [Mutex<HashMap<Fingerprint, Remembered>>; SHARDS],
}

struct Remembered {
    key: Uuid,
    in_flight: u32,
    last: DateTime<Utc>,
}

/// One attempt. Ends when its last clone is dropped: that of the call to the service, or that of the answer to the client.
#[derive(Clone)]
pub struct Attempt(Arc<Inner>);

struct Inner {
    repeats: Arc<Repeats>,
    fingerprint: Fingerprint,
    key: Uuid,
    delivered: AtomicBool,
}

impl Repeats {
    /// Remembers nothing yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Begins an attempt: with the key of the former, if that one may have failed; else with a new key.
    pub fn begin(self: &Arc<Self>, fingerprint: Fingerprint) -> Attempt {
        let now = self.clock.now();
        let mut shard = self.shard(&fingerprint);
        if shard.len() >= CAPACITY / SHARDS {
            make_room(&mut shard, now);
        }
        let remembered = shard.entry(fingerprint).or_insert_with(|| Remembered::new(now));
        if remembered.in_flight == 0 && now >= remembered.last + REMEMBERED_FOR {
            *remembered = Remembered::new(now);
        }
        remembered.in_flight += 1;
        remembered.last = now;
        let key = remembered.key;
        drop(shard);
        let delivered = AtomicBool::new(false);
        Attempt(Arc::new(Inner { repeats: Arc::clone(self), fingerprint, key, delivered }))
    }

    fn end(&self, attempt: &Inner) {
        let now = self.clock.now();
        let mut shard = self.shard(&attempt.fingerprint);
        // Another key is there if room had to be made.
        let Some(remembered) = shard.get_mut(&attempt.fingerprint).filter(|r| r.key == attempt.key) else {
            return;
        };
        remembered.in_flight -= 1;
        remembered.last = now;
        if remembered.in_flight == 0 && attempt.delivered.load(Ordering::Relaxed) {
            shard.remove(&attempt.fingerprint);
        }
    }

    /// Forgets what is too old to be repeated. To be called now and then.
    pub fn tidy(&self) {
        let now = self.clock.now();
        for shard in &self.shards {
            forget_old(&mut shard.lock().unwrap_or_else(PoisonError::into_inner), now);
        }
    }

    fn shard(&self, fingerprint: &Fingerprint) -> MutexGuard<'_, HashMap<Fingerprint, Remembered>> {
        self.shards[usize::from(fingerprint[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn new(now: DateTime<Utc>) -> Self {
        Self { key: Uuid::now_v7(), in_flight: 0, last: now }
    }
}

fn forget_old(shard: &mut HashMap<Fingerprint, Remembered>, now: DateTime<Utc>) {
    shard.retain(|_, remembered| remembered.in_flight > 0 || now < remembered.last + REMEMBERED_FOR);
    shard.shrink_to(1_024);
}

fn make_room(shard: &mut HashMap<Fingerprint, Remembered>, now: DateTime<Utc>) {
    forget_old(shard, now);
    let mut ended: Vec<_> = shard
        .iter()
        .filter(|(_, r)| r.in_flight == 0)
        .map(|(fingerprint, r)| (r.last, *fingerprint))
        .collect();
    if shard.len() >= CAPACITY / SHARDS {
        ended.sort_unstable_by_key(|(last, _)| *last);
        for (_, fingerprint) in ended.iter().take(shard.len() / 10 + 1) {
            shard.remove(fingerprint);
        }
    }
}

impl Attempt {
    /// The key to send.
    pub fn key(&self) -> Uuid {
        self.0.key
    }

    /// The client has the answer, and it is one: the same request is a new wish from now on.
    pub fn delivered(&self) {
        self.0.delivered.store(true, Ordering::Relaxed);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.repeats.end(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeats() -> (Arc<Repeats>, Clock) {
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        (Arc::new(Repeats::new(clock.clone())), clock)
    }

    const ONE: Fingerprint = [1; 32];

    #[test]
    fn while_the_former_is_in_flight_its_key_is_used_again() {
        let (repeats, _) = repeats();
        let first = repeats.begin(ONE);
        let second = repeats.begin(ONE);
        assert_eq!(first.key(), second.key());
        assert_ne!(repeats.begin([2; 32]).key(), first.key());
    }

    #[test]
    fn a_delivered_answer_ends_it_and_a_lost_one_does_not() {
        let (repeats, _) = repeats();
        let lost = repeats.begin(ONE);
        let key = lost.key();
        drop(lost);
        let again = repeats.begin(ONE);
        assert_eq!(again.key(), key);
        again.delivered();
        drop(again);
        assert_ne!(repeats.begin(ONE).key(), key);
    }

    #[test]
    fn an_attempt_goes_on_as_long_as_the_call_to_the_service() {
        let (repeats, clock) = repeats();
        let call = repeats.begin(ONE);
        drop(call.clone());
        clock.advance(TimeDelta::minutes(5));
        repeats.tidy();
        assert_eq!(repeats.begin(ONE).key(), call.key());
    }

    #[test]
    fn after_a_minute_it_is_forgotten() {
        let (repeats, clock) = repeats();
        let key = repeats.begin(ONE).key();
        clock.advance(TimeDelta::seconds(59));
        assert_eq!(repeats.begin(ONE).key(), key);
        clock.advance(TimeDelta::seconds(60));
        assert_ne!(repeats.begin(ONE).key(), key);
    }

    #[test]
    fn it_stays_bounded() {
        let (repeats, clock) = repeats();
        for number in 0..150_000_u32 {
            let mut fingerprint = [0; 32];
            fingerprint[..4].copy_from_slice(&number.to_le_bytes());
            drop(repeats.begin(fingerprint));
            clock.advance(TimeDelta::microseconds(10));
        }
        let kept: usize = repeats.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= CAPACITY, "{kept}");
    }
}
