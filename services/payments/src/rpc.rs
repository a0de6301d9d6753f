//! What payments tells other services, and does for them.

use pitchey_events::{HoldKey, Service, UserId};
use pitchey_flags::Flag;
use pitchey_rpc::proto::payments::payments_server::{Payments, PaymentsServer};
use pitchey_rpc::proto::payments::{BalanceReply, BalanceRequest, HoldReply, HoldRequest};
use pitchey_rpc::{Caller, Keeper, Parts, privacy_server};
use serde_json::{Value, json};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::error::Error;
use crate::http::{Entry, Transaction};
use crate::ops::holds::{self, Asked, Outcome};
use crate::ops::looking;
use crate::state::AppState;
use crate::store::ledger::Place;
use crate::store::{ledger as booked, plans, subscriptions, transactions};
use crate::words::Reason;

/// Who sells something.
const SELLERS: [Service; 2] = [Service::Pitches, Service::Messaging];
/// Who may see what somebody has.
const LOOKERS: [Service; 3] = [Service::Pitches, Service::Messaging, Service::Analytics];
/// Rows in a part of an export.
const ROWS: i64 = 500;

/// The gRPC services.
pub fn routes(state: AppState) -> Routes {
    Routes::new(PaymentsServer::new(Door(state.clone()))).add_service(privacy_server(Door(state)))
}

struct Door(AppState);

#[tonic::async_trait]
impl Payments for Door {
    async fn hold(&self, request: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        Caller::require(&request, &SELLERS)?;
        Ok(Response::new(self.take(asked(request.get_ref(), false)?).await?))
    }

    async fn charge(&self, request: Request<HoldRequest>) -> Result<Response<HoldReply>, Status> {
        Caller::require(&request, &SELLERS)?;
        Ok(Response::new(self.take(asked(request.get_ref(), true)?).await?))
    }

    async fn balance(&self, request: Request<BalanceRequest>) -> Result<Response<BalanceReply>, Status> {
        Caller::require(&request, &LOOKERS)?;
        Ok(Response::new(self.balance_of(UserId(request.get_ref().user_id)).await?))
    }
}

fn asked(request: &HoldRequest, charge: bool) -> Result<Asked, Error> {
    let key: HoldKey = request.key.parse().map_err(|_| Error::HoldInvalid("the key is not a UUID"))?;
    let reason = Reason::parse(&request.reason).ok_or(Error::HoldInvalid("nobody sells this"))?;
    Ok(Asked { key, user: UserId(request.user_id), amount: request.amount, reason, charge })
}

impl Door {
    async fn take(&self, asked: Asked) -> Result<HoldReply, Error> {
        let charged = self.0.flags.is_on(Flag::ChargeCredits, asked.user);
        let mut tx = self.0.databases.system.begin().await?;
        let outcome = match holds::take(&mut tx, asked, charged, self.0.clock.now()).await? {
            Outcome::KeyInUse => {
                drop(tx);
                let mut tx = self.0.databases.system.begin().await?;
                holds::repeated(&mut tx, asked).await?
            }
            outcome => {
                tx.commit().await?;
                outcome
            }
        };
        match outcome {
            Outcome::Taken { amount, balance } => Ok(HoldReply { held: true, balance, amount }),
            Outcome::TooLittle { balance } => Ok(HoldReply { held: false, balance, amount: 0 }),
            Outcome::KeyInUse => {
                Err(pitchey_db::Error::Unavailable("a key that is in use".to_owned()).into())
            }
        }
    }

    async fn balance_of(&self, user: UserId) -> Result<BalanceReply, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let (credits, held) = looking::balance(&mut tx, user).await?;
        Ok(BalanceReply {
            balance: credits.balance,
            granted: credits.granted,
            purchased: credits.purchased,
            held: i32::try_from(held).unwrap_or(i32::MAX),
        })
    }

    /// Balance and plan, and the subscriptions.
    async fn standing(&self, user: UserId) -> Result<(Value, Vec<Value>), Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let (credits, held) = looking::balance(&mut tx, user).await?;
        let plan = plans::find(&mut tx, user).await?;
        let subscriptions = subscriptions::of_user(&mut tx, user).await?;
        let standing = json!({
            "balance": credits.balance, "granted": credits.granted, "purchased": credits.purchased, "held": held,
            "lifetimePurchased": credits.lifetime_purchased, "lifetimeUsed": credits.lifetime_used,
            "tier": plan.as_ref().map(|plan| plan.tier_word.clone()), "customerId": plan.and_then(|plan| plan.customer_id),
        });
        let subscriptions = subscriptions.iter().map(|row| {
            json!({
                "providerId": row.provider_id, "tier": row.tier_word, "status": row.status, "billingInterval": row.billing_interval,
                "startedAt": row.started_at, "currentPeriodEnd": row.current_period_end, "endedAt": row.ended_at,
            })
        });
        Ok((standing, subscriptions.collect()))
    }

    async fn payments(&self, user: UserId, after: transactions::After) -> Result<Vec<Transaction>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let rows =
            transactions::page(&mut tx, user, after, Place { after: None, offset: 0, limit: ROWS - 1 })
                .await?;
        Ok(rows.into_iter().map(Transaction::from).collect())
    }

    async fn entries(&self, user: UserId, after: Option<i64>) -> Result<Vec<Entry>, Error> {
        let mut tx = self.0.databases.system.begin().await?;
        let rows = booked::rows(&mut tx, user, Place { after, offset: 0, limit: ROWS - 1 }).await?;
        Ok(rows.into_iter().map(Entry::from).collect())
    }
}

impl Keeper for Door {
    async fn export(&self, user: UserId, parts: &mut Parts) -> Result<(), Status> {
        let (standing, subscriptions) = self.standing(user).await?;
        parts.send("credits", &[standing]).await?;
        parts.send("subscriptions", &subscriptions).await?;
        let mut after = None;
        loop {
            let rows = self.payments(user, after).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key());
            parts.send("transactions", &rows).await?;
        }
        let mut after = None;
        loop {
            let rows = self.entries(user, after).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id());
            parts.send("credit_ledger", &rows).await?;
        }
    }
}
