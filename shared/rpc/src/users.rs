//! Public projections of users, remembered for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use moka::future::Cache;
use pitchey_events::UserId;

use crate::{Accounts, PublicUser};

/// How long a projection is good without asking again.
const FRESH: Duration = Duration::from_secs(30);
/// How long it is good while accounts can't be asked.
const STALE: Duration = Duration::from_secs(3_600);
const MOST: u64 = 20_000;

/// Users as others may see them, asked of accounts once a page. Who was heard to have changed is to be forgotten; while accounts is away, older projections
/// serve, and users of whom there is none are left out: no page fails for want of a name.
#[derive(Clone)]
pub struct Users {
    accounts: Accounts,
    known: Cache<UserId, (Instant, PublicUser)>,
}

impl Users {
    /// Knows nobody yet.
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, known: Cache::builder().max_capacity(MOST).time_to_live(STALE).build() }
    }

    /// The projections of `ids` that can be had.
    pub async fn find(&self, ids: impl IntoIterator<Item = UserId>) -> HashMap<UserId, PublicUser> {
        let (mut found, mut stale) = (HashMap::new(), HashMap::new());
        let mut ask = Vec::new();
        for id in ids {
            if found.contains_key(&id) || ask.contains(&id) {
                continue;
            }
            match self.known.get(&id).await {
                Some((at, user)) if at.elapsed() < FRESH => {
                    found.insert(id, user);
                }
                known => {
                    stale.extend(known.map(|(_, user)| (id, user)));
                    ask.push(id);
                }
            }
        }
        if ask.is_empty() {
            return found;
        }
        match self.accounts.users_by_ids(&ask).await {
            Ok(users) => {
                for user in users {
                    self.known.insert(user.id, (Instant::now(), user.clone())).await;
                    found.insert(user.id, user);
                }
            }
            Err(error) => {
                tracing::warn!(%error, missing = ask.len() - stale.len(), "users from memory");
                found.extend(stale);
            }
        }
        found
    }

    /// The projection of one user, if it can be had.
    pub async fn one(&self, id: UserId) -> Option<PublicUser> {
        self.find([id]).await.remove(&id)
    }

    /// The projections of `ids` that can be had, in their order.
    pub async fn in_order(&self, ids: &[UserId]) -> Vec<PublicUser> {
        let mut found = self.find(ids.iter().copied()).await;
        ids.iter().filter_map(|id| found.remove(id)).collect()
    }

    /// Forgets a user who changed.
    pub async fn forget(&self, id: UserId) {
        self.known.invalidate(&id).await;
    }

    /// Forgets everybody: changes may have been missed.
    pub fn forget_all(&self) {
        self.known.invalidate_all();
    }
}
