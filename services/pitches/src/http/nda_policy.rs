//! Whose requests an owner approves automatically.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, put};
use garde::Validate;
use pitchey_web::{Actor, Answer, Command, FieldError, Origin, Refusal};
use serde::{Deserialize, Serialize};

use super::extract::private;
use crate::error::Error;
use crate::ops::Act;
use crate::ops::ndas::policy as op;
use crate::state::AppState;
use crate::store::policies;
use crate::words::Policy;

/// The policy.
#[derive(Clone, Debug, Serialize, Deserialize, Validate, utoipa::ToSchema)]
pub struct NdaPolicy {
    /// never, verified (buyers) or all.
    #[garde(skip)]
    policy: String,
}

/// The caller's policy.
#[utoipa::path(tag = "ndas", operation_id = "get_nda_policy", responses((status = 200, body = NdaPolicy)))]
#[get("/api/ndas/policy")]
pub async fn get(state: Data<AppState>, actor: Actor) -> Result<HttpResponse, Error> {
    let mut tx = state.databases.user.begin(Some(actor.id)).await?;
    let policy = policies::of(&mut tx, actor.id).await?;
    Ok(private(&NdaPolicy { policy: policy.as_str().to_owned() }))
}

/// Sets the caller's policy. It applies to requests from now on.
#[utoipa::path(tag = "ndas", operation_id = "put_nda_policy", request_body = NdaPolicy, responses((status = 200, body = NdaPolicy)))]
#[put("/api/ndas/policy")]
pub async fn put(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<NdaPolicy>,
) -> Result<HttpResponse, Error> {
    let act = Act { actor: &actor, origin: &origin, now: state.clock.now() };
    let answer = command.run(&state.databases.user, async |tx, input| {
        let policy = Policy::parse(&input.policy).ok_or_else(unknown)?;
        op::set(tx, &act, policy).await?;
        Ok::<_, Error>(Answer::ok("The policy was saved.").with("policy", &policy))
    });
    answer.await
}

fn unknown() -> Refusal {
    Refusal::Invalid(vec![FieldError::new("policy", "unknown_value", "This must be never, verified or all.")])
}
