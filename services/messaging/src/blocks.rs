//! Who has a block with whom, asked of accounts.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use pitchey_events::UserId;
use pitchey_rpc::Accounts;

use crate::error::Error;

/// How long an answer is good, from the moment of the question.
const TRUSTED: Duration = Duration::from_millis(900);
const MOST: u64 = 50_000;

type Known = (Instant, Arc<HashSet<UserId>>);

/// Remembers for less than a second, and forgets at once what is heard to have changed. No answer is a refusal.
#[derive(Clone)]
pub struct Blocks {
    accounts: Accounts,
    known: Cache<UserId, Known>,
}

impl Blocks {
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, known: Cache::builder().max_capacity(MOST).time_to_live(TRUSTED).build() }
    }

    /// Everybody with whom `user` has a block, whichever side made it.
    pub async fn of(&self, user: UserId) -> Result<Arc<HashSet<UserId>>, Error> {
        if let Some((asked, blocked)) = self.known.get(&user).await
            && asked.elapsed() < TRUSTED
        {
            return Ok(blocked);
        }
        let asked = Instant::now();
        let blocked: Arc<HashSet<UserId>> =
            Arc::new(self.accounts.blocked_ids(user).await?.into_iter().collect());
        self.known.insert(user, (asked, Arc::clone(&blocked))).await;
        Ok(blocked)
    }

    /// Forgets what is known of both.
    pub async fn forget(&self, one: UserId, other: UserId) {
        self.known.invalidate(&one).await;
        self.known.invalidate(&other).await;
    }

    /// Forgets everything: changes may have been missed.
    pub fn forget_all(&self) {
        self.known.invalidate_all();
    }
}
