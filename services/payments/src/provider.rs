//! Who takes the money: Stripe, or in development nobody.

use std::time::Duration;

use pitchey_config::Mode;
use pitchey_events::UserId;
use uuid::Uuid;

use crate::error::Error;
use crate::offer::{Package, Plan};
use crate::ops::subscriptions::Snapshot;
use crate::settings::{Settings, Stripe};
use crate::stripe::{Client, Secrets};
use crate::words::{Interval, ProviderName};

/// One of the two.
#[derive(Clone)]
pub enum Provider {
    /// Stripe, and what its webhooks are signed with.
    Stripe(Client, Secrets),
    /// Every payment succeeds at once and no money moves: [`crate::local`].
    Local,
}

/// The settings name no provider that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nobody would be paid.
    #[error("PAYMENTS_STRIPE__KEY is required: without it the service starts in development mode only")]
    NoKey,
    /// Payments would never be heard of.
    #[error("PAYMENTS_STRIPE__WEBHOOK_SECRETS is required with a key")]
    NoWebhookSecret,
    /// TLS can't be set up.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// A payment that was begun.
pub struct Begun {
    /// The provider's name of it.
    pub id: String,
    /// What the payer's browser needs to go on.
    pub client_secret: Option<String>,
}

/// A subscription that was begun, or is to be paid.
pub struct Subscribed {
    pub snapshot: Snapshot,
    /// What the payer's browser needs to pay; `None` where nothing is to be paid.
    pub client_secret: Option<String>,
}

impl Provider {
    /// As the operator chose.
    ///
    /// # Errors
    /// No key outside of development, or a key and no way to hear of payments.
    pub fn new(settings: &Settings) -> Result<Self, Unusable> {
        let Stripe { key, webhook_secrets, url, timeout_ms } = &settings.stripe;
        let Some(key) = key else {
            if settings.mode != Mode::Development {
                return Err(Unusable::NoKey);
            }
            tracing::warn!(
                "THE LOCAL PROVIDER TAKES THE PAYMENTS: each succeeds at once and no money moves (PAYMENTS_STRIPE__KEY is not set)"
            );
            return Ok(Self::Local);
        };
        let secrets = webhook_secrets.as_ref().map(Secrets::new).filter(|secrets| !secrets.is_empty());
        let secrets = secrets.ok_or(Unusable::NoWebhookSecret)?;
        tracing::info!(url, "Stripe takes the payments");
        Ok(Self::Stripe(Client::new(url, key.clone(), Duration::from_millis(*timeout_ms))?, secrets))
    }

    /// Its name.
    pub const fn name(&self) -> ProviderName {
        match self {
            Self::Stripe(..) => ProviderName::Stripe,
            Self::Local => ProviderName::Local,
        }
    }

    /// Makes `user` known to the provider; returns the provider's name of the user.
    pub async fn new_customer(&self, user: UserId) -> Result<String, Error> {
        Ok(match self {
            Self::Stripe(stripe, _) => stripe.create_customer(user).await?.id,
            Self::Local => format!("local_{user}"),
        })
    }

    /// Begins a payment for a package. The same `key` begins no second one.
    pub async fn begin_payment(
        &self,
        customer: &str,
        user: UserId,
        package: &Package,
        key: &str,
    ) -> Result<Begun, Error> {
        Ok(match self {
            Self::Stripe(stripe, _) => {
                let intent = stripe.create_intent(customer, user, package, key).await?;
                Begun { id: intent.id, client_secret: intent.client_secret }
            }
            Self::Local => Begun {
                id: format!("{}{key}", crate::local::PAYMENT),
                client_secret: Some(format!("local_secret_{key}")),
            },
        })
    }

    /// Begins a subscription; the same `key` begins no second one. `None`: the local provider, which has no network to be kept out of a transaction.
    pub async fn begin_subscription(
        &self,
        customer: &str,
        plan: &Plan,
        interval: Interval,
        key: &str,
    ) -> Result<Option<Subscribed>, Error> {
        let Self::Stripe(stripe, _) = self else { return Ok(None) };
        let made = stripe.create_subscription(customer, plan, interval, key).await?;
        Ok(Some(Subscribed { snapshot: snapshot(&made)?, client_secret: made.client_secret() }))
    }

    /// What is needed to pay a subscription that was begun.
    pub async fn subscription(&self, id: &str) -> Result<Option<Subscribed>, Error> {
        let Self::Stripe(stripe, _) = self else { return Ok(None) };
        let found = stripe.subscription(id).await?;
        Ok(Some(Subscribed { snapshot: snapshot(&found)?, client_secret: found.client_secret() }))
    }

    /// Puts a subscription on another plan.
    pub async fn change(&self, id: &str, plan: &Plan, interval: Interval) -> Result<Option<Snapshot>, Error> {
        let Self::Stripe(stripe, _) = self else { return Ok(None) };
        // Every change is one of its own: to pro, back to creator and to pro again are three.
        let key = format!("change-{id}-{}", Uuid::new_v4());
        Ok(Some(snapshot(&stripe.change_subscription(id, plan, interval, &key).await?)?))
    }

    /// Lets a subscription end with its period, or go on after all.
    pub async fn cancel_at_period_end(&self, id: &str, cancel: bool) -> Result<Option<Snapshot>, Error> {
        let Self::Stripe(stripe, _) = self else { return Ok(None) };
        let key = format!("cancel-{id}-{}", Uuid::new_v4());
        Ok(Some(snapshot(&stripe.cancel_at_period_end(id, cancel, &key).await?)?))
    }

    /// Ends a subscription now.
    pub async fn end(&self, id: &str) -> Result<(), Error> {
        match self {
            Self::Stripe(stripe, _) => Ok(stripe.end_subscription(id).await?),
            Self::Local => Ok(()),
        }
    }

    /// Gives back some of a payment; the same `key` gives it once. Whether it was done is told by webhook.
    pub async fn refund(&self, payment: &str, cents: i64, key: &str) -> Result<(), Error> {
        match self {
            Self::Stripe(stripe, _) => Ok(stripe.refund(payment, cents, key).await?),
            Self::Local => Ok(()),
        }
    }

    /// Has the provider forget a user.
    pub async fn forget_customer(&self, customer: &str) -> Result<(), Error> {
        match self {
            Self::Stripe(stripe, _) => Ok(stripe.delete_customer(customer).await?),
            Self::Local => Ok(()),
        }
    }
}

fn snapshot(subscription: &crate::stripe::Subscription) -> Result<Snapshot, Error> {
    subscription
        .snapshot()
        .ok_or_else(|| Error::Internal("a subscription with a status that nobody knows".into()))
}
