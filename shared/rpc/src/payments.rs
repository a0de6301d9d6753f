use pitchey_events::{HoldKey, Service, UserId};
use pitchey_identity::Signer;

use crate::client::Caller;
use crate::proto::payments::HoldRequest;
use crate::proto::payments::payments_client::PaymentsClient;
use crate::{Error, Targets};

/// The service that keeps the credits.
#[derive(Clone)]
pub struct Payments(Caller);

/// What became of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Set aside for two minutes, or until an event with the key makes it firm.
    Held,
    /// The balance is smaller than the amount; nothing is held.
    Insufficient {
        /// What there is to spend.
        balance: i32,
    },
}

impl Payments {
    /// A client that signs as `signer`. Must be made on the runtime that is to drive its connections.
    ///
    /// # Errors
    /// No target is configured.
    pub fn new(targets: &Targets, signer: Signer) -> Result<Self, Error> {
        Ok(Self(Caller::new(Service::Payments, targets, signer)?))
    }

    /// Sets `amount` credits of `user` aside under `key`. The same key again gives the same answer.
    ///
    /// # Errors
    /// Unavailable: nobody knows whether they are held; if so, they come back by themselves.
    pub async fn hold(&self, key: HoldKey, user: UserId, amount: i32, reason: &str) -> Result<Held, Error> {
        let message =
            HoldRequest { key: key.to_string(), user_id: user.0, amount, reason: reason.to_owned() };
        let reply = self
            .0
            .call("/pitchey.payments.v1.Payments/Hold", message, |channel, request| async move {
                PaymentsClient::new(channel).hold(request).await
            })
            .await?;
        Ok(if reply.held { Held::Held } else { Held::Insufficient { balance: reply.balance } })
    }
}
