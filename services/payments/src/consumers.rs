//! What the service does with the events of others: welcomes, and what becomes of holds.

mod holds;
mod people;

use std::sync::Arc;

use pitchey_bus::Subscriptions;
use pitchey_events::{
    ConversationCreated, EmailVerified, MediaAdded, NdaApproved, NdaExpired, NdaRejected, NdaRequested,
    NdaRevoked, NdaWithdrawn, PitchPromoted, PitchPublished, UserDeleted,
};

use crate::state::AppState;

/// The whole list.
pub fn subscriptions(state: &AppState) -> Subscriptions<AppState> {
    Subscriptions::of(Arc::new(state.clone()))
        .on::<EmailVerified>()
        .on::<UserDeleted>()
        .on::<NdaRequested>()
        .on::<NdaApproved>()
        .on::<NdaRejected>()
        .on::<NdaWithdrawn>()
        .on::<NdaRevoked>()
        .on::<NdaExpired>()
        .on::<PitchPublished>()
        .on::<PitchPromoted>()
        .on::<MediaAdded>()
        .on::<ConversationCreated>()
}
