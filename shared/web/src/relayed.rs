use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use garde::Validate;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::idempotency::Idempotency;
use crate::{Refusal, body, extract};

/// A JSON body that is what it should be, of a request that is answered once its input is safe elsewhere: no transaction here can remember its
/// `Idempotency-Key`, as [`crate::Command`] does. So it gets an id that its repetitions share, by which whoever applies the input knows them.
pub struct Relayed<T> {
    /// The input, validated.
    pub input: T,
    /// Made of who asks, the key and the whole request; `None` without a key. Another request under the same key is another one.
    pub request: Option<Uuid>,
}

impl<T> FromRequest for Relayed<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = body::read(&request, payload).await?;
            let idempotency = Idempotency::of(&request, &extract::context(&request), &body)?;
            Ok(Self { input: body::decode(&body)?, request: idempotency.map(|key| key.request_id()) })
        })
    }
}
