//! One request to a service: to one replica, or another, or another.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem::take;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody};
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use awc::error::{ConnectError, SendRequestError};
use awc::http::Uri;
use awc::http::uri::{Authority, Parts, Scheme};
use awc::{Client, ClientRequest, ClientResponse, Connector, SendClientRequest};
use futures_util::StreamExt;
use pitchey_config::Trust;
use pitchey_replicas::{Lease, Location};

use crate::body::{Download, SHORT, Told, Upload};
use crate::connector::{Line, ToAddress};
use crate::error::Error;
use crate::headers::{self, IDEMPOTENCY_KEY, IDENTITY, TRACEPARENT};
use crate::routes;
use crate::settings::Timeouts;
use crate::upstreams::{Place, Upstream};

/// How often a request is tried at most.
const TRIES: u32 = 4;
/// How long to wait before a replica that did not answer is tried again: nobody else is left.
const PAUSE: Duration = Duration::from_millis(50);
/// Connections to services are not used again after this time. Shorter than services keep them, which is 5 s: a request must not meet
/// a connection that is just being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(3);

/// A worker's client with its connections.
pub struct Forwarder {
    plain: Client,
    /// By the name that replicas must have. Connections to one address as one name are not used as another.
    secure: RefCell<HashMap<Arc<str>, Client>>,
    trust: Trust,
    connect: Duration,
    /// How addresses are written in requests.
    authorities: RefCell<HashMap<SocketAddr, (Authority, HeaderValue)>>,
    pause: Duration,
}

/// A request as a service gets it.
pub struct Outgoing {
    /// What the client sent.
    pub request: HttpRequest,
    /// Its body.
    pub body: Body,
    /// Who asks, signed.
    pub identity: HeaderValue,
    /// The trace that it is part of.
    pub traceparent: Option<HeaderValue>,
    /// The key that the gateway made for a write without one.
    pub idempotency_key: Option<HeaderValue>,
}

/// A body to send.
#[derive(Clone)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// On its way.
    Upload(Upload),
}

impl Outgoing {
    /// Writes all headers but those of the connection.
    pub fn write(&self, into: &mut HeaderMap) {
        let (method, path) = (self.request.method(), self.request.path());
        headers::to_service(self.request.headers(), routes::is_webhook(method, path), into);
        into.insert(IDENTITY.clone(), self.identity.clone());
        if let Some(traceparent) = &self.traceparent {
            into.insert(TRACEPARENT.clone(), traceparent.clone());
        }
        if let Some(key) = &self.idempotency_key {
            into.insert(IDEMPOTENCY_KEY.clone(), key.clone());
        }
    }
}

impl Forwarder {
    /// Without any connection yet.
    pub fn new(timeouts: &Timeouts, trust: Trust) -> Self {
        let connect = Duration::from_millis(timeouts.connect_ms);
        Self {
            plain: client(Line::PLAIN, connect),
            secure: RefCell::default(),
            trust,
            connect,
            authorities: RefCell::default(),
            pause: Duration::from_millis(timeouts.pause_ms),
        }
    }

    /// Sends until a replica answers. What may have reached one is sent again only if it changes nothing.
    ///
    /// # Errors
    /// None did.
    pub async fn send(
        &self,
        upstream: &Arc<Upstream>,
        place: Place,
        outgoing: &Outgoing,
    ) -> Result<HttpResponse<BoxBody>, Error> {
        let service = upstream.service;
        let is_read = routes::is_read(outgoing.request.method());
        let mut tried = Vec::new();
        for _ in 0..TRIES {
            let lease = upstream.pick(&tried)?;
            let (location, address) = (lease.location(), lease.address());
            if tried.contains(&address) {
                tokio::time::sleep(PAUSE).await;
            }
            match self.send_to(location, outgoing).await {
                Ok(Incoming { head, body: Some(body) }) => return Ok(whole(&outgoing.request, head, body)),
                Ok(Incoming { head, body: None }) => return Ok(self.streamed(head, (lease, place))),
                Err(Broken::Unsent) => {
                    lease.unreachable();
                    metrics::counter!("gateway_tries_failed", "service" => service.as_str(), "why" => "connect")
                        .increment(1);
                }
                Err(Broken::Sent(error)) if is_read => {
                    metrics::counter!("gateway_tries_failed", "service" => service.as_str(), "why" => "broken")
                        .increment(1);
                    tracing::debug!(%error, %address, %service, "broke off");
                }
                Err(Broken::Sent(error)) => {
                    tracing::warn!(%error, %address, %service, trace = ?outgoing.traceparent, "broke off");
                    return Err(Error::BadGateway(service));
                }
                Err(Broken::ByClient(error)) => return Err(error),
            }
            tried.push(address);
        }
        Err(Error::ServiceUnavailable(service))
    }

    /// A GET of the gateway's own; `None` if it fails or the answer is longer than `limit`.
    pub async fn get(&self, location: &Location, path: &str, limit: usize) -> Option<(StatusCode, Bytes)> {
        let address = location.address;
        let request = self.client(location)?.get(format!("http://{address}{path}"));
        let request = request.address(address).no_decompress();
        let mut answer = request.send().await.ok()?;
        let body = answer.body().limit(limit).await.ok()?;
        Some((answer.status(), body))
    }

