//! A generator of load that costs little: connections that are kept, and no more work for a request than to write it and to read the answer.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request as it goes on the wire.
pub type Outgoing = Request<Full<Bytes>>;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Its status; 0 if there was no answer.
    pub status: u16,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// Whether it is a success.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The JSON of a success.
    ///
    /// # Panics
    /// If it is none.
    pub fn json(&self) -> serde_json::Value {
        assert!(self.is_ok(), "{}: {}", self.status, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A request with a token or without, with a JSON body or without.
pub fn request(method: Method, path: &str, token: Option<&str>, body: impl Into<Bytes>) -> Outgoing {
    let body = body.into();
    let mut request = Request::builder().method(method).uri(path).header("host", "bench");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Full::new(body)).unwrap()
}

/// GET without a token.
pub fn get(path: &str) -> Outgoing {
    request(Method::GET, path, None, Bytes::new())
}

/// One kept connection.
struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    async fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Self(sender))
    }

    async fn send(&mut self, request: Outgoing) -> Option<Answer> {
        self.0.ready().await.ok()?;
        let response = self.0.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, body: response.into_body().collect().await.ok()?.to_bytes() })
    }
}

/// As many connections as are needed at a time.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Client {
    /// Of the server at `address`.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, idle: Arc::default() }
    }

    /// Sends one request; status 0 stands for no answer.
    pub async fn send(&self, request: Outgoing) -> Answer {
        let none = Answer { status: 0, body: Bytes::new() };
        let kept = self.idle.lock().unwrap().pop().filter(|connection| !connection.0.is_closed());
        let connection = match kept {
            Some(connection) => Some(connection),
            None => Connection::open(self.address).await,
        };
        let Some(mut connection) = connection else { return none };
        let Some(answer) = connection.send(request).await else { return none };
        self.idle.lock().unwrap().push(connection);
        answer
    }
}

/// What a closed loop did.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// Answers, all of them successes.
    pub answers: u64,
    /// How long it took.
    pub took: Duration,
}

impl Loop {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64()
    }
}

/// `concurrency` clients, each on its connection, each sending as soon as it has its answer. `make` is given a number that never comes again.
///
/// # Panics
/// At an answer that is no success: the numbers would be those of another thing.
pub async fn closed(
    address: SocketAddr,
    concurrency: usize,
    sample: Duration,
    make: impl Fn(u64) -> Outgoing + Send + Sync + 'static,
) -> Loop {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let make = Arc::new(make);
    let mut connections = Vec::new();
    for _ in 0..concurrency {
        connections
            .push(Connection::open(address).await.unwrap_or_else(|| panic!("nobody listens at {address}")));
    }
    let begun = Instant::now();
    let clients: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let make = Arc::clone(&make);
            tokio::spawn(async move {
                let mut answers = 0;
                while begun.elapsed() < sample {
                    let request = make(NUMBER.fetch_add(1, Ordering::Relaxed));
                    let answer = connection.send(request).await.expect("an answer");
                    assert!(answer.is_ok(), "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    let mut answers = 0;
    for client in clients {
        answers += client.await.expect("no failed request");
    }
    Loop { answers, took: begun.elapsed() }
}

/// Begins `work` `per_second` times a second at fixed moments, however long each takes, and returns what all of them returned.
pub async fn open<T: Send + 'static>(
    per_second: u32,
    sample: Duration,
    mut work: impl FnMut(u64) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>>,
) -> Vec<T> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    let count = (sample.as_secs_f64() * f64::from(per_second)).round() as u64;
    let mut running = Vec::with_capacity(usize::try_from(count).unwrap_or_default());
    for number in 0..count {
        ticks.tick().await;
        running.push(tokio::spawn(work(number)));
    }
    let mut results = Vec::with_capacity(running.len());
    for running in running {
        results.push(running.await.expect("the work did not fail"));
    }
    results
}
