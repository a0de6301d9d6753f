//! `Idempotency-Key`: kept for 24 h in the transaction of the effect.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::{SystemDb, Tx};
use pitchey_events::Service;
use pitchey_identity::Verifier;
use schema::idempotency_keys;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Answer, Refusal};

mod schema {
    diesel::table! {
        idempotency_keys (service, actor, key) {
            service -> Text,
            actor -> Text,
            key -> Text,
            request_hash -> Bytea,
            status -> Nullable<SmallInt>,
            response -> Nullable<Jsonb>,
            created_at -> Timestamptz,
        }
    }
}

/// How long an answer is kept for repetitions.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// Forgets the keys of `service` that are too old at `now`: a job of every service. Returns how many.
///
/// # Errors
/// The database's.
pub async fn forget_keys(
    service: Service,
    db: SystemDb,
    now: DateTime<Utc>,
) -> Result<i64, pitchey_db::Error> {
    let old = idempotency_keys::table
        .filter(idempotency_keys::service.eq(service.as_str()))
        .filter(idempotency_keys::created_at.lt(now - KEPT));
    let forgotten = diesel::delete(old).execute(&mut *db.connection().await?).await?;
    Ok(i64::try_from(forgotten).unwrap_or(i64::MAX))
}

/// Longest key, in characters.
const MAX_LENGTH: usize = 200;

/// A key, whose it is and for what request.
pub(crate) struct Idempotency {
    service: Service,
    actor: String,
    key: String,
    /// Keyed, since the request may hold a password: one under each key in use, the newest first.
    fingerprints: Vec<[u8; 32]>,
}

pub(crate) enum Outcome {
    First,
    Replay(Answer),
}

impl Idempotency {
    /// The key that came with the request, if one did.
    pub(crate) fn of(
        request: &HttpRequest,
        context: &pitchey_identity::Context,
        body: &[u8],
    ) -> Result<Option<Self>, Refusal> {
        let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
        let key = key.to_str().map_err(|_| Refusal::IdempotencyKeyInvalid)?;
        if key.is_empty() || key.len() > MAX_LENGTH || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Refusal::IdempotencyKeyInvalid);
        }
        // Nobody's keys are told apart by address: two strangers may draw the same.
        let actor = match context.principal.user_id() {
            Some(id) => format!("user/{id}"),
            None => format!("ip/{}", context.ip.map(|ip| ip.to_string()).unwrap_or_default()),
        };
        let mut hash = Sha256::new();
        for part in [request.method().as_str().as_bytes(), request.uri().to_string().as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // Neither is missing where a request has come through the server's own middleware.
        let (Some(service), Some(verifier)) =
            (request.app_data::<Service>(), request.app_data::<web::Data<Verifier>>())
        else {
            return Err(Refusal::NotTheGateway);
        };
        let fingerprints = verifier.fingerprints(Service::Gateway, &hash.finalize());
        Ok(Some(Self { service: *service, actor, key: key.to_owned(), fingerprints }))
    }

    /// An id that this request shares with its repetitions and with nothing else.
    pub(crate) fn request_id(&self) -> Uuid {
        let newest = self.fingerprints.as_slice().first().map(|newest| newest.as_slice());
        let mut hash = Sha256::new();
        for part in [self.actor.as_bytes(), self.key.as_bytes(), newest.unwrap_or_default()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Takes the key, or finds what was answered under it. A repetition that arrives while the first is still running waits here for its end.
    pub(crate) async fn claim(&self, tx: &mut Tx) -> Result<Outcome, Refusal> {
        let newest = self.fingerprints.as_slice().first().map(|newest| newest.to_vec()).unwrap_or_default();
        let claimed = diesel::insert_into(idempotency_keys::table)
            .values((
                idempotency_keys::service.eq(self.service.as_str()),
                idempotency_keys::actor.eq(&self.actor),
                idempotency_keys::key.eq(&self.key),
                idempotency_keys::request_hash.eq(newest),
            ))
            .on_conflict_do_nothing()
            .execute(tx)
            .await?;
        if claimed == 1 {
            return Ok(Outcome::First);
        }
        // Answered with a secret, which is not kept: the op is safe to do again.
        Ok(self.kept(tx).await?.map_or(Outcome::First, Outcome::Replay))
    }

    /// What was answered under the key, if anything was that is kept.
    pub(crate) async fn kept(&self, tx: &mut Tx) -> Result<Option<Answer>, Refusal> {
        let kept: Option<(Vec<u8>, Option<i16>, Option<Value>)> = idempotency_keys::table
            .find((self.service.as_str(), &self.actor, &self.key))
            .select((idempotency_keys::request_hash, idempotency_keys::status, idempotency_keys::response))
            .first(tx)
            .await
            .optional()?;
        let Some((hash, status, response)) = kept else { return Ok(None) };
        if !self.fingerprints.iter().any(|fingerprint| hash == fingerprint) {
            return Err(Refusal::IdempotencyKeyReused);
        }
        let status =
            status.and_then(|status| u16::try_from(status).ok()).and_then(|s| StatusCode::from_u16(s).ok());
        match (status, response) {
            (Some(status), Some(Value::Object(body))) => {
                Ok(Some(Answer { status, body, secret: false, kept: None }))
            }
            _ => Ok(None),
        }
    }

    /// Keeps the answer, unless it holds a secret.
    pub(crate) fn settle(self, tx: &mut Tx, answer: &Answer) {
        if answer.secret {
            return;
        }
        let row = idempotency_keys::table.find((self.service.as_str(), self.actor, self.key));
        tx.send(
            diesel::update(row).set((
                idempotency_keys::status.eq(i16::try_from(answer.status.as_u16()).ok()),
                idempotency_keys::response
                    .eq(Value::Object(answer.kept.as_ref().unwrap_or(&answer.body).clone())),
            )),
        );
    }
}