    async fn send_to(&self, location: &Location, outgoing: &Outgoing) -> Result<Incoming, Broken> {
        let mut request = self.request(location, &outgoing.request).ok_or(Broken::Unsent)?;
        outgoing.write(request.headers_mut());
        let sending: SendClientRequest = match &outgoing.body {
            Body::Whole(bytes) if bytes.is_empty() && routes::is_read(outgoing.request.method()) => {
                request.send()
            }
            Body::Whole(bytes) => request.send_body(bytes.clone()),
            Body::Upload(upload) => request.send_body(upload.clone()),
        };
        let answer = sending.await?;
        let length = content_length(answer.headers());
        let is_bodiless = *outgoing.request.method() == Method::HEAD
            || matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match length {
            _ if is_bodiless => Ok(Incoming { head: answer, body: Some(Bytes::new()) }),
            Some(length) if length <= SHORT => {
                let (head, body) =
                    read_short(answer).await.map_err(|error| Broken::Sent(error.to_string()))?;
                Ok(Incoming { head, body: Some(body) })
            }
            _ => Ok(Incoming { head: answer, body: None }),
        }
    }

    /// The client with the connections to those who are called as `location` says.
    fn client(&self, location: &Location) -> Option<Client> {
        let Some(name) = &location.name else { return Some(self.plain.clone()) };
        let mut secure = self.secure.borrow_mut();
        if let Some(client) = secure.get(name) {
            return Some(client.clone());
        }
        let line = Line::to(location, &self.trust)
            .inspect_err(|error| tracing::error!(%error, name = &**name, "can't be spoken to"))
            .ok()?;
        let client = client(line, self.connect);
        secure.insert(Arc::clone(name), client.clone());
        Some(client)
    }

    /// A request with nothing but its first line and its host.
    fn request(&self, location: &Location, request: &HttpRequest) -> Option<ClientRequest> {
        let (client, address) = (self.client(location)?, location.address);
        let mut authorities = self.authorities.borrow_mut();
        if !authorities.contains_key(&address) {
            // Addresses come and go; a thousand are no replicas any more.
            if authorities.len() > 1_000 {
                authorities.clear();
            }
            let text = address.to_string();
            let parsed = (text.parse::<Authority>().ok()?, HeaderValue::from_str(&text).ok()?);
            authorities.insert(address, parsed);
        }
        let (authority, host) = authorities.get(&address)?;
        let mut parts = Parts::default();
        // Also where the line is secure: the client need not know.
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority.clone());
        parts.path_and_query = request.uri().path_and_query().cloned();
        let uri = Uri::from_parts(parts).ok()?;
        let mut outgoing = client.request(request.method().clone(), uri).address(address).no_decompress();
        outgoing.headers_mut().insert(header::HOST, host.clone());
        Some(outgoing)
    }

    fn streamed(&self, answer: ClientResponse, held: (Lease, Place)) -> HttpResponse<BoxBody> {
        let size = content_length(answer.headers()).map_or(BodySize::Stream, BodySize::Sized);
        let (status, headers, mut answer) = head(answer);
        let body = Download::new(answer.take_payload(), size, self.pause, held);
        respond(status, headers, BoxBody::new(body))
    }
}

fn client(line: Line, connect: Duration) -> Client {
    let connector =
        Connector::new().connector(ToAddress(line)).timeout(connect).conn_keep_alive(KEEP_ALIVE).limit(0);
    Client::builder().connector(connector).disable_redirects().disable_timeout().no_default_headers().finish()
}

/// A service's answer.
struct Incoming {
    head: ClientResponse,
    /// `None`: it is long, or its length is unknown.
    body: Option<Bytes>,
}

/// Why a replica did not answer.
enum Broken {
    /// It could not be reached: nothing was sent.
    Unsent,
    /// It was sent something, maybe everything.
    Sent(String),
    /// The client did not send its body as it should.
    ByClient(Error),
}

impl From<SendRequestError> for Broken {
    fn from(error: SendRequestError) -> Self {
        match error {
            // Despite its name, what awc says when the connection ended before the answer.
            SendRequestError::Connect(ConnectError::Disconnected) => Self::Sent(error.to_string()),
            SendRequestError::Connect(_) => Self::Unsent,
            SendRequestError::Body(by_client) => match by_client.downcast::<Error>() {
                Ok(error) => Self::ByClient(*error),
                Err(error) => Self::Sent(error.to_string()),
            },
            error => Self::Sent(error.to_string()),
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read_short(mut answer: ClientResponse) -> Result<(ClientResponse, Bytes), PayloadError> {
    let mut payload = answer.take_payload();
    let Some(first) = payload.next().await.transpose()? else { return Ok((answer, Bytes::new())) };
    let mut more: Option<BytesMut> = None;
    while let Some(piece) = payload.next().await.transpose()? {
        more.get_or_insert_with(|| BytesMut::from(first.as_ref())).extend_from_slice(&piece);
    }
    Ok((answer, more.map_or(first, BytesMut::freeze)))
}

fn head(answer: ClientResponse) -> (StatusCode, HeaderMap, ClientResponse) {
    let mut headers = HeaderMap::new();
    let status = answer.status();
    let answer = answer.map_body(|head, payload| {
        headers = take(&mut head.headers);
        payload
    });
    (status, headers, answer)
}

fn whole(request: &HttpRequest, answer: ClientResponse, body: Bytes) -> HttpResponse<BoxBody> {
    let told = content_length(answer.headers());
    let (status, headers, _) = head(answer);
    let body = match told {
        Some(length) if *request.method() == Method::HEAD => BoxBody::new(Told(length)),
        _ if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => {
            BoxBody::new(actix_web::body::None::new())
        }
        _ => BoxBody::new(body),
    };
    respond(status, headers, body)
}

fn respond(status: StatusCode, mut headers: HeaderMap, body: BoxBody) -> HttpResponse<BoxBody> {
    headers::to_client(&mut headers);
    let mut response = HttpResponse::with_body(status, body);
    *response.headers_mut() = headers;
    response
}
