//! What this service hears: durably, of NDAs, pitches, users and notifications; and on every replica, of what sockets are to be told.

use std::sync::Arc;

use pitchey_bus::{Failure, Handles, Listeners, Subscriptions};
use pitchey_db::Tx;
use pitchey_events::{
    Envelope, MessageDeleted, MessageEdited, MessageRead, MessageSent, NdaExpired, NdaRevoked, NdaSigned,
    NotificationCreated, PitchDeleted, PresenceNoticed, SessionsRevoked, TypingNoticed, UserBlocked,
    UserChanged, UserDeleted, UserUnblocked,
};
use pitchey_web::Timestamp;
use serde_json::json;

use crate::error::Error;
use crate::ops::{discussions, erase};
use crate::sockets::presence;
use crate::state::AppState;
use crate::store::frames::{self, Telling};

/// What is handled exactly once.
pub fn subscriptions(state: &AppState) -> Subscriptions<AppState> {
    Subscriptions::of(Arc::new(state.clone()))
        .on::<NdaSigned>()
        .on::<NdaRevoked>()
        .on::<NdaExpired>()
        .on::<PitchDeleted>()
        .on::<UserDeleted>()
        .on::<NotificationCreated>()
}

/// What every replica hears.
pub fn listeners(state: &AppState) -> Listeners {
    macro_rules! wakes {
        ($listeners:expr, $event:ty, $author:ident) => {{
            let hub = state.hub.clone();
            $listeners.on::<$event>(move |heard: Envelope<$event>| {
                let hub = hub.clone();
                async move {
                    hub.wake(&heard.event.recipient_ids);
                    hub.wake(&[heard.event.$author]);
                }
            })
        }};
    }
    let listeners = wakes!(Listeners::new(), MessageSent, sender_id);
    let listeners = wakes!(listeners, MessageEdited, sender_id);
    let listeners = wakes!(listeners, MessageDeleted, sender_id);
    let listeners = wakes!(listeners, MessageRead, reader_id);
    let (typing, online, revoked, changed) = (state.clone(), state.clone(), state.clone(), state.clone());
    let (blocked, unblocked, gap) = (state.clone(), state.clone(), state.clone());
    listeners
        .on::<TypingNoticed>(move |heard: Envelope<TypingNoticed>| {
            let state = typing.clone();
            async move { presence::typing(&state, &heard) }
        })
        .on::<PresenceNoticed>(move |heard: Envelope<PresenceNoticed>| {
            let state = online.clone();
            async move { presence::heard(&state, &heard).await }
        })
        .on::<SessionsRevoked>(move |heard: Envelope<SessionsRevoked>| {
            let state = revoked.clone();
            async move { state.hub.end_sessions(&heard.event.session_ids) }
        })
        .on::<UserChanged>(move |heard: Envelope<UserChanged>| {
            let state = changed.clone();
            async move {
                state.users.forget(heard.event.user_id).await;
                if !heard.event.is_active {
                    state.hub.end_user(heard.event.user_id);
                }
            }
        })
        .on::<UserBlocked>(move |heard: Envelope<UserBlocked>| {
            let state = blocked.clone();
            async move {
                state.blocks.forget(heard.event.blocker_id, heard.event.blocked_id).await;
                state.hub.block(heard.event.blocker_id, heard.event.blocked_id);
            }
        })
        .on::<UserUnblocked>(move |heard: Envelope<UserUnblocked>| {
            let state = unblocked.clone();
            async move { state.blocks.forget(heard.event.blocker_id, heard.event.blocked_id).await }
        })
        .on_gap(move || {
            let state = gap.clone();
            async move {
                state.users.forget_all();
                state.blocks.forget_all();
                state.hub.wake_all();
            }
        })
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::transient(error)
    }
}

impl Handles<NdaSigned> for AppState {
    async fn handle(&self, tx: &mut Tx, heard: &Envelope<NdaSigned>) -> Result<(), Failure> {
        let NdaSigned { parties, signed_at, expires_at } = &heard.event;
        discussions::signed(tx, &self.keys, parties, (*signed_at, *expires_at), self.clock.now()).await?;
        Ok(())
    }
}

impl Handles<NdaRevoked> for AppState {
    async fn handle(&self, tx: &mut Tx, heard: &Envelope<NdaRevoked>) -> Result<(), Failure> {
        Ok(discussions::ended(tx, &heard.event.parties, self.clock.now()).await?)
    }
}

impl Handles<NdaExpired> for AppState {
    async fn handle(&self, tx: &mut Tx, heard: &Envelope<NdaExpired>) -> Result<(), Failure> {
        Ok(discussions::ended(tx, &heard.event.parties, self.clock.now()).await?)
    }
}

impl Handles<PitchDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, heard: &Envelope<PitchDeleted>) -> Result<(), Failure> {
        Ok(discussions::pitch_deleted(tx, heard.event.pitch_id, self.clock.now()).await?)
    }
}

impl Handles<UserDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, heard: &Envelope<UserDeleted>) -> Result<(), Failure> {
        Ok(erase::erase(tx, heard.event.user_id, self.clock.now()).await?)
    }
}

impl Handles<NotificationCreated> for AppState {
    async fn handle(&self, tx: &mut Tx, heard: &Envelope<NotificationCreated>) -> Result<(), Failure> {
        let told = &heard.event;
        let data = json!({
            "id": told.notification_id, "type": told.kind, "title": told.title, "body": told.body, "data": told.data,
            "createdAt": Timestamp(told.created_at),
        });
        let telling = Telling { kind: "notification", event: "created", message: None, data: Some(data) };
        frames::push(tx, None, &[told.user_id], &telling, told.created_at);
        // The frame is seen with the commit; the look at all streams, once a second, finds it on every replica.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pitchey_bus::{Consumes, Plan};
    use pitchey_clock::Clock;
    use pitchey_events::Service;
    use pitchey_testkit::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn the_catalogue_and_the_lists_agree() {
        let db = TestDatabase::create().await;
        let databases = db.databases(Service::Messaging).await;
        let state = AppState::new(&crate::settings::for_tests(&db), databases, Clock::system()).unwrap();
        let consumes: Consumes = subscriptions(&state).into();
        let found = consumes.disagreements(Service::Messaging, &listeners(&state), &Plan::default());
        assert!(found.is_empty(), "{found:?}");
    }
}
