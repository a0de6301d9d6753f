//! What happens to a request, from its first byte to its last.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use metrics::Histogram;
use pitchey_events::Service;
use pitchey_identity::{Actor, Context, Principal, Request as Signed};
use pitchey_telemetry::trace_context;
use tokio::time::timeout;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Span, field};
use uuid::Uuid;

use crate::body::{self, Delivery, Upload};
use crate::error::Error;
use crate::forward::{Body, Forwarder, Outgoing};
use crate::headers::{self, IDEMPOTENCY_KEY, REQUEST_ID};
use crate::ids;
use crate::limits::{Left, Whom};
use crate::repeats::fingerprint;
use crate::routes::{self, Page, Route, To};
use crate::state::AppState;
use crate::upstreams::Upstream;
use crate::{docs, websocket};

/// After this time nobody waits for a write's answer any more, and its key is free.
const ABANDONED: Duration = Duration::from_secs(600);
/// Longest bearer token, in bytes.
const MAX_TOKEN: usize = 512;

/// By route, status and method.
type Timings = HashMap<(Option<usize>, u16, Method), Histogram>;

/// One actix worker.
pub struct Worker {
    pub(crate) state: AppState,
    pub(crate) forwarder: Forwarder,
    timings: RefCell<Timings>,
}

/// What is found out about a request on its way.
pub struct Exchange {
    pub request: HttpRequest,
    pub request_id: String,
    /// Of the request, if there is no span.
    traceparent: Option<HeaderValue>,
    pub ip: Option<IpAddr>,
    pub actor: Option<Actor>,
    left: Option<Left>,
}

impl Worker {
    /// With connections of its own.
    pub fn new(state: AppState) -> Self {
        let forwarder = Forwarder::new(&state.timeouts, state.trust.clone());
        Self { state, forwarder, timings: RefCell::default() }
    }

    /// Answers a request, whatever it is.
    pub async fn answer(self: Rc<Self>, request: HttpRequest, payload: Payload) -> HttpResponse<BoxBody> {
        let begun = Instant::now();
        let id = ids::request_id(&self.state.clock);
        let route = self.state.table.find(request.path());
        let span = self.span(&request, route, &id);
        let traceparent = if span.is_none() { self.traceparent(request.headers(), &id) } else { None };
        let ip = self.state.proxies.client(request.peer_addr(), request.headers());
        let request_id = id.to_string();
        let mut exchange = Exchange { request, request_id, traceparent, ip, actor: None, left: None };
        let result = self.pass(&mut exchange, payload, route).instrument(span.clone()).await;
        let mut response = result.unwrap_or_else(|error| {
            if let Error::RateLimited { limit, .. } = error {
                exchange.left = Some(Left::nothing(limit));
            }
            span.in_scope(|| error.respond(&exchange.request_id, &self.state.clock))
        });
        let status = response.status();
        self.tell(&exchange, status, response.headers_mut());
        let status = response.status().as_u16();
        span.in_scope(|| self.record(route, &exchange.request, status, begun.elapsed()));
        response
    }

    /// The span of a request. Making one costs as much as half of all else that is done here, so it is made only if somebody will see it.
    fn span(&self, request: &HttpRequest, route: Option<Route>, id: &Uuid) -> Span {
        // Not `enabled!`: what that finds out about one level sticks to the next span of the thread where layers have filters of their own.
        if !(self.state.collects_spans || LevelFilter::current() >= LevelFilter::DEBUG) {
            return Span::none();
        }
        // The route, not the path: that may hold a token, a name.
        let span = tracing::info_span!(
            "request",
            method = request.method().as_str(),
            route = route.map_or("unmatched", |route| route.pattern),
            request_id = %id,
            trace_id = field::Empty,
        );
        let outer = self.trusted(request.headers()).and_then(|value| value.to_str().ok());
        trace_context::begin(&span, outer);
        span
    }

    /// The trace that a request is part of, if there is no span of it.
    fn traceparent(&self, headers: &HeaderMap, id: &Uuid) -> Option<HeaderValue> {
        let outer = self.trusted(headers).filter(|value| value.to_str().is_ok_and(trace_context::is_valid));
        outer.cloned().or_else(|| ids::traceparent(id))
    }

