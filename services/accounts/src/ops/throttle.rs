//! Failed log-ins: five for one account from one address in a quarter of an hour are enough.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::future::Cache;
use pitchey_db::Tx;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::Error;
use crate::passwords::Verdict;
use crate::state::AppState;
use crate::store::login_attempts::{self, Key};

/// Failures allowed.
pub const LIMIT: u32 = 5;
/// How long one counts.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Whose turn it is to try an account from an address. An attempt counts as failed until the password has proved right, so that no number of
/// tries at once exceeds the limit; taking turns keeps right ones at once from being refused for it. The limit itself is the database's.
#[derive(Clone)]
pub struct Turns(Cache<Key, Arc<Mutex<()>>>);

impl Default for Turns {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(10_000).time_to_idle(Duration::from_secs(60)).build())
    }
}

/// A turn; over when dropped.
pub struct Turn {
    key: Key,
    _guard: OwnedMutexGuard<()>,
}

impl Turns {
    pub async fn take(&self, account: &str, ip: Option<&str>) -> Turn {
        let key = Key {
            account_digest: Sha256::digest(account.to_lowercase().as_bytes()).to_vec(),
            ip: place(ip.unwrap_or_default()),
        };
        let turn = self.0.get_with_by_ref(&key, async { Arc::default() }).await;
        Turn { key, _guard: turn.lock_owned().await }
    }
}

/// What one customer of the network has: an IPv4 address, or the first half of an IPv6 one.
pub fn place(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let half = u128::from(address) >> 64 << 64;
            format!("{}/64", Ipv6Addr::from(half))
        }
        _ => ip.to_owned(),
    }
}

/// An attempt that was counted.
pub struct Counted(i64);

/// Counts an attempt, or refuses it.
pub async fn attempt(tx: &mut Tx, turn: &Turn, now: DateTime<Utc>) -> Result<Counted, Error> {
    login_attempts::lock(tx, &turn.key);
    let recent = login_attempts::since(tx, &turn.key, now - WINDOW, i64::from(LIMIT)).await?;
    match recent.last() {
        // The next try comes when the oldest of the last five does not count any more.
        Some(oldest) if recent.len() >= LIMIT as usize => {
            let left = ((*oldest + WINDOW - now).num_seconds() + 1).max(1);
            metrics::counter!("logins_throttled_total").increment(1);
            Err(Error::TooManyAttempts { retry_after: u32::try_from(left).unwrap_or(u32::MAX) })
        }
        _ => Ok(Counted(login_attempts::insert(tx, &turn.key, now).await?)),
    }
}

/// The attempt was not one at guessing.
pub async fn withdraw(tx: &mut Tx, turn: &Turn, counted: &Counted) -> Result<(), Error> {
    Ok(login_attempts::remove(tx, &turn.key, counted.0).await?)
}

/// The password was right: former failures do not count any more.
pub async fn forgive(tx: &mut Tx, turn: &Turn) -> Result<(), Error> {
    Ok(login_attempts::clear(tx, &turn.key).await?)
}

/// Verifies a password whose attempt was counted; one that could not be looked at is withdrawn.
pub async fn verify(
    state: &AppState,
    turn: &Turn,
    counted: &Counted,
    password: &str,
    hash: Option<&str>,
) -> Result<Verdict, Error> {
    match state.passwords.verify(password, hash).await {
        Ok(verdict) => Ok(verdict),
        Err(error) => {
            let mut tx = state.databases.user.begin(None).await?;
            withdraw(&mut tx, turn, counted).await?;
            tx.commit().await?;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_customer_with_many_addresses_is_one_place() {
        assert_eq!(place("2001:db8:1:2:3:4:5:6"), place("2001:db8:1:2:ffff::1"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
        assert_eq!(place("192.0.2.7"), "192.0.2.7");
        assert_eq!(place(""), "");
    }
}
