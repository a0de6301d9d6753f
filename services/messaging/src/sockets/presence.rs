//! Who is online, and who types: passing frames. There is no table; each replica tells the others whose sockets it holds.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use pitchey_bus::outbox;
use pitchey_events::{Envelope, PresenceNoticed, TypingNoticed, UserId};
use serde_json::json;
use uuid::Uuid;

use super::frame::stamp;
use crate::error::Error;
use crate::state::AppState;
use crate::store::{participants, typing};

/// What was heard of all replicas, this one included.
#[derive(Default)]
pub struct Presence {
    every: Duration,
    replicas: HashMap<Uuid, (Instant, HashSet<UserId>)>,
    online: HashSet<UserId>,
    told_somebody: bool,
}

impl Presence {
    pub fn new(every: Duration) -> Self {
        Self { every, ..Self::default() }
    }

    /// Goes by what a replica tells, and forgets those that have not told anything for long. Returns who came and who went.
    fn update(&mut self, told: Option<(Uuid, HashSet<UserId>)>, now: Instant) -> (Vec<UserId>, Vec<UserId>) {
        if let Some((replica, users)) = told {
            self.replicas.insert(replica, (now, users));
        }
        let silent = self.every * 5 / 2;
        self.replicas.retain(|_, (heard, users)| now.duration_since(*heard) < silent && !users.is_empty());
        let online: HashSet<UserId> = self.replicas.values().flat_map(|(_, users)| users).copied().collect();
        let came = online.difference(&self.online).copied().collect();
        let went = self.online.difference(&online).copied().collect();
        self.online = online;
        (came, went)
    }
}

/// Tells all replicas whose sockets are here.
pub async fn tell(state: AppState) -> Result<(), Error> {
    let mut user_ids = state.hub.users();
    user_ids.sort_unstable();
    let news = {
        let mut presence = state.hub.presence();
        let news = !user_ids.is_empty() || presence.told_somebody;
        presence.told_somebody = !user_ids.is_empty();
        news
    };
    if news {
        let mut tx = state.databases.system.begin().await?;
        outbox::append(&mut tx, &PresenceNoticed { replica: state.hub.replica(), user_ids })?;
        tx.commit().await?;
    }
    // Replicas that went without a word take their users with them.
    let (came, went) = state.hub.presence().update(None, Instant::now());
    show(&state, &came, &went).await
}

/// A replica told whose sockets it holds.
pub async fn heard(state: &AppState, heard: &Envelope<PresenceNoticed>) {
    let PresenceNoticed { replica, user_ids } = &heard.event;
    let (came, went) = {
        let mut presence = state.hub.presence();
        // What waited in an outbox tells of the past.
        let age = (state.clock.now() - heard.occurred_at).to_std().unwrap_or_default();
        if age > presence.every * 2 {
            return;
        }
        presence.update(Some((*replica, user_ids.iter().copied().collect())), Instant::now())
    };
    if let Err(error) = show(state, &came, &went).await {
        tracing::warn!(%error, "nobody learns who came and went");
    }
}

/// Tells a user who has just connected which acquaintances are online.
pub async fn introduce(state: &AppState, user: UserId) -> Result<(), Error> {
    let online: Vec<UserId> =
        state.hub.presence().online.iter().copied().filter(|one| *one != user).collect();
    show_to(state, &[user], &online, true).await
}

async fn show(state: &AppState, came: &[UserId], went: &[UserId]) -> Result<(), Error> {
    let here = state.hub.users();
    show_to(state, &here, came, true).await?;
    show_to(state, &here, went, false).await
}

async fn show_to(state: &AppState, watchers: &[UserId], moved: &[UserId], online: bool) -> Result<(), Error> {
    if watchers.is_empty() || moved.is_empty() {
        return Ok(());
    }
    let ids = |users: &[UserId]| users.iter().map(|user| user.0).collect::<Vec<_>>();
    let mut tx = state.databases.system.begin().await?;
    let pairs = participants::acquainted(&mut tx, &ids(watchers), &ids(moved)).await?;
    tx.commit().await?;
    let at = stamp(state.clock.now());
    for (watcher, moved) in pairs {
        let data = json!({ "userId": moved, "online": online });
        let event = if online { "online" } else { "offline" };
        state.hub.tell(UserId(watcher), UserId(moved), "presence", event, &data, &at);
    }
    Ok(())
}

/// Somebody types, or has stopped.
pub fn typing(state: &AppState, heard: &Envelope<TypingNoticed>) {
    let TypingNoticed { conversation_id, user_id, typing, recipient_ids } = &heard.event;
    if state.clock.now() - heard.occurred_at > typing::LIVES {
        return;
    }
    let data = json!({ "conversationId": conversation_id, "userId": user_id, "typing": typing });
    let event = if *typing { "started" } else { "stopped" };
    let at = stamp(heard.occurred_at);
    for recipient in recipient_ids {
        state.hub.tell(*recipient, *user_id, "typing", event, &data, &at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_two_replicas_goes_with_the_last_of_them() {
        let (mut presence, now) = (Presence::new(Duration::from_secs(15)), Instant::now());
        let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
        let ann = || HashSet::from([UserId(1)]);
        assert_eq!(presence.update(Some((one, ann())), now), (vec![UserId(1)], vec![]));
        assert_eq!(presence.update(Some((two, ann())), now), (vec![], vec![]));
        assert_eq!(presence.update(Some((one, HashSet::new())), now), (vec![], vec![]));
        let later = now + Duration::from_secs(40);
        assert_eq!(
            presence.update(None, later),
            (vec![], vec![UserId(1)]),
            "a replica that is not heard of is gone"
        );
    }
}
