//! Bodies, read or passed on piece by piece.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
pub use actix_web::web::Bytes;
use actix_web::web::BytesMut;
use futures_util::{Stream, StreamExt};
use pitchey_replicas::Lease;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::error::Error;
use crate::repeats::Attempt;
use crate::upstreams::Place;

/// What is known to be this short is read whole before it is passed on.
pub const SHORT: u64 = 64 * 1024;

impl From<PayloadError> for Error {
    /// actix says "incomplete" also of a body that is not framed as it says.
    fn from(_: PayloadError) -> Self {
        Self::Incomplete
    }
}

/// The whole body, at most `limit` bytes, in time.
pub async fn read(mut payload: Payload, limit: usize, deadline: Duration) -> Result<Bytes, Error> {
    let reading = async {
        let Some(first) = payload.next().await.transpose()? else { return Ok(Bytes::new()) };
        if first.len() > limit {
            return Err(Error::TooLarge(limit));
        }
        // Most bodies are one piece.
        let Some(second) = payload.next().await.transpose()? else { return Ok(first) };
        let mut whole = BytesMut::with_capacity((first.len() + second.len()) * 2);
        whole.extend_from_slice(&first);
        let mut piece = second;
        loop {
            if whole.len() + piece.len() > limit {
                return Err(Error::TooLarge(limit));
            }
            whole.extend_from_slice(&piece);
            match payload.next().await.transpose()? {
                Some(next) => piece = next,
                None => return Ok(whole.freeze()),
            }
        }
    };
    timeout(deadline, reading).await.unwrap_or(Err(Error::Incomplete))
}

/// A body on its way to a service: breaks off when it is too long, or pauses too long. Clones share it, so that a try that did not get as far
/// as taking any of it leaves it to the next.
#[derive(Clone)]
pub struct Upload(Rc<RefCell<Uploading>>);

struct Uploading {
    payload: Payload,
    length: BodySize,
    left: usize,
    limit: usize,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Upload {
    /// At most `limit` bytes, never a pause longer than `pause`.
    pub fn new(payload: Payload, length: BodySize, limit: usize, pause: Duration) -> Self {
        let timer = Box::pin(sleep(pause));
        Self(Rc::new(RefCell::new(Uploading { payload, length, left: limit, limit, pause, timer })))
    }
}

impl MessageBody for Upload {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.0.borrow().length
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let this = &mut *self.0.borrow_mut();
        match this.payload.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(piece))) => {
                this.timer.as_mut().reset(Instant::now() + this.pause);
                match this.left.checked_sub(piece.len()) {
                    Some(left) => this.left = left,
                    None => return Poll::Ready(Some(Err(Error::TooLarge(this.limit)))),
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(this.timer.as_mut().poll(context));
                Poll::Ready(Some(Err(Error::Incomplete)))
            }
        }
    }
}

/// A body on its way to the client.
pub struct Download {
    /// `None` is the end; a channel that closes without it broke off.
    pieces: mpsc::Receiver<Option<Bytes>>,
    size: BodySize,
}

impl Download {
    /// Passes `pieces` on. What is `held` goes when they end, and when the service or the client pauses longer than `pause`: a task of its own
    /// carries them, because nobody asks a body for more whose client has stopped reading.
    pub fn new<S>(mut pieces: S, size: BodySize, pause: Duration, held: (Lease, Place)) -> Self
    where
        S: Stream<Item = Result<Bytes, PayloadError>> + Unpin + 'static,
    {
        let (sender, receiver) = mpsc::channel(1);
        actix_web::rt::spawn(async move {
            let _held = held;
            loop {
                let piece = match timeout(pause, pieces.next()).await {
                    Ok(piece) => piece.transpose(),
                    Err(_) => return tracing::warn!("a service stopped in the middle of its answer"),
                };
                let Ok(piece) = piece else { return };
                let is_end = piece.is_none();
                if !matches!(timeout(pause, sender.send(piece)).await, Ok(Ok(()))) || is_end {
                    return;
                }
            }
        });
        Self { pieces: receiver, size }
    }
}

impl MessageBody for Download {
    type Error = PayloadError;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let piece = ready!(self.get_mut().pieces.poll_recv(context));
        Poll::Ready(piece.map_or(Some(Err(PayloadError::Incomplete(None))), |piece| piece.map(Ok)))
    }
}

/// The answer to a write: tells the attempt when the client has taken all of it.
pub struct Delivery {
    body: BoxBody,
    attempt: Attempt,
}

impl Delivery {
    /// `body`, as the answer to `attempt`.
    pub const fn new(body: BoxBody, attempt: Attempt) -> Self {
        Self { body, attempt }
    }
}

impl MessageBody for Delivery {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let piece = ready!(Pin::new(&mut this.body).poll_next(context));
        if piece.is_none() {
            this.attempt.delivered();
        }
        Poll::Ready(piece)
    }
}

/// Nothing, where a length is told: the answer to HEAD.
pub struct Told(pub u64);

impl MessageBody for Told {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}
