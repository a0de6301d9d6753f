//! Buying credits, and giving money back. These ops open their own transactions, because the provider is asked before and after.

use pitchey_db::Tx;
use pitchey_events::UserId;
use pitchey_identity::Actor;
use pitchey_web::Refusal;

use crate::error::Error;
use crate::local;
use crate::offer::Package;
use crate::ops::purchases::{self, Fact};
use crate::ops::record;
use crate::provider::{Begun, Provider};
use crate::state::AppState;
use crate::store::plans;
use crate::store::transactions::{self, New, Transaction};
use crate::words::{TransactionStatus, TransactionType};

/// Refuses who may not buy: who has no verified e-mail, who is suspended, admins.
pub fn may_subscribe(actor: &Actor) -> Result<(), Error> {
    if actor.suspended {
        return Err(Refusal::Suspended.into());
    }
    if actor.admin {
        return Err(Error::NotForThisAccount);
    }
    if !actor.email_verified {
        return Err(Error::EmailNotVerified);
    }
    Ok(())
}

/// Refuses who may not buy credits: also viewers, who have nothing to spend them on.
pub fn may_buy_credits(actor: &Actor) -> Result<(), Error> {
    may_subscribe(actor)?;
    if actor.user_type == pitchey_events::UserType::Viewer { Err(Error::NotForThisAccount) } else { Ok(()) }
}

/// The provider's name of `user`, who is made known to it where needed.
pub async fn customer(state: &AppState, user: UserId) -> Result<String, Error> {
    let mut tx = state.databases.system.begin().await?;
    let known = plans::find(&mut tx, user).await?.and_then(|plan| plan.customer_id);
    drop(tx);
    if let Some(known) = known {
        return Ok(known);
    }
    let new = state.provider.new_customer(user).await?;
    let mut tx = state.databases.system.begin().await?;
    let mut plan = plans::lock(&mut tx, user, state.clock.now()).await?;
    // Somebody may have been faster; that one counts.
    let customer = plan.customer_id.get_or_insert(new).clone();
    plans::save(&mut tx, &plan, state.clock.now()).await?;
    tx.commit().await?;
    Ok(customer)
}

/// Begins the payment for a package; `key` names the purchase.
pub async fn begin(state: &AppState, user: UserId, package: &Package, key: &str) -> Result<Begun, Error> {
    let customer = customer(state, user).await?;
    state.provider.begin_payment(&customer, user, package, key).await
}

/// Notes a payment that was begun. Whether it is new.
pub async fn note(
    tx: &mut Tx,
    user: UserId,
    package: &Package,
    begun: &Begun,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(Transaction, bool), Error> {
    let description = describe(package.credits);
    let new = New {
        user,
        kind: TransactionType::Credits,
        cents: package.price,
        currency: &package.currency,
        status: TransactionStatus::Pending,
        intent: Some(&begun.id),
        provider_id: &begun.id,
        credits: Some(package.credits),
        description: &description,
        now,
    };
    let is_new = transactions::insert(tx, &new).await?;
    let row = transactions::find(tx, &begun.id).await?;
    let row = row.ok_or_else(|| Error::Internal("a payment that was written is not there".into()))?;
    Ok((row, is_new))
}

/// What a package is called.
pub fn describe(credits: i32) -> String {
    if credits == 1 { "1 credit".to_owned() } else { format!("{credits} credits") }
}

/// With the local provider: it is paid now.
pub async fn pay_locally(state: &AppState, payment: &str) -> Result<(), Error> {
    if matches!(state.provider, Provider::Local) {
        let mut tx = state.databases.system.begin().await?;
        local::pay(&mut tx, payment, state.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Gives money back, by an admin: all that is left of a payment, or some of it. What follows comes by webhook.
pub async fn refund(
    state: &AppState,
    admin: UserId,
    id: i64,
    cents: Option<i64>,
    key: &str,
) -> Result<Transaction, Error> {
    let mut tx = state.databases.system.begin().await?;
    let row = transactions::by_id(&mut tx, id).await?.ok_or(Refusal::NotFound)?;
    drop(tx);
    let left = row.cents - row.refunded_cents;
    let cents = cents.unwrap_or(left);
    let can = matches!(row.status, TransactionStatus::Completed | TransactionStatus::PartiallyRefunded);
    let is_payment = matches!(row.kind, TransactionType::Credits | TransactionType::Subscription);
    let Some(intent) = row.intent.as_deref().filter(|_| can && is_payment && (1..=left).contains(&cents))
    else {
        return Err(Error::NotRefundable { status: row.status });
    };
    state.provider.refund(intent, cents, key).await?;
    let mut tx = state.databases.system.begin().await?;
    let what = serde_json::json!({ "amountCents": cents, "currency": row.currency });
    record(&mut tx, Some(admin), "payment.refund_requested", "transaction", id, what);
    let mut row = row;
    if matches!(state.provider, Provider::Local) {
        let name = format!("refund:{}", row.id);
        let locked = transactions::lock(&mut tx, row.provider_id.as_deref().unwrap_or_default())
            .await?
            .ok_or(Refusal::NotFound)?;
        let fact = Fact::Refunded { cents: locked.refunded_cents + cents, name: &name };
        row = purchases::learn(&mut tx, locked, fact, state.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(row)
}
