//! Moving an NDA: approve, reject, sign, withdraw, revoke, remind.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use garde::Validate;
use pitchey_events::NdaId;
use pitchey_web::{Actor, Answer, Command, Origin, PathId};
use serde::Deserialize;

use super::ndas::{Nda, NdaWritten};
use crate::error::Error;
use crate::input::{plain, written};
use crate::ops::Act;
use crate::ops::ndas::answer::{self, Bulk, Conditions};
use crate::ops::ndas::{end, remind as reminding, sign as signing};
use crate::state::AppState;

/// What the owner adds.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Additional terms, part of the document.
    #[garde(custom(plain(10_000)))]
    terms: Option<String>,
    /// Days of access from the signature, 7 to 1095; the rule of the type without.
    #[garde(inner(range(min = 7, max = 1095)))]
    expiry_days: Option<i32>,
}

/// Why not.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
pub struct Rejection {
    /// For the requester to read.
    #[garde(custom(plain(2_000)))]
    reason: Option<String>,
}

/// Why it ends.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
pub struct Revocation {
    /// For the record, and for the other party to read.
    #[garde(custom(written(2_000)))]
    reason: String,
}

/// The signature.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    #[garde(custom(written(200)))]
    full_name: String,
    #[garde(custom(plain(200)))]
    title: Option<String>,
    #[garde(custom(plain(200)))]
    company: Option<String>,
    /// Must be true.
    #[garde(custom(accepted))]
    accept_terms: bool,
    /// SHA-256 of the offered document, in hex.
    #[garde(custom(written(200)))]
    document_hash: String,
}

/// Several requests.
#[derive(Clone, Debug, Deserialize, Validate, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Several {
    /// Up to 100.
    #[garde(length(min = 1, max = 100))]
    nda_ids: Vec<i32>,
    /// Of a rejection.
    #[garde(custom(plain(2_000)))]
    reason: Option<String>,
}

/// Nothing needs to be said.
#[derive(Clone, Debug, Default, Deserialize, Validate, utoipa::ToSchema)]
pub struct Nothing {}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands out references")]
fn accepted(accepted: &bool, (): &()) -> garde::Result {
    if *accepted { Ok(()) } else { Err(garde::Error::new("The terms must be accepted.")) }
}

fn trimmed(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

macro_rules! act {
    ($state:ident, $actor:ident, $origin:ident) => {
        Act { actor: &$actor, origin: &$origin, now: $state.clock.now() }
    };
}

/// Approves a request. From now on the document may be read and signed.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), request_body = Approval, responses((status = 200, body = NdaWritten)))]
#[post("/api/ndas/{id}/approve")]
pub async fn approve(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<NdaId>,
    command: Command<Approval>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let people = answer::people(&state, actor.id, &[id.0]).await;
    let answer = command.run(&state.databases.user, async |tx, input| {
        let conditions = Conditions { terms: trimmed(&input.terms), expiry_days: input.expiry_days };
        let moved = answer::approve(tx, &act, id, conditions, &people?).await?;
        Ok::<_, Error>(NdaWritten::of(moved, "The NDA was approved.", act.now).answer())
    });
    answer.await
}

/// Rejects a request.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), request_body = Rejection, responses((status = 200, body = NdaWritten)))]
#[post("/api/ndas/{id}/reject")]
pub async fn reject(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<NdaId>,
    command: Command<Rejection>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let answer = command.run(&state.databases.user, async |tx, input| {
        let moved = answer::reject(tx, &act, id, trimmed(&input.reason)).await?;
        Ok::<_, Error>(NdaWritten::of(moved, "The NDA was rejected.", act.now).answer())
    });
    answer.await
}

/// Signs the offered document. Access begins.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), request_body = Signature, responses((status = 200, body = NdaWritten)))]
#[post("/api/ndas/{id}/sign")]
pub async fn sign(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<NdaId>,
    command: Command<Signature>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let answer = command.run(&state.databases.user, async |tx, input| {
        let signer = signing::Signer {
            full_name: input.full_name.trim(),
            title: trimmed(&input.title),
            company: trimmed(&input.company),
            document_hash: input.document_hash.trim(),
        };
        let moved = signing::sign(tx, &act, &state, id, &signer).await?;
        Ok::<_, Error>(NdaWritten::of(moved, "The NDA was signed.", act.now).answer())
    });
    answer.await
}

/// Takes a request back.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = NdaWritten)))]
#[post("/api/ndas/{id}/withdraw")]
pub async fn withdraw(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<NdaId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let answer = command.run(&state.databases.user, async |tx, _| {
        let moved = end::withdraw(tx, &act, id).await?;
        Ok::<_, Error>(NdaWritten::of(moved, "The request was withdrawn.", act.now).answer())
    });
    answer.await
}

/// Ends an NDA: for the owner of the pitch and for admins. Access is over at once.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), request_body = Revocation, responses((status = 200, body = NdaWritten)))]
#[post("/api/ndas/{id}/revoke")]
pub async fn revoke(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<NdaId>,
    command: Command<Revocation>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let tx = end::revoking(&state, &actor).await?;
    let answer = command.run_in(tx, async |tx, input| {
        let moved = end::revoke(tx, &act, id, input.reason.trim()).await?;
        Ok::<_, Error>(NdaWritten::of(moved, "The NDA was revoked.", act.now).answer())
    });
    answer.await
}

/// Reminds the owner of an open request, once a day at most.
#[utoipa::path(tag = "ndas", params(("id" = i32, Path)), responses((status = 200, body = NdaWritten)))]
#[post("/api/ndas/{id}/remind")]
pub async fn remind(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    PathId(id): PathId<NdaId>,
    command: Command<Nothing>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let answer = command.run(&state.databases.user, async |tx, _| {
        let moved = reminding::remind(tx, &act, id).await?;
        Ok::<_, Error>(NdaWritten::of(moved, "The owner was reminded.", act.now).answer())
    });
    answer.await
}

/// Approves several requests; those that can't be are named.
#[utoipa::path(tag = "ndas", request_body = Several, responses((status = 200)))]
#[post("/api/ndas/bulk-approve")]
pub async fn bulk_approve(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Several>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let ids = sorted(&command.input.nda_ids);
    let people = answer::people(&state, actor.id, &ids).await;
    let answer = command.run(&state.databases.user, async |tx, _| {
        Ok::<_, Error>(several(answer::approve_all(tx, &act, &ids, &people?).await?, &act))
    });
    answer.await
}

/// Rejects several requests; those that can't be are named.
#[utoipa::path(tag = "ndas", request_body = Several, responses((status = 200)))]
#[post("/api/ndas/bulk-reject")]
pub async fn bulk_reject(
    state: Data<AppState>,
    actor: Actor,
    origin: Origin,
    command: Command<Several>,
) -> Result<HttpResponse, Error> {
    let act = act!(state, actor, origin);
    let ids = sorted(&command.input.nda_ids);
    let answer = command.run(&state.databases.user, async |tx, input| {
        Ok::<_, Error>(several(answer::reject_all(tx, &act, &ids, trimmed(&input.reason)).await?, &act))
    });
    answer.await
}

fn sorted(ids: &[i32]) -> Vec<i32> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn several(bulk: Bulk, act: &Act<'_>) -> Answer {
    let ndas: Vec<Nda> = bulk.moved.into_iter().map(|row| Nda::at(row, act.now)).collect();
    Answer::ok(&format!("{} NDAs were answered.", ndas.len()))
        .with("updated", &ndas.len())
        .with("ndas", &ndas)
        .with("failed", &bulk.failed)
}
