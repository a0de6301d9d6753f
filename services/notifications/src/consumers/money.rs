use pitchey_events::{
    CreditsLow, CreditsPurchased, Envelope, PaymentFailed, PaymentRefunded, PaymentSucceeded,
    SubscriptionChanged,
};

use super::{Bell, Notice, Tells};
use crate::mail::{Amount, Letter, one_line};

/// Longest description of a payment.
const DESCRIPTION: usize = 120;

impl Tells for PaymentSucceeded {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, transaction_id, amount_cents, currency, description, invoice_number, paid_at } =
            &envelope.event;
        let amount = Amount::new(*amount_cents, currency);
        let description = one_line(description, DESCRIPTION);
        let bell = Bell::new("payment_succeeded", format!("We received {amount}"))
            .saying(format!("For {description}, invoice {invoice_number}."))
            .about("transactionId", *transaction_id);
        let letter = Letter::PaymentReceipt {
            amount,
            description,
            invoice_number: invoice_number.clone(),
            paid_at: *paid_at,
        };
        vec![Notice::both(*user_id, bell, letter)]
    }
}

impl Tells for PaymentFailed {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, transaction_id, amount_cents, currency, description, for_plan } = &envelope.event;
        let amount = Amount::new(*amount_cents, currency);
        let description = one_line(description, DESCRIPTION);
        let bell = Bell::new("payment_failed", format!("A payment of {amount} did not go through"))
            .saying(format!("For {description}. Nothing was charged."))
            .about("transactionId", *transaction_id);
        let letter = Letter::PaymentFailed { amount, description, for_plan: *for_plan };
        vec![Notice::both(*user_id, bell, letter)]
    }
}

impl Tells for PaymentRefunded {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, transaction_id, amount_cents, currency, invoice_number } = &envelope.event;
        let bell =
            Bell::new("payment_refunded", format!("We sent back {}", Amount::new(*amount_cents, currency)))
                .saying(format!("Credit note {invoice_number}."))
                .about("transactionId", *transaction_id);
        vec![Notice::in_app(*user_id, bell)]
    }
}

impl Tells for CreditsPurchased {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, credits, balance, transaction_id } = envelope.event;
        let bell = Bell::new("credits_purchased", format!("{credits} credits were added"))
            .saying(format!("You have {balance} now."))
            .about("transactionId", transaction_id);
        vec![Notice::in_app(user_id, bell)]
    }
}

impl Tells for CreditsLow {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self { user_id, balance } = envelope.event;
        let bell =
            Bell::new("credits_low", "Your credits run out").saying(format!("You have {balance} left."));
        let day = envelope.occurred_at.date_naive();
        let notice = Notice::both(user_id, bell, Letter::CreditsLow { balance });
        vec![notice.once_for(&format!("credits low/{user_id}/{day}"))]
    }
}

impl Tells for SubscriptionChanged {
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice> {
        let Self {
            user_id, tier, previous_tier, cancel_at_period_end, current_period_end, grace_until, ..
        } = &envelope.event;
        let until = if *cancel_at_period_end { *current_period_end } else { None };
        let title = format!("Your plan: {}", tier.as_str());
        let body = match (until, grace_until) {
            (Some(until), _) => format!("It ends on {}.", until.format("%-d %B %Y")),
            (None, Some(grace)) => {
                format!("A payment is overdue; the plan stays until {}.", grace.format("%-d %B %Y"))
            }
            (None, None) if tier == previous_tier => "It goes on as it was.".to_owned(),
            (None, None) => format!("It was {} before.", previous_tier.as_str()),
        };
        let letter = Letter::SubscriptionChanged {
            tier: *tier,
            previous_tier: *previous_tier,
            ends_at: until,
            grace_until: *grace_until,
        };
        vec![Notice::both(*user_id, Bell::new("subscription_changed", title).saying(body), letter)]
    }
}
