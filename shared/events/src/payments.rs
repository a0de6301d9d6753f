//! What payments tells: plans, credits and money.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, Kind, Service, Subject, Tier, UserId};

use Service::{Accounts, Analytics, Notifications, Payments};

macro_rules! fact {
    ($event:ident, $meaning:literal, $consumers:expr) => {
        Entry {
            event_type: $event::TYPE,
            meaning: $meaning,
            kind: Kind::Fact,
            producer: Payments,
            consumers: $consumers,
            listeners: &[],
        }
    };
}

pub(crate) static EVENTS: &[Entry] = &[
    Entry {
        event_type: SubscriptionChanged::TYPE,
        meaning: "The plan a user is on, or how it stands, changed.",
        kind: Kind::State,
        producer: Payments,
        consumers: &[Accounts, Notifications],
        listeners: &[],
    },
    fact!(CreditsPurchased, "A user bought credits, and they are there.", &[Notifications, Analytics]),
    fact!(
        CreditsLow,
        "Spending took a user's balance below what the next NDA request costs.",
        &[Notifications]
    ),
    fact!(PaymentSucceeded, "Money came in; the invoice is written.", &[Notifications, Analytics]),
    fact!(PaymentFailed, "A payment did not go through.", &[Notifications]),
    fact!(PaymentRefunded, "Money went back; the credit note is written.", &[Notifications, Analytics]),
];

/// See the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionChanged {
    /// Whose.
    pub user_id: UserId,
    /// Of the user's plan, after the change.
    pub version: i64,
    /// What the user may use from now on.
    pub tier: Tier,
    /// What it was before.
    pub previous_tier: Tier,
    /// `none`, or how the subscription stands: `incomplete`, `trialing`, `active`, `past_due`, `unpaid`, `paused`, `canceled`, `incomplete_expired`.
    pub status: String,
    /// `month` or `year`.
    pub billing_interval: Option<String>,
    /// When the first subscription to this plan began.
    pub started_at: Option<DateTime<Utc>>,
    /// Until when the period that runs is paid, or to be paid.
    pub current_period_end: Option<DateTime<Utc>>,
    /// It ends then.
    pub cancel_at_period_end: bool,
    /// A payment is overdue: until then the plan stays.
    pub grace_until: Option<DateTime<Utc>>,
    /// The user's name at the provider.
    pub customer_id: Option<String>,
    /// The subscription's name at the provider.
    pub subscription_id: Option<String>,
}

impl Event for SubscriptionChanged {
    const TYPE: &'static str = "subscription.changed.v1";

    fn subject(&self) -> Subject {
        self.user_id.into()
    }

    fn subject_version(&self) -> Option<i64> {
        Some(self.version)
    }
}

macro_rules! payment_event {
    ($name:ident = $word:literal { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        /// See the catalogue.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// Whose.
            pub user_id: UserId,
            $($(#[$fdoc])* pub $field: $ty,)*
        }

        impl Event for $name {
            const TYPE: &'static str = $word;

            fn subject(&self) -> Subject {
                self.user_id.into()
            }
        }
    };
}

payment_event! {
    CreditsPurchased = "credits.purchased.v1" {
        /// How many.
        credits: i32,
        /// What there is to spend now.
        balance: i32,
        /// The payment.
        transaction_id: i64,
    }
}
payment_event! {
    CreditsLow = "credits.low.v1" {
        /// What is left to spend.
        balance: i32,
    }
}
payment_event! {
    PaymentSucceeded = "payment.succeeded.v1" {
        /// The payment.
        transaction_id: i64,
        /// In minor units.
        amount_cents: i64,
        /// ISO 4217.
        currency: String,
        /// What for, for people: `10 credits`.
        description: String,
        /// Of the invoice: `2026-000042`.
        invoice_number: String,
        /// When it was paid.
        paid_at: DateTime<Utc>,
    }
}
payment_event! {
    PaymentFailed = "payment.failed.v1" {
        /// The payment.
        transaction_id: i64,
        /// In minor units.
        amount_cents: i64,
        /// ISO 4217.
        currency: String,
        /// What for, for people: `10 credits`.
        description: String,
        /// It was for the plan the user is on, which ends if it stays unpaid.
        for_plan: bool,
    }
}
payment_event! {
    PaymentRefunded = "payment.refunded.v1" {
        /// The payment that went back.
        transaction_id: i64,
        /// How much went back this time, in minor units.
        amount_cents: i64,
        /// ISO 4217.
        currency: String,
        /// Of the credit note: `2026-000043`.
        invoice_number: String,
    }
}
