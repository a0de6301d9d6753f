//! What the service does with events: it counts views, and keeps sums of everything else.

mod acts;
mod pitches;
mod views;

use std::sync::Arc;

use pitchey_bus::{Failure, Handles, Subscriptions};
use pitchey_db::Tx;
use pitchey_events::{
    CreditsPurchased, Envelope, Event, InvestmentTracked, NdaApproved, NdaExpired, NdaRejected, NdaRequested,
    NdaRevoked, NdaSigned, NdaWithdrawn, PaymentRefunded, PaymentSucceeded, PitchCommented, PitchDeleted,
    PitchFollowed, PitchLiked, PitchOpened, PitchPromoted, PitchPublished, PitchUnfollowed, PitchUnliked,
    SessionStarted, Tracked, UserDeleted, UserFollowed, UserRegistered, UserUnfollowed,
};

use crate::ops::{erase, record};
use crate::state::AppState;
use crate::store::{active_days, take_turns};

/// The whole list.
pub(crate) fn subscriptions(state: &AppState) -> Subscriptions<AppState> {
    Subscriptions::of(Arc::new(state.clone()))
        .on_many::<PitchOpened>()
        .on_many::<Tracked>()
        .on::<PitchPublished>()
        .on::<PitchDeleted>()
        .on::<PitchPromoted>()
        .on::<PitchFollowed>()
        .on::<PitchUnfollowed>()
        .on::<PitchLiked>()
        .on::<PitchUnliked>()
        .on::<PitchCommented>()
        .on::<UserFollowed>()
        .on::<UserUnfollowed>()
        .on::<InvestmentTracked>()
        .on::<NdaRequested>()
        .on::<NdaApproved>()
        .on::<NdaRejected>()
        .on::<NdaWithdrawn>()
        .on::<NdaSigned>()
        .on::<NdaRevoked>()
        .on::<NdaExpired>()
        .on::<CreditsPurchased>()
        .on::<PaymentSucceeded>()
        .on::<PaymentRefunded>()
        .on::<UserRegistered>()
        .on::<SessionStarted>()
        .on::<UserDeleted>()
}

/// An event that is a sum's worth by itself.
pub(crate) trait Acts: Event {
    /// What happened.
    fn acts(&self) -> Vec<record::Act>;
}

/// The type of `E` without its version: `nda.requested`.
pub(crate) fn action<E: Event>() -> &'static str {
    E::TYPE.rsplit_once(".v").map_or(E::TYPE, |(action, _)| action)
}

async fn record<E: Acts>(tx: &mut Tx, envelope: &Envelope<E>) -> Result<(), Failure> {
    Ok(record::acts(tx, envelope.occurred_at, &envelope.event.acts()).await?)
}

impl Handles<SessionStarted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<SessionStarted>) -> Result<(), Failure> {
        take_turns(tx);
        let day = (envelope.occurred_at.date_naive(), envelope.event.user_id.0);
        active_days::note(tx, &[day].into()).await?;
        Ok(())
    }
}

impl Handles<UserDeleted> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<UserDeleted>) -> Result<(), Failure> {
        Ok(erase::user(tx, envelope.event.user_id).await?)
    }
}
