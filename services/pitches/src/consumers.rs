//! What this service hears: what becomes of users, what is looked for these days, how often and by whom; and every replica forgets what others changed.

mod trending;
mod users;
mod views;

use std::sync::Arc;

use pitchey_bus::{Failure, Listeners, Subscriptions};
use pitchey_events::{
    Envelope, PitchChanged, PitchOpened, PitchViewsCounted, TrendingComputed, UserBlocked, UserChanged,
    UserDeleted,
};
use pitchey_rpc::Users;

use crate::error::Error;
use crate::public_cache::PublicCache;
use crate::state::AppState;

/// What is handled once, whichever replica does it.
pub fn subscriptions(state: &AppState) -> Subscriptions<AppState> {
    Subscriptions::of(Arc::new(state.clone()))
        .on::<UserBlocked>()
        .on::<UserDeleted>()
        .on::<TrendingComputed>()
        .on::<PitchViewsCounted>()
        .on::<PitchOpened>()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::transient(error)
    }
}

/// What every replica hears.
pub fn listeners(users: &Users, public: &PublicCache) -> Listeners {
    let known = (users.clone(), public.clone());
    let (pitches, changed, all) = (public.clone(), known.clone(), known);
    Listeners::new()
        .on::<PitchChanged>(move |heard: Envelope<PitchChanged>| {
            let public = pitches.clone();
            async move { public.forget(heard.event.pitch_id).await }
        })
        .on::<UserChanged>(move |heard: Envelope<UserChanged>| {
            let (users, public) = changed.clone();
            async move {
                users.forget(heard.event.user_id).await;
                public.forget_all();
            }
        })
        .on_gap(move || {
            let (users, public) = all.clone();
            async move {
                users.forget_all();
                public.forget_all();
            }
        })
}