    fn trusted<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        headers.get("traceparent").filter(|_| self.state.trust_traceparent)
    }

    async fn pass(
        self: &Rc<Self>,
        exchange: &mut Exchange,
        payload: Payload,
        route: Option<Route>,
    ) -> Result<HttpResponse<BoxBody>, Error> {
        let state = &self.state;
        let request = exchange.request.clone();
        let (method, path) = (request.method(), request.path());
        if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > headers::MAX_URI) {
            return Err(Error::UriTooLong(headers::MAX_URI));
        }
        if headers::size(request.headers()) > headers::MAX_HEADERS {
            return Err(Error::HeadersTooLarge(headers::MAX_HEADERS));
        }
        if let Some(answer) = state.origins.preflight(&request) {
            return Ok(answer);
        }
        let service = match route.ok_or(Error::NotFound)?.to {
            To::Upstream(service) | To::Development(service) => service,
            To::Own(page) => return self.own(exchange, page).await,
        };
        if !routes::is_without_session(method, path) {
            exchange.actor = self.actor(request.headers(), exchange.ip).await?;
        }
        let whom = Whom::of(exchange.actor.as_ref().map(|actor| actor.id), exchange.ip);
        exchange.left = Some(state.limits.take(routes::class(method, path), whom)?);
        let suspended = exchange.actor.as_ref().is_some_and(|actor| actor.suspended);
        if suspended && !routes::suspended_may(method, path) {
            return Err(Error::Suspended);
        }
        let upstream = state.upstreams.of(service)?;
        if path == websocket::PATH && websocket::is_upgrade(&request) {
            return websocket::pass(self, exchange, payload, upstream).await;
        }
        if routes::is_read(method) {
            self.read(exchange, upstream).await
        } else {
            self.write(exchange, payload, upstream, whom).await
        }
    }

    async fn actor(&self, headers: &HeaderMap, ip: Option<IpAddr>) -> Result<Option<Actor>, Error> {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let (scheme, token) = authorization
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or(Error::AuthorizationMalformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Error::AuthorizationMalformed);
        }
        let token = token.trim();
        if token.is_empty() || token.len() > MAX_TOKEN {
            return Err(Error::SessionInvalid);
        }
        let actor = self.state.sessions.actor(token, || self.state.limits.may_look_up(ip)).await?;
        if actor.is_none() {
            self.state.limits.bad_token(ip);
            return Err(Error::SessionInvalid);
        }
        Ok(actor)
    }

    async fn own(&self, exchange: &mut Exchange, page: Page) -> Result<HttpResponse<BoxBody>, Error> {
        let state = &self.state;
        if !matches!(*exchange.request.method(), Method::GET | Method::HEAD) {
            return Err(Error::MethodNotAllowed);
        }
        if page != Page::Health {
            let whom = Whom::of(None, exchange.ip);
            exchange.left = Some(state.limits.take(routes::Class::General, whom)?);
        }
        match page {
            Page::Health => Ok(state.health.answer(self).await),
            Page::OpenApi => Ok(state.openapi.answer(self).await),
            Page::Docs => docs::answer(exchange.request.path()),
            Page::Config => Ok(state.catalogue.answer()),
        }
    }

    async fn read(
        &self,
        exchange: &Exchange,
        upstream: &Arc<Upstream>,
    ) -> Result<HttpResponse<BoxBody>, Error> {
        let outgoing = self.outgoing(exchange, upstream.service, Body::Whole(body::Bytes::new()))?;
        let place = upstream.enter()?;
        let deadline = Duration::from_millis(self.state.timeouts.answer_ms);
        timeout(deadline, self.forwarder.send(upstream, place, &outgoing))
            .await
            .unwrap_or(Err(Error::GatewayTimeout(upstream.service)))
    }

    /// A write goes on in a task of its own, whether or not anybody still waits for it.
    async fn write(
        self: &Rc<Self>,
        exchange: &mut Exchange,
        payload: Payload,
        upstream: &Arc<Upstream>,
        whom: Whom,
    ) -> Result<HttpResponse<BoxBody>, Error> {
        let (state, request) = (&self.state, exchange.request.clone());
        let (method, path) = (request.method(), request.path());
        let is_upload = routes::is_upload(method, path);
        let (limit, deadline) = if is_upload {
            (state.upload_bytes, state.timeouts.upload_ms)
        } else {
            (state.body_bytes, state.timeouts.answer_ms)
        };
        let told = told_length(request.headers());
        if told.is_some_and(|length| length > limit as u64) {
            return Err(Error::TooLarge(limit));
        }
        let (body, attempt) = if is_upload {
            let length = told.map_or(BodySize::Stream, BodySize::Sized);
            let pause = Duration::from_millis(state.timeouts.pause_ms);
            (Body::Upload(Upload::new(payload, length, limit, pause)), None)
        } else {
            let bytes = body::read(payload, limit, Duration::from_millis(state.timeouts.body_ms)).await?;
            // A body may take its time; a session that ended meanwhile writes nothing more.
            if exchange.actor.is_some() {
                exchange.actor = self.actor(request.headers(), exchange.ip).await?;
            }
            let attempt = (!request.headers().contains_key(&IDEMPOTENCY_KEY)).then(|| {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                state.repeats.begin(fingerprint(whom, method.as_str(), path, &bytes))
            });
            (Body::Whole(bytes), attempt)
        };
        let mut outgoing = self.outgoing(exchange, upstream.service, body)?;
        if let Some(attempt) = &attempt {
            outgoing.idempotency_key = HeaderValue::from_str(&attempt.key().to_string()).ok();
        }
        let place = upstream.enter()?;
        let (worker, called, ours) = (Rc::clone(self), Arc::clone(upstream), attempt.clone());
        let call = async move {
            let answer = timeout(ABANDONED, worker.forwarder.send(&called, place, &outgoing)).await;
            drop(ours);
            answer.unwrap_or(Err(Error::GatewayTimeout(called.service)))
        };
        let call = actix_web::rt::spawn(call.in_current_span());
        let response = match timeout(Duration::from_millis(deadline), call).await {
            Ok(Ok(answer)) => answer?,
            Ok(Err(_)) => return Err(Error::BadGateway(upstream.service)),
            Err(_) => return Err(Error::GatewayTimeout(upstream.service)),
        };
        Ok(match attempt {
            Some(attempt) if !response.status().is_server_error() => response.map_body(|_, body| {
                // What has no body is never asked for it.
                if matches!(body.size(), BodySize::None | BodySize::Sized(0)) {
                    attempt.delivered();
                }
                BoxBody::new(Delivery::new(body, attempt))
            }),
            _ => response,
        })
    }

    /// The request as `service` gets it.
    pub(crate) fn outgoing(
        &self,
        exchange: &Exchange,
        service: Service,
        body: Body,
    ) -> Result<Outgoing, Error> {
        let request = &exchange.request;
        let context = Context {
            principal: exchange.actor.clone().map_or(Principal::Anonymous, Principal::User),
            ip: exchange.ip,
            request_id: exchange.request_id.clone(),
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let signed = Signed { method: request.method().as_str(), path };
        let identity = self.state.signer.sign(service, signed, &context);
        let identity = identity.and_then(|text| HeaderValue::from_maybe_shared(body::Bytes::from(text)).ok());
        let Some(identity) = identity else {
            tracing::error!(%service, "there is no key to sign with");
            return Err(Error::ServiceUnavailable(service));
        };
        let of_span = || HeaderValue::from_maybe_shared(body::Bytes::from(trace_context::current()?)).ok();
        let traceparent = exchange.traceparent.clone().or_else(of_span);
        Ok(Outgoing { request: request.clone(), body, identity, traceparent, idempotency_key: None })
    }

    /// What every answer says.
    fn tell(&self, exchange: &Exchange, status: StatusCode, answer: &mut HeaderMap) {
        let state = &self.state;
        if let Ok(id) = HeaderValue::from_str(&exchange.request_id) {
            answer.insert(REQUEST_ID.clone(), id);
        }
        // A service that refuses by a limit of its own has said more.
        let is_told = status == StatusCode::TOO_MANY_REQUESTS && answer.contains_key("x-ratelimit-limit");
        if let Some(left) = exchange.left.filter(|_| !is_told) {
            left.tell(answer, &state.clock);
        }
        if exchange.actor.is_some() && !answer.contains_key(header::CACHE_CONTROL) {
            answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        state.protection.apply(answer);
        state.origins.tell(exchange.request.headers(), answer);
    }

    fn record(&self, route: Option<Route>, request: &HttpRequest, status: u16, took: Duration) {
        // Anybody can make up methods.
        let method = match request.method() {
            method @ &(Method::GET
            | Method::HEAD
            | Method::OPTIONS
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE) => method.clone(),
            _ => Method::TRACE,
        };
        let mut timings = self.timings.borrow_mut();
        let key = (route.map(|route| route.index), status, method);
        let timing = timings.entry(key).or_insert_with_key(|(_, status, method)| {
            let method = if *method == Method::TRACE { "other" } else { method.as_str() };
            metrics::histogram!(
                "http_request_seconds",
                "method" => method.to_owned(),
                "route" => route.map_or("unmatched", |route| route.pattern),
                "status" => status.to_string(),
            )
        });
        timing.record(took.as_secs_f64());
        tracing::trace!(status, "answered");
    }
}

fn told_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
