//! One socket: its queue, how far it has come, and why it ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use pitchey_events::SessionId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::frame::{self, Shown};

/// Why a socket is closed by this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Log-out, revocation, ban.
    SessionOver,
    /// It took no frames for too long; what it missed is there when it comes back.
    TooSlow,
    /// It did not answer pings.
    Silent,
    /// It talks too much.
    Flood,
    /// This process stops.
    GoingAway,
    /// Nobody can say whether the session lives.
    TryAgain,
}

impl End {
    /// The code of the close frame, and its words.
    pub const fn told(self) -> (u16, &'static str) {
        match self {
            Self::SessionOver => (4401, "the session has ended"),
            Self::Silent => (4408, "no sign of life"),
            Self::TooSlow => (4413, "too slow: come back with the last seq"),
            Self::Flood => (4429, "too many messages"),
            Self::GoingAway => (1001, "going away: come back with the last seq"),
            Self::TryAgain => (1013, "try again later, with the last seq"),
        }
    }
}

/// What the hub and a socket's task share.
#[derive(Debug, Default)]
pub struct Line {
    token: CancellationToken,
    why: OnceLock<End>,
    stalled: AtomicBool,
}

impl Line {
    /// Ends the socket; the first reason counts.
    pub fn end(&self, why: End) {
        let _ = self.why.set(why);
        self.token.cancel();
    }

    /// Waits for its end.
    pub async fn ended(&self) -> End {
        self.token.cancelled().await;
        self.why.get().copied().unwrap_or(End::GoingAway)
    }

    /// Whether the hub waits for room in the queue. It does not any more.
    pub fn take_stalled(&self) -> bool {
        self.stalled.swap(false, Ordering::AcqRel)
    }
}

/// A socket that was registered.
pub struct Opened {
    pub id: u64,
    pub line: Arc<Line>,
    pub queue: mpsc::Receiver<ByteString>,
}

/// A socket as the hub has it.
pub(super) struct Socket {
    pub(super) id: u64,
    pub(super) session: SessionId,
    /// The last frame that was queued.
    pub(super) cursor: i64,
    pub(super) trusted_until: Instant,
    pub(super) out: mpsc::Sender<ByteString>,
    pub(super) line: Arc<Line>,
    pub(super) stalled_since: Option<Instant>,
}

impl Socket {
    /// Queues what it has not got of the frames after `from`, as far as there is room, and returns how far it has come. Where frames are missing, it is
    /// told to begin anew.
    pub(super) fn queue(&mut self, from: i64, frames: &[Shown], now: Instant, slow_after: Duration) -> i64 {
        if self.cursor < from {
            // It had no room when others had.
            if self.out.capacity() == 0 {
                self.stall(now, slow_after);
            }
            return self.cursor;
        }
        for frame in frames {
            if frame.seq <= self.cursor {
                continue;
            }
            let gap = frame.seq != self.cursor + 1;
            let text = if gap { frame::resync(frame.seq) } else { frame.text.clone() };
            if self.out.try_send(text).is_err() {
                self.stall(now, slow_after);
                return self.cursor;
            }
            self.stalled_since = None;
            self.cursor = frame.seq;
        }
        self.cursor
    }

    /// It takes nothing; if that lasts, it is cut off.
    fn stall(&mut self, now: Instant, slow_after: Duration) {
        self.line.stalled.store(true, Ordering::Release);
        let since = *self.stalled_since.get_or_insert(now);
        if now.duration_since(since) >= slow_after {
            metrics::counter!("sockets_cut_off_total").increment(1);
            self.line.end(End::TooSlow);
        }
    }
}
