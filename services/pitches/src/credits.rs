//! What an NDA request costs, and who keeps it.

use pitchey_events::{HoldKey, UserId};
use pitchey_identity::Signer;
use pitchey_rpc::{Held, Payments, Targets};
use uuid::Uuid;

use crate::error::Error;
use crate::settings::CreditsMode;

/// Where credits are held.
#[derive(Clone)]
pub enum Credits {
    /// Nowhere: requests are free. Chosen by the operator, never by default.
    Off,
    /// By the payments service.
    Payments(Payments),
}

impl Credits {
    /// As the operator chose.
    pub fn new(mode: CreditsMode, targets: &Targets, signer: Signer) -> Result<Self, pitchey_rpc::Error> {
        match mode {
            CreditsMode::Off => {
                tracing::warn!("CREDITS ARE OFF: NDA requests cost nothing (PITCHES_CREDITS=off)");
                Ok(Self::Off)
            }
            CreditsMode::Payments => Ok(Self::Payments(Payments::new(targets, signer)?)),
        }
    }

    /// Sets `amount` credits of `user` aside, and returns the key of the hold. It lapses by itself unless an event with the key follows.
    /// Never inside a transaction.
    pub async fn hold(&self, user: UserId, amount: i32, reason: &str) -> Result<Option<HoldKey>, Error> {
        let Self::Payments(payments) = self else { return Ok(None) };
        let key = HoldKey(Uuid::now_v7());
        match payments.hold(key, user, amount, reason).await? {
            Held::Held => Ok(Some(key)),
            Held::Insufficient { balance } => Err(Error::NotEnoughCredits { balance, required: amount }),
        }
    }
}
