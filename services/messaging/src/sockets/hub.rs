//! The sockets of this replica: who has which, and how far each has come.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pitchey_events::{SessionId, UserId};
use pitchey_rpc::LiveSessions;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::frame::{self, Shown};
use super::line::{End, Line, Opened, Socket};
use super::presence::Presence;
use crate::Settings;
use crate::store::receipts::Delivered;

/// How long an answer about a session is good, from the moment of the question.
pub const TRUSTED: Duration = Duration::from_millis(900);
/// A socket of which nobody can say any more whether its session lives is closed after this long.
const GIVE_UP: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Person {
    sockets: Vec<Socket>,
    blocked: HashSet<UserId>,
}

#[derive(Default)]
struct People {
    by_user: HashMap<UserId, Person>,
    dirty: HashSet<UserId>,
    next: u64,
}

/// Shared by every door and task.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    replica: Uuid,
    queue: usize,
    slow_after: Duration,
    pub heartbeat: Duration,
    people: Mutex<People>,
    bell: Notify,
    delivered: Mutex<Vec<(Delivered, bool)>>,
    presence: Mutex<Presence>,
}

impl Hub {
    pub fn new(settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            replica: Uuid::now_v7(),
            queue: settings.socket_queue.max(1),
            slow_after: Duration::from_millis(settings.slow_after_ms),
            heartbeat: Duration::from_secs(settings.heartbeat_seconds.max(1)),
            people: Mutex::default(),
            bell: Notify::new(),
            delivered: Mutex::default(),
            presence: Mutex::new(Presence::new(Duration::from_secs(settings.presence_seconds.max(1)))),
        }))
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.0.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn presence(&self) -> MutexGuard<'_, Presence> {
        self.0.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This process, among all that hold sockets.
    pub fn replica(&self) -> Uuid {
        self.0.replica
    }

    /// Between two pings.
    pub fn heartbeat(&self) -> Duration {
        self.0.heartbeat
    }

    /// Registers a socket that has seen everything up to `cursor`; its session was found alive when it was `asked`.
    pub fn open(
        &self,
        user: UserId,
        session: SessionId,
        cursor: i64,
        asked: Instant,
        blocked: HashSet<UserId>,
    ) -> Opened {
        let (out, queue) = mpsc::channel(self.0.queue);
        let line = Arc::<Line>::default();
        let mut people = self.people();
        people.next += 1;
        let id = people.next;
        let person = people.by_user.entry(user).or_default();
        person.blocked = blocked;
        person.sockets.push(Socket {
            id,
            session,
            cursor,
            trusted_until: asked + TRUSTED,
            out,
            line: Arc::clone(&line),
            stalled_since: None,
        });
        people.dirty.insert(user);
        drop(people);
        self.0.bell.notify_one();
        Opened { id, line, queue }
    }

    /// Forgets a socket that is closed.
    pub fn close(&self, user: UserId, id: u64) {
        let mut people = self.people();
        if let Some(person) = people.by_user.get_mut(&user) {
            person.sockets.retain(|socket| socket.id != id);
            if person.sockets.is_empty() {
                people.by_user.remove(&user);
                people.dirty.remove(&user);
            }
        }
    }

    /// There may be frames for `users`: look.
    pub fn wake(&self, users: &[UserId]) {
        let mut people = self.people();
        let People { by_user, dirty, .. } = &mut *people;
        let before = dirty.len();
        dirty.extend(users.iter().filter(|user| by_user.contains_key(user)));
        let news = dirty.len() > before;
        drop(people);
        if news {
            self.0.bell.notify_one();
        }
    }

    /// There may be frames for anybody.
    pub fn wake_all(&self) {
        let mut people = self.people();
        let People { by_user, dirty, .. } = &mut *people;
        dirty.extend(by_user.keys().copied());
        drop(people);
        self.0.bell.notify_one();
    }

    /// Waits until somebody is to be looked for.
    pub async fn rung(&self) {
        self.0.bell.notified().await;
    }

    /// Up to `most` users to look for: (who, the last frame that all the user's sockets have, frames that one of them can take). Who is not trusted now
    /// has to wait.
    pub fn batch(&self, most: usize) -> Vec<(UserId, i64, i64)> {
        let now = Instant::now();
        let mut people = self.people();
        let chosen: Vec<UserId> = people.dirty.iter().take(most).copied().collect();
        let mut batch = Vec::with_capacity(chosen.len());
        for user in chosen {
            people.dirty.remove(&user);
            let Some(person) = people.by_user.get(&user) else { continue };
            let mut trusted: Vec<_> =
                person.sockets.iter().filter(|socket| socket.trusted_until > now).collect();
            // One that takes nothing does not hold the others up; without any that does, it finds out that it is stalled.
            if trusted.iter().any(|socket| socket.out.capacity() > 0) {
                trusted.retain(|socket| socket.out.capacity() > 0);
            }
            let room = trusted.iter().map(|socket| socket.out.capacity()).max().unwrap_or(0);
            if let Some(cursor) = trusted.iter().map(|socket| socket.cursor).min() {
                batch.push((user, cursor, i64::try_from(room.max(1)).unwrap_or(i64::MAX)));
            }
        }
        batch
    }

    /// Users with sockets, and the last frame that all of these have.
    pub fn cursors(&self) -> HashMap<i32, i64> {
        let people = self.people();
        let cursors = people.by_user.iter().filter_map(|(user, person)| {
            let cursor = person.sockets.iter().map(|socket| socket.cursor).min()?;
            Some((user.0, cursor))
        });
        cursors.collect()
    }

    /// Queues durable frames of one user, in order, for each of the user's sockets that has not got them. They are those after `from`.
    pub fn deliver(&self, user: UserId, from: i64, frames: &[Shown]) {
        let now = Instant::now();
        let mut people = self.people();
        let Some(person) = people.by_user.get_mut(&user) else { return };
        let mut reached = 0;
        for socket in person.sockets.iter_mut().filter(|socket| socket.trusted_until > now) {
            reached = reached.max(socket.queue(from, frames, now, self.0.slow_after));
        }
        let arrived = frames.iter().filter(|frame| frame.seq <= reached).filter_map(|frame| frame.delivered);
        let arrived: Vec<_> = arrived.map(|one| (one, person.blocked.contains(&one.sender))).collect();
        drop(people);
        self.note_delivered(arrived);
    }

    /// Messages have reached people; `true`: the sender is not to be told.
    pub fn note_delivered(&self, arrived: impl IntoIterator<Item = (Delivered, bool)>) {
        self.0.delivered.lock().unwrap_or_else(PoisonError::into_inner).extend(arrived);
    }

    pub(super) fn take_delivered(&self) -> Vec<(Delivered, bool)> {
        std::mem::take(&mut *self.0.delivered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Queues a passing frame that tells of `about`, without a number of its own. Who has a block with `about` does not get it; who is slow misses it.
    pub fn tell(
        &self,
        user: UserId,
        about: UserId,
        kind: &str,
        event: &str,
        data: &serde_json::Value,
        at: &str,
    ) {
        let now = Instant::now();
        let mut people = self.people();
        let Some(person) = people.by_user.get_mut(&user).filter(|person| !person.blocked.contains(&about))
        else {
            return;
        };
        for socket in person.sockets.iter().filter(|socket| socket.trusted_until > now) {
            let _ = socket.out.try_send(frame::ephemeral(socket.cursor, kind, event, data, at));
        }
    }

    /// The sessions behind the sockets, each once.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        let people = self.people();
        let all = people.by_user.values().flat_map(|person| &person.sockets).map(|socket| socket.session);
        all.collect::<HashSet<_>>().into_iter().collect()
    }

    /// Goes by what accounts said about the sessions it was asked for at `asked`.
    pub(super) fn renew(&self, asked: Instant, about: &HashSet<SessionId>, found: &LiveSessions) {
        let now = Instant::now();
        let mut people = self.people();
        let People { by_user, dirty, .. } = &mut *people;
        let mut news = false;
        for (user, person) in by_user.iter_mut() {
            let mut renewed = false;
            for socket in person.sockets.iter_mut().filter(|socket| about.contains(&socket.session)) {
                if found.live.contains(&socket.session) {
                    if socket.trusted_until <= now {
                        news |= dirty.insert(*user);
                    }
                    socket.trusted_until = socket.trusted_until.max(asked + TRUSTED);
                    renewed = true;
                } else {
                    socket.line.end(End::SessionOver);
                    socket.trusted_until = asked;
                }
            }
            if renewed {
                person.blocked.clear();
            }
        }
        for (blocker, blocked) in &found.blocks {
            for (one, other) in [(blocker, blocked), (blocked, blocker)] {
                if let Some(person) = by_user.get_mut(one) {
                    person.blocked.insert(*other);
                }
            }
        }
        drop(people);
        if news {
            self.0.bell.notify_one();
        }
    }

    /// Ends the sockets of these sessions now.
    pub fn end_sessions(&self, sessions: &[SessionId]) {
        self.end_where(End::SessionOver, |_, socket| sessions.contains(&socket.session));
    }

    /// Ends all sockets of a user now.
    pub fn end_user(&self, user: UserId) {
        self.end_where(End::SessionOver, |whose, _| whose == user);
    }

    /// Ends all sockets.
    pub fn end_all(&self, why: End) {
        self.end_where(why, |_, _| true);
    }

    /// Ends sockets of which nobody could say for long whether their sessions live.
    pub(super) fn give_up_untrusted(&self) {
        let now = Instant::now();
        self.end_where(End::TryAgain, |_, socket| socket.trusted_until + GIVE_UP < now);
    }

    fn end_where(&self, why: End, which: impl Fn(UserId, &Socket) -> bool) {
        let mut people = self.people();
        let now = Instant::now();
        for (user, person) in &mut people.by_user {
            for socket in person.sockets.iter_mut().filter(|socket| which(*user, socket)) {
                socket.line.end(why);
                socket.trusted_until = now;
            }
        }
    }

    /// The two hear nothing of each other any more.
    pub fn block(&self, one: UserId, other: UserId) {
        let mut people = self.people();
        for (user, blocked) in [(one, other), (other, one)] {
            if let Some(person) = people.by_user.get_mut(&user) {
                person.blocked.insert(blocked);
            }
        }
    }

    /// Users with sockets here.
    pub fn users(&self) -> Vec<UserId> {
        self.people().by_user.keys().copied().collect()
    }

    /// Sockets here.
    pub fn count(&self) -> usize {
        self.people().by_user.values().map(|person| person.sockets.len()).sum()
    }
}
