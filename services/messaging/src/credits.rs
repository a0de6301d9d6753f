//! What opening a conversation costs, and who keeps it.

use chrono::{DateTime, Utc};
use pitchey_events::{HoldKey, UserId};
use pitchey_identity::Signer;
use pitchey_rpc::{Held, Payments, Targets};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::eligibility::OPENING_COST;
use crate::error::Error;
use crate::settings::CreditsMode;

/// Where credits are held.
#[derive(Clone)]
pub enum Credits {
    /// Nowhere: conversations are free. Chosen by the operator, never by default.
    Off,
    /// By the payments service.
    Payments(Payments),
}

impl Credits {
    /// As the operator chose.
    pub fn new(mode: CreditsMode, targets: &Targets, signer: Signer) -> Result<Self, pitchey_rpc::Error> {
        match mode {
            CreditsMode::Off => {
                tracing::warn!("CREDITS ARE OFF: conversations cost nothing (MESSAGING_CREDITS=off)");
                Ok(Self::Off)
            }
            CreditsMode::Payments => Ok(Self::Payments(Payments::new(targets, signer)?)),
        }
    }

    /// Sets aside what `user` pays for opening a conversation with `others`, and returns the key of the hold. It lapses by itself unless an event
    /// with the key follows. Attempts of one minute to open the same conversation share a hold. Never inside a transaction.
    pub async fn hold(
        &self,
        user: UserId,
        others: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<Option<HoldKey>, Error> {
        let Self::Payments(payments) = self else { return Ok(None) };
        let key = key(user, others, now);
        match payments.hold(key, user, OPENING_COST, "conversation").await? {
            Held::Insufficient { balance } => Err(Error::NotEnoughCredits { balance }),
            _ => Ok(Some(key)),
        }
    }
}

/// A hold lives for two minutes, so one that was made in this minute is alive until the end of the next.
fn key(user: UserId, others: &[UserId], now: DateTime<Utc>) -> HoldKey {
    let mut others: Vec<i32> = others.iter().map(|id| id.0).collect();
    others.sort_unstable();
    let digest = Sha256::digest(format!("conversation/{user}/{others:?}/{}", now.timestamp() / 60));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    HoldKey(Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn attempts_of_one_minute_share_a_hold() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (ann, bob, eve) = (UserId(1), UserId(2), UserId(3));
        let first = key(ann, &[bob, eve], at);
        assert_eq!(first, key(ann, &[eve, bob], at + TimeDelta::seconds(59)));
        assert_ne!(first, key(ann, &[eve, bob], at + TimeDelta::seconds(60)));
        assert_ne!(first, key(bob, &[ann], at));
    }
}
