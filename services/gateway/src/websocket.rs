//! Sockets: the handshake goes to a replica, then bytes go both ways unread.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, BoxBody};
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use pitchey_config::Trust;
use pitchey_replicas::Lease;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connector::{Line, Socket};
use crate::error::Error;
use crate::forward::{Body, Outgoing};
use crate::headers;
use crate::proxy::{Exchange, Worker};
use crate::upstreams::Upstream;

/// Replicas tried at most.
const TRIES: usize = 3;
/// Longest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;
const MAX_ANSWER_HEADERS: usize = 64;
/// Read from a service at a time.
const PIECE: usize = 16 * 1024;

/// Where sockets are.
pub const PATH: &str = "/ws";

/// Whether the client wants a socket.
pub fn is_upgrade(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get(header::UPGRADE).and_then(|value| value.to_str().ok());
    *request.method() == Method::GET && upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

/// Opens it, if the service agrees; passes its answer on if not.
pub async fn pass(
    worker: &Rc<Worker>,
    exchange: &Exchange,
    payload: Payload,
    upstream: &Arc<Upstream>,
) -> Result<HttpResponse<BoxBody>, Error> {
    let state = &worker.state;
    if !state.origins.may_connect(exchange.request.headers()) {
        return Err(Error::OriginNotAllowed);
    }
    let place = upstream.enter()?;
    let outgoing = worker.outgoing(exchange, upstream.service, Body::Whole(Bytes::new()))?;
    let handshake =
        shake_hands(upstream, &outgoing, &state.trust, Duration::from_millis(state.timeouts.connect_ms));
    let deadline = Duration::from_millis(state.timeouts.answer_ms);
    let (socket, lease, answer) =
        timeout(deadline, handshake).await.unwrap_or(Err(Error::GatewayTimeout(upstream.service)))?;
    let Answer { status, headers, rest } = answer;
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(refused(socket, status, headers, rest, deadline).await);
    }
    // Open sockets are many and idle; the limit is for requests under way.
    drop(place);
    let (from_service, to_service) = tokio::io::split(socket);
    // Whichever side ends, or the process, ends the other.
    let over = state.stopping.child_token();
    actix_web::rt::spawn(pump_up(payload, to_service, over.clone()));
    let down = Down { from_service, rest, over: over.clone(), _held: (over.drop_guard(), lease) };
    let mut response = HttpResponse::build(status).upgrade("websocket").body(BodyStream::new(down.pieces()));
    for (name, value) in headers.iter().filter(|(name, _)| is_of_the_handshake(name)) {
        response.headers_mut().append(name.clone(), value.clone());
    }
    Ok(response)
}

fn is_of_the_handshake(name: &HeaderName) -> bool {
    name.as_str().starts_with("sec-websocket-")
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// What came after the head.
    rest: Bytes,
}

async fn shake_hands(
    upstream: &Arc<Upstream>,
    outgoing: &Outgoing,
    trust: &Trust,
    connect: Duration,
) -> Result<(Socket, Lease, Answer), Error> {
    let mut tried = Vec::new();
    for _ in 0..TRIES {
        let lease = upstream.pick(&tried)?;
        let address = lease.address();
        let connecting = async { Line::to(lease.location(), trust)?.connect(address).await };
        match timeout(connect, connecting).await {
            Ok(Ok(mut socket)) => {
                // Nothing happens before the socket is open: another replica may be asked the same.
                match ask(&mut socket, outgoing, &address.to_string()).await {
                    Ok(answer) => return Ok((socket, lease, answer)),
                    Err(error) => tracing::debug!(%error, %address, "a handshake broke off"),
                }
            }
            _ => lease.unreachable(),
        }
        tried.push(address);
    }
    Err(Error::ServiceUnavailable(upstream.service))
}

async fn ask(socket: &mut Socket, outgoing: &Outgoing, host: &str) -> std::io::Result<Answer> {
    let request = &outgoing.request;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut passed = HeaderMap::new();
    outgoing.write(&mut passed);
    let mut head = BytesMut::with_capacity(1024);
    for part in
        ["GET ", path, " HTTP/1.1\r\nhost: ", host, "\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"]
    {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in &passed {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    socket.write_all(&head).await?;
    socket.flush().await?;
    let mut received = BytesMut::with_capacity(2 * 1024);
    loop {
        if socket.read_buf(&mut received).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some((status, headers, length)) = parse(&received)? {
            let rest = received.split_off(length).freeze();
            return Ok(Answer { status, headers, rest });
        }
        if received.len() > MAX_HEAD {
            return Err(std::io::Error::other("the answer's head is too long"));
        }
    }
}

/// The head of an answer and its length; `None` while it is not whole.
fn parse(received: &[u8]) -> std::io::Result<Option<(StatusCode, HeaderMap, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_ANSWER_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(received).map_err(std::io::Error::other)? else {
        return Ok(None);
    };
    let status = StatusCode::from_u16(answer.code.unwrap_or_default()).map_err(std::io::Error::other)?;
    let mut map = HeaderMap::new();
    for parsed in answer.headers {
        let name = HeaderName::from_bytes(parsed.name.as_bytes()).map_err(std::io::Error::other)?;
        map.append(name, HeaderValue::from_bytes(parsed.value).map_err(std::io::Error::other)?);
    }
    Ok(Some((status, map, length)))
}

/// The service's answer when it does not open a socket: short, or not read to its end.
async fn refused(
    mut socket: Socket,
    status: StatusCode,
    mut headers: HeaderMap,
    rest: Bytes,
    deadline: Duration,
) -> HttpResponse<BoxBody> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = length.unwrap_or(0).min(crate::body::SHORT);
    let mut body = BytesMut::from(rest.as_ref());
    let reading = async {
        while (body.len() as u64) < length && socket.read_buf(&mut body).await? > 0 {}
        std::io::Result::Ok(())
    };
    if !matches!(timeout(deadline, reading).await, Ok(Ok(()))) {
        tracing::debug!("a refusal broke off");
    }
    headers::to_client(&mut headers);
    let mut response = HttpResponse::with_body(status, BoxBody::new(body.freeze()));
    *response.headers_mut() = headers;
    response
}

async fn pump_up(mut payload: Payload, mut to_service: WriteHalf<Socket>, over: CancellationToken) {
    let pumping = async {
        while let Some(Ok(piece)) = payload.next().await {
            // What TLS holds back goes out with the flush.
            if to_service.write_all(&piece).await.is_err() || to_service.flush().await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = pumping => {}, () = over.cancelled() => {} }
    over.cancel();
    // The service sees that it is over either way.
    let _ = to_service.shutdown().await;
}

/// What comes from the service.
struct Down {
    from_service: ReadHalf<Socket>,
    rest: Bytes,
    over: CancellationToken,
    _held: (DropGuard, Lease),
}

impl Down {
    fn pieces(self) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
        futures_util::stream::unfold((self, BytesMut::new()), |(mut down, mut buffer)| async move {
            if !down.rest.is_empty() {
                return Some((Ok(std::mem::take(&mut down.rest)), (down, buffer)));
            }
            buffer.reserve(PIECE);
            // What the service says to the end of the connection is not for the client, who has been told or is gone.
            let read = tokio::select! {
                biased;
                () = down.over.cancelled() => return None,
                read = down.from_service.read_buf(&mut buffer) => read,
            };
            match read {
                Ok(0) => None,
                Ok(_) => Some((Ok(buffer.split().freeze()), (down, buffer))),
                Err(error) => Some((Err(error), (down, buffer))),
            }
        })
    }
}
