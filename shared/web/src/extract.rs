//! Who asks, and for what: extractors over what the identity middleware found.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::Refusal;

/// Whoever asks: a user or nobody.
#[derive(Clone, Debug, Default)]
pub struct Principal(pub pitchey_identity::Principal);

impl Deref for Principal {
    type Target = pitchey_identity::Principal;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The user who asks; nobody is answered 401. What a suspended user may do the gateway decides by route.
#[derive(Clone, Debug)]
pub struct Actor(pub pitchey_identity::Actor);

impl Deref for Actor {
    type Target = pitchey_identity::Actor;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What the gateway asserts about the request.
#[derive(Clone, Debug)]
pub struct Context(pub pitchey_identity::Context);

impl Deref for Context {
    type Target = pitchey_identity::Context;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Where the request came from, for the audit log.
#[derive(Clone, Debug, Default)]
pub struct Origin(pub pitchey_db::audit::Origin);

impl Deref for Origin {
    type Target = pitchey_db::audit::Origin;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Longest user agent that is kept, in characters.
const USER_AGENT_LENGTH: usize = 500;

pub(crate) fn context(request: &HttpRequest) -> pitchey_identity::Context {
    request.extensions().get::<pitchey_identity::Context>().cloned().unwrap_or_default()
}

impl FromRequest for Principal {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(context(request).principal)))
    }
}

impl FromRequest for Actor {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match context(request).principal {
            pitchey_identity::Principal::User(actor) => Ok(Self(actor)),
            pitchey_identity::Principal::Anonymous => Err(Refusal::Unauthenticated),
        })
    }
}

impl FromRequest for Context {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(context(request))))
    }
}

impl FromRequest for Origin {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let context = context(request);
        let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        ready(Ok(Self(pitchey_db::audit::Origin {
            ip: context.ip.map(|ip| ip.to_string()),
            user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_LENGTH).collect()),
            request_id: Some(context.request_id),
        })))
    }
}

/// The last id in the path. What is not an id names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<T: FromStr> FromRequest for PathId<T> {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().iter().last().and_then(|(_, text)| text.parse().ok());
        ready(id.map(Self).ok_or(Refusal::NotFound))
    }
}
