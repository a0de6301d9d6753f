use pitchey_events::{HoldKey, Service, UserId};
use pitchey_identity::Signer;

use crate::client::Caller;
use crate::proto::payments::payments_client::PaymentsClient;
use crate::proto::payments::{BalanceReply, BalanceRequest, HoldReply, HoldRequest};
use crate::{Error, Targets};

/// The service that keeps the credits.
#[derive(Clone)]
pub struct Payments(Caller);

/// What became of a hold or a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Hold: set aside for two minutes, or until an event with the key makes it firm. Charge: taken. Also where it is free for this user: the event
    /// carries the key all the same.
    Held,
    /// The balance is smaller than the price; nothing is taken.
    Insufficient {
        /// What there is to spend.
        balance: i32,
    },
}

/// What a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Can be spent: granted and purchased ones.
    pub balance: i32,
    /// Of these, granted ones; spent first.
    pub granted: i32,
    /// Of these, bought ones.
    pub purchased: i32,
    /// Set aside, in the balance no more.
    pub held: i32,
}

impl Payments {
    /// A client that signs as `signer`. Must be made on the runtime that is to drive its connections.
    ///
    /// # Errors
    /// No target is configured.
    pub fn new(targets: &Targets, signer: Signer) -> Result<Self, Error> {
        Ok(Self(Caller::new(Service::Payments, targets, signer)?))
    }

    /// Sets `amount` credits of `user`, the usual price of `reason`, aside under `key`. The same key again gives the same answer.
    ///
    /// # Errors
    /// Unavailable: nobody knows whether they are held; if so, they come back by themselves.
    pub async fn hold(&self, key: HoldKey, user: UserId, amount: i32, reason: &str) -> Result<Held, Error> {
        let message = request(key, user, amount, reason);
        let reply = self
            .0
            .call("/pitchey.payments.v1.Payments/Hold", message, |channel, request| async move {
                PaymentsClient::new(channel).hold(request).await
            })
            .await?;
        Ok(held(reply))
    }

    /// Takes `amount` credits of `user`, the usual price of `reason`, for good, once for `key`.
    ///
    /// # Errors
    /// Unavailable: nobody knows whether they are taken; the same key finds out.
    pub async fn charge(&self, key: HoldKey, user: UserId, amount: i32, reason: &str) -> Result<Held, Error> {
        let message = request(key, user, amount, reason);
        let reply = self
            .0
            .call("/pitchey.payments.v1.Payments/Charge", message, |channel, request| async move {
                PaymentsClient::new(channel).charge(request).await
            })
            .await?;
        Ok(held(reply))
    }

    /// What `user` has now.
    ///
    /// # Errors
    /// No answer.
    pub async fn balance(&self, user: UserId) -> Result<Balance, Error> {
        let message = BalanceRequest { user_id: user.0 };
        let reply = self
            .0
            .call("/pitchey.payments.v1.Payments/Balance", message, |channel, request| async move {
                PaymentsClient::new(channel).balance(request).await
            })
            .await?;
        let BalanceReply { balance, granted, purchased, held } = reply;
        Ok(Balance { balance, granted, purchased, held })
    }
}

fn request(key: HoldKey, user: UserId, amount: i32, reason: &str) -> HoldRequest {
    HoldRequest { key: key.to_string(), user_id: user.0, amount, reason: reason.to_owned() }
}

const fn held(reply: HoldReply) -> Held {
    if reply.held { Held::Held } else { Held::Insufficient { balance: reply.balance } }
}
