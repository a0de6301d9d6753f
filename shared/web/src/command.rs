//! A write: its input, its transaction, its answer, and the promise that repeating it does no harm.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use garde::Validate;
use pitchey_db::{Tx, UserDb};
use pitchey_events::UserId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::idempotency::{Idempotency, Outcome};
use crate::{Refusal, body, extract};

/// The input of a write, validated, with the `Idempotency-Key` it came with.
pub struct Command<T> {
    /// The input.
    pub input: T,
    user: Option<UserId>,
    idempotency: Option<Idempotency>,
}

impl<T> Command<T> {
    /// A write whose body is not JSON and was read elsewhere: `told` stands for it, and is the same for the same request.
    ///
    /// # Errors
    /// The key is not valid.
    pub fn of(request: &HttpRequest, input: T, told: &[u8]) -> Result<Self, Refusal> {
        let context = extract::context(request);
        let idempotency = Idempotency::of(request, &context, told)?;
        Ok(Self { input, user: context.principal.user_id(), idempotency })
    }

    /// Runs `op` in one transaction as the user who asks, commits, and answers. With an `Idempotency-Key`, the key, the request and the answer
    /// are kept by the same transaction; a repetition gets the answer that was kept.
    ///
    /// # Errors
    /// Those of `op`, after which nothing was written; 409 `idempotency_key_reused`; the database's.
    pub async fn run<E>(
        self,
        db: &UserDb,
        op: impl AsyncFnOnce(&mut Tx, T) -> Result<Answer, E>,
    ) -> Result<HttpResponse, E>
    where
        E: From<Refusal>,
    {
        let tx = db.begin(self.user).await.map_err(Refusal::from)?;
        self.run_in(tx, op).await
    }

    /// [`Command::run`] in a transaction that was opened for it: where the rows are not the user's own.
    ///
    /// # Errors
    /// As those of [`Command::run`].
    pub async fn run_in<E>(
        self,
        tx: Tx,
        op: impl AsyncFnOnce(&mut Tx, T) -> Result<Answer, E>,
    ) -> Result<HttpResponse, E>
    where
        E: From<Refusal>,
    {
        self.carry_out(tx, op, async |_, kept| Ok(kept)).await
    }

    /// [`Command::run`] for an answer that is not to lie in the database as it is: what [`Answer::keeping`] named is kept, and `restore` makes the
    /// whole answer of it for a repetition.
    ///
    /// # Errors
    /// As those of [`Command::run`], and those of `restore`.
    pub async fn run_restoring<E>(
        self,
        db: &UserDb,
        op: impl AsyncFnOnce(&mut Tx, T) -> Result<Answer, E>,
        restore: impl AsyncFnOnce(&mut Tx, Answer) -> Result<Answer, E>,
    ) -> Result<HttpResponse, E>
    where
        E: From<Refusal>,
    {
        let tx = db.begin(self.user).await.map_err(Refusal::from)?;
        self.carry_out(tx, op, restore).await
    }

    async fn carry_out<E>(
        self,
        mut tx: Tx,
        op: impl AsyncFnOnce(&mut Tx, T) -> Result<Answer, E>,
        restore: impl AsyncFnOnce(&mut Tx, Answer) -> Result<Answer, E>,
    ) -> Result<HttpResponse, E>
    where
        E: From<Refusal>,
    {
        tx.plan_once();
        let answer = match self.idempotency {
            None => op(&mut tx, self.input).await?,
            Some(idempotency) => match idempotency.claim(&mut tx).await? {
                Outcome::Replay(kept) => return Ok(restore(&mut tx, kept).await?.replayed()),
                Outcome::First => {
                    let answer = op(&mut tx, self.input).await?;
                    idempotency.settle(&mut tx, &answer);
                    answer
                }
            },
        };
        tx.commit().await.map_err(Refusal::from)?;
        Ok(answer.respond())
    }
}

impl<T> Command<T> {
    /// The answer that was given under the same `Idempotency-Key`, if one was. To be looked at before work that a repetition must not cause, and
    /// that can't be in the transaction; [`Command::run`] looks again.
    ///
    /// # Errors
    /// 409 `idempotency_key_reused`; the database's.
    pub async fn kept(&self, db: &UserDb) -> Result<Option<HttpResponse>, Refusal> {
        let Some(idempotency) = &self.idempotency else { return Ok(None) };
        let mut tx = db.begin(self.user).await?;
        let kept = idempotency.kept(&mut tx).await?;
        tx.rollback().await?;
        Ok(kept.map(Answer::replayed))
    }
}

impl<T> FromRequest for Command<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = body::read(&request, payload).await?;
            let context = extract::context(&request);
            let user = context.principal.user_id();
            let idempotency = Idempotency::of(&request, &context, &body)?;
            Ok(Self { input: body::decode(&body)?, user, idempotency })
        })
    }
}

/// What a write answers: a status and a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Map<String, Value>,
    pub(crate) secret: bool,
    /// What is kept for repetitions instead of the body.
    pub(crate) kept: Option<Map<String, Value>>,
}

impl Answer {
    /// 200 `{"message": ...}`: a transition, a repetition, a deletion.
    pub fn ok(message: &str) -> Self {
        Self::new(StatusCode::OK, message)
    }

    /// 201 `{"message": ...}`: a new row.
    pub fn created(message: &str) -> Self {
        Self::new(StatusCode::CREATED, message)
    }

    /// 201 for what is new, 200 for what was there.
    pub fn created_if(new: bool, message: &str) -> Self {
        if new { Self::created(message) } else { Self::ok(message) }
    }

    fn new(status: StatusCode, message: &str) -> Self {
        Self { status, body: Map::new(), secret: false, kept: None }.with("message", &message)
    }

    /// Adds `"key": value`.
    #[must_use]
    pub fn with(mut self, key: &str, value: &impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => {
                self.body.insert(key.to_owned(), value);
            }
            Err(error) => tracing::error!(%error, key, "an answer could not be written as JSON"),
        }
        self
    }

    /// Adds the keys of `value`, an object, beside the message.
    #[must_use]
    pub fn with_all(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => self.body.extend(fields),
            Ok(_) => tracing::error!("an answer is not an object"),
            Err(error) => tracing::error!(%error, "an answer could not be written as JSON"),
        }
        self
    }

    /// Holds a secret, such as a token: not kept for repetitions.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Keeps `"key": value` for repetitions, and the message, instead of the whole answer: see [`Command::run_restoring`].
    #[must_use]
    pub fn keeping(mut self, key: &str, value: &impl Serialize) -> Self {
        let mut kept = Map::new();
        kept.extend(self.body.get("message").map(|message| ("message".to_owned(), message.clone())));
        kept.extend(serde_json::to_value(value).ok().map(|value| (key.to_owned(), value)));
        self.kept = Some(kept);
        self
    }

    /// Takes `key` out, as a `V`: what [`Answer::keeping`] put there.
    pub fn take<V: DeserializeOwned>(&mut self, key: &str) -> Option<V> {
        serde_json::from_value(self.body.remove(key)?).ok()
    }

    /// Without the message: where the contract wants other fields only.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.body.remove("message");
        self
    }

    pub(crate) fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.secret {
            response.insert_header(("Cache-Control", "no-store"));
        }
        response.json(self.body)
    }

    fn replayed(self) -> HttpResponse {
        let mut response = self.respond();
        response.headers_mut().insert(
            actix_web::http::header::HeaderName::from_static("idempotency-replayed"),
            actix_web::http::header::HeaderValue::from_static("true"),
        );
        response
    }
}
