//! A client's end of a socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_http::ws::{Codec, Frame, Message};
use futures_util::{SinkExt, StreamExt};
use pitchey_clock::Clock;
use pitchey_events::Service;
use pitchey_identity::{Actor, Context, HEADER, Principal, Request};
use pitchey_testkit::{SOON, identity};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;

pub struct Socket(Framed<BufReader<TcpStream>, Codec>);

/// What came.
#[derive(Debug)]
pub enum Heard {
    Frame(Value),
    /// The code and the words of a close frame; none when the connection just ended.
    Closed(Option<(u16, String)>),
}

/// What came instead of a socket.
#[derive(Debug)]
pub enum Refusal {
    /// An answer: its status and body.
    Answer(u16, Value),
    Lost(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// Opens a socket as the gateway would for `actor`; the status and body of a refusal otherwise.
pub async fn try_open(
    address: SocketAddr,
    clock: &Clock,
    actor: Option<&Actor>,
    path: &str,
) -> Result<Socket, (u16, Value)> {
    dial(address, clock, actor, path).await.map_err(|refusal| match refusal {
        Refusal::Answer(status, body) => (status, body),
        Refusal::Lost(error) => panic!("{path}: {error}"),
    })
}

/// [`try_open`], where servers are killed.
pub async fn dial(
    address: SocketAddr,
    clock: &Clock,
    actor: Option<&Actor>,
    path: &str,
) -> Result<Socket, Refusal> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    stream.get_ref().set_nodelay(true)?;
    let principal = actor.map_or(Principal::Anonymous, |actor| Principal::User(actor.clone()));
    let context = Context { principal, ..Context::default() };
    let signer = identity::signer_by(Service::Gateway, clock);
    let signature = signer.sign(Service::Messaging, Request { method: "GET", path }, &context).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: messaging\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{HEADER}: {signature}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
    let head = head.to_lowercase();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    if status == 101 {
        return Ok(Socket(Framed::new(stream, Codec::new().client_mode().max_size(1 << 20))));
    }
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await?;
    Err(Refusal::Answer(status, serde_json::from_slice(&body).unwrap_or_default()))
}

impl Socket {
    /// The next frame that is not a ping.
    pub async fn hear(&mut self) -> Heard {
        loop {
            match timeout(SOON, self.0.next()).await.unwrap_or_else(|_| panic!("no frame in time")) {
                Some(Ok(Frame::Text(text))) => return Heard::Frame(serde_json::from_slice(&text).unwrap()),
                Some(Ok(Frame::Ping(bytes))) => {
                    let _ = self.0.send(Message::Pong(bytes)).await;
                }
                Some(Ok(Frame::Close(reason))) => {
                    let told =
                        reason.map(|reason| (u16::from(reason.code), reason.description.unwrap_or_default()));
                    return Heard::Closed(told);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.hear().await {
            Heard::Frame(frame) => frame,
            Heard::Closed(why) => panic!("the socket was closed: {why:?}"),
        }
    }

    /// The next frame of this type; others are passed over.
    pub async fn next(&mut self, kind: &str, event: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["type"] == kind && frame["event"] == event {
                return frame;
            }
        }
    }

    /// The code and the words it is closed with; frames before are passed over.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            if let Heard::Closed(why) = self.hear().await {
                return why;
            }
        }
    }

    /// Fails if a frame of this type comes within `time`.
    pub async fn stays_silent(&mut self, kind: &str, time: Duration) {
        let heard = timeout(time, async {
            loop {
                match self.hear().await {
                    Heard::Frame(frame) if frame["type"] == kind => return Some(frame),
                    Heard::Frame(_) => {}
                    Heard::Closed(_) => return None,
                }
            }
        });
        if let Ok(Some(frame)) = heard.await {
            panic!("heard {frame}");
        }
    }

    pub async fn say(&mut self, text: &str) {
        let _ = self.0.send(Message::Text(text.into())).await;
    }

    /// The next frame, or `None` when the socket ends: for many sockets at once. Pings are answered.
    pub async fn try_frame(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await {
                Some(Ok(Frame::Text(text))) => return serde_json::from_slice(&text).ok(),
                Some(Ok(Frame::Ping(bytes))) => self.0.send(Message::Pong(bytes)).await.ok()?,
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}
