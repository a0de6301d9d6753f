//! `Idempotency-Key`: kept for 24 h in the transaction of the effect.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pitchey_db::Tx;
use pitchey_events::Service;
use schema::idempotency_keys;
use serde_json::Value;
use sha2::{Digest, Sha256};

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
        }
    }
}

/// Longest key, in characters.
const MAX_LENGTH: usize = 200;

/// A key, whose it is and for what request.
pub(crate) struct Idempotency {
    service: Service,
    actor: String,
    key: String,
    request_hash: Vec<u8>,
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
        let service = request.app_data::<Service>().copied().unwrap_or(Service::Gateway);
        Ok(Some(Self { service, actor, key: key.to_owned(), request_hash: hash.finalize().to_vec() }))
    }

    /// Takes the key, or finds what was answered under it. A repetition that arrives while the first is still running waits here for its end.
    pub(crate) async fn claim(&self, tx: &mut Tx) -> Result<Outcome, Refusal> {
        let claimed = diesel::insert_into(idempotency_keys::table)
            .values((
                idempotency_keys::service.eq(self.service.as_str()),
                idempotency_keys::actor.eq(&self.actor),
                idempotency_keys::key.eq(&self.key),
                idempotency_keys::request_hash.eq(&self.request_hash),
            ))
            .on_conflict_do_nothing()
            .execute(tx)
            .await?;
        if claimed == 1 {
            return Ok(Outcome::First);
        }
        let (hash, status, response): (Vec<u8>, Option<i16>, Option<Value>) = self
            .row()
            .select((idempotency_keys::request_hash, idempotency_keys::status, idempotency_keys::response))
            .first(tx)
            .await?;
        if hash != self.request_hash {
            return Err(Refusal::IdempotencyKeyReused);
        }
        let status =
            status.and_then(|status| u16::try_from(status).ok()).and_then(|s| StatusCode::from_u16(s).ok());
        match (status, response) {
            (Some(status), Some(Value::Object(body))) => {
                Ok(Outcome::Replay(Answer { status, body, secret: false }))
            }
            // Answered with a secret, which is not kept: the op is safe to do again.
            _ => Ok(Outcome::First),
        }
    }

    /// Keeps the answer, unless it holds a secret.
    pub(crate) async fn settle(&self, tx: &mut Tx, answer: &Answer) -> Result<(), Refusal> {
        if answer.secret {
            return Ok(());
        }
        diesel::update(self.row())
            .set((
                idempotency_keys::status.eq(i16::try_from(answer.status.as_u16()).ok()),
                idempotency_keys::response.eq(Value::Object(answer.body.clone())),
            ))
            .execute(tx)
            .await?;
        Ok(())
    }

    #[diesel::dsl::auto_type(no_type_alias)]
    fn row<'a>(&'a self) -> _ {
        let service: &'static str = self.service.as_str();
        let actor: &'a str = self.actor.as_str();
        let key: &'a str = self.key.as_str();
        idempotency_keys::table.find((service, actor, key))
    }
}
