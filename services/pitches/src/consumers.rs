//! What this service hears. It consumes nothing durably; every replica forgets what others changed.

use pitchey_bus::Listeners;
use pitchey_events::{Envelope, PitchChanged, UserChanged};

use crate::state::AppState;

/// The list.
pub fn listeners(state: &AppState) -> Listeners {
    let (pitches, users, all) = (state.clone(), state.clone(), state.clone());
    Listeners::new()
        .on::<PitchChanged>(move |heard: Envelope<PitchChanged>| {
            let public = pitches.public.clone();
            async move { public.forget(heard.event.pitch_id).await }
        })
        .on::<UserChanged>(move |heard: Envelope<UserChanged>| {
            let state = users.clone();
            async move {
                state.users.forget(heard.event.user_id).await;
                state.public.forget_all();
            }
        })
        .on_gap(move || {
            let state = all.clone();
            async move {
                state.users.forget_all();
                state.public.forget_all();
            }
        })
}
