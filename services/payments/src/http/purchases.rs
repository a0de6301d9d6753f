//! Buying credits; and, for admins, giving money back.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use garde::Validate;
use pitchey_identity::Actor as Who;
use pitchey_web::{Actor, Answer, Command, Refusal};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::history::Transaction;
use super::unknown;
use crate::error::Error;
use crate::ops::buying;
use crate::state::AppState;

/// Which package.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Purchase {
    /// How many credits: one of the packages. What it costs the server knows.
    #[garde(skip)]
    credit_package: i32,
}

/// What a purchase answers.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "described here, written by Answer")]
pub struct Bought {
    message: String,
    transaction: Transaction,
    /// For Stripe's own form in the payer's browser.
    client_secret: Option<String>,
}

/// What to give back.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// The payment.
    #[garde(skip)]
    transaction_id: i64,
    /// How much, in minor units; all that is left without.
    #[garde(inner(range(min = 1)))]
    amount_cents: Option<i64>,
}

/// What a refund answers.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "described here, written by Answer")]
pub struct Refunded {
    message: String,
    transaction: Transaction,
}

/// Begins the payment of a package of credits. The credits come when it is paid.
#[utoipa::path(tag = "payments", request_body = Purchase, responses((status = 201, body = Bought), (status = 200, body = Bought, description = "A repetition.")))]
#[post("/api/payments/credits/purchase")]
pub async fn purchase(
    state: Data<AppState>,
    request: HttpRequest,
    actor: Actor,
    command: Command<Purchase>,
) -> Result<HttpResponse, Error> {
    buying::may_buy_credits(&actor)?;
    if let Some(kept) = command.kept(&state.databases.user).await? {
        return Ok(kept);
    }
    let package = state.offer.package(command.input.credit_package);
    let package = package.ok_or_else(|| unknown("creditPackage", "There is no such package."))?;
    let key = name_of(&request, &actor, &format!("credits-{}", package.credits));
    let begun = buying::begin(&state, actor.id, package, &key).await?;
    let now = state.clock.now();
    let response = command
        .run(&state.databases.user, async |tx, _| {
            let (row, is_new) = buying::note(tx, actor.id, package, &begun, now).await?;
            let answer =
                Answer::created_if(is_new, "The payment was begun; the credits come when it is paid.");
            let answer = answer
                .with("transaction", &Transaction::from(row))
                .with("clientSecret", &begun.client_secret);
            Ok::<_, Error>(answer.secret())
        })
        .await?;
    buying::pay_locally(&state, &begun.id).await?;
    Ok(response)
}

/// Gives money back: for admins. The credits of a package that are not spent go with it.
#[utoipa::path(tag = "payments", request_body = Refund, responses((status = 200, body = Refunded)))]
#[post("/api/payments/refund")]
pub async fn refund(
    state: Data<AppState>,
    request: HttpRequest,
    actor: Actor,
    command: Command<Refund>,
) -> Result<HttpResponse, Error> {
    if !actor.admin || actor.suspended {
        return Err(Refusal::Forbidden.into());
    }
    if let Some(kept) = command.kept(&state.databases.user).await? {
        return Ok(kept);
    }
    let Refund { transaction_id, amount_cents } = command.input;
    let key =
        name_of(&request, &actor, &format!("refund-{transaction_id}-{}", amount_cents.unwrap_or_default()));
    let row = buying::refund(&state, actor.id, transaction_id, amount_cents, &key).await?;
    let answer = Answer::ok("The refund was asked for.").with("transaction", &Transaction::from(row));
    command.run(&state.databases.user, async |_, _| Ok::<_, Error>(answer)).await
}

/// A name for what is done: the same for every try of the same request. Without a key each request is one of its own.
fn name_of(request: &HttpRequest, actor: &Who, what: &str) -> String {
    let key = request.headers().get("idempotency-key").map(|key| key.as_bytes().to_vec());
    let key = key.unwrap_or_else(|| Uuid::now_v7().as_bytes().to_vec());
    let mut hash = Sha256::new();
    hash.update(actor.id.0.to_be_bytes());
    hash.update(what.as_bytes());
    hash.update([0]);
    hash.update(key);
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
