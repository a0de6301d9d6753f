//! What the service does with events: each tells some people something.

mod accounts;
mod ndas;

use std::sync::Arc;

use pitchey_bus::{Failure, Handles, Subscriptions};
use pitchey_db::Tx;
use pitchey_events::{
    EmailVerificationRequested, EmailVerified, Envelope, Event, NdaAnswerDue, NdaApproved, NdaExpired,
    NdaRejected, NdaRequested, NdaRevoked, NdaSigned, NdaWithdrawn, PasswordChanged, PasswordResetRequested,
    SessionStarted, UserId, UserRegistered,
};
use serde_json::Value;

use crate::mail::Letter;
use crate::ops::tell;
use crate::state::AppState;

/// The whole list.
pub(crate) fn subscriptions(state: &AppState) -> Subscriptions<AppState> {
    Subscriptions::of(Arc::new(state.clone()))
        .on::<UserRegistered>()
        .on::<EmailVerificationRequested>()
        .on::<EmailVerified>()
        .on::<PasswordResetRequested>()
        .on::<PasswordChanged>()
        .on::<SessionStarted>()
        .on::<NdaRequested>()
        .on::<NdaApproved>()
        .on::<NdaRejected>()
        .on::<NdaWithdrawn>()
        .on::<NdaSigned>()
        .on::<NdaRevoked>()
        .on::<NdaExpired>()
        .on::<NdaAnswerDue>()
}

/// What an event tells to whom. Says nothing of names: those are asked for when the mail is addressed.
pub(crate) trait Tells: Event {
    /// At most one notice a user.
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice>
    where
        Self: Sized;
}

/// What one user is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) to: UserId,
    /// In the app.
    pub(crate) bell: Option<Bell>,
    /// By mail.
    pub(crate) letter: Option<Letter>,
}

/// An in-app notification. Its words are public ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bell {
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    /// Ids for links.
    pub(crate) data: Value,
}

impl<E: Tells> Handles<E> for AppState {
    async fn handle(&self, tx: &mut Tx, envelope: &Envelope<E>) -> Result<(), Failure> {
        let notices = E::notices(envelope);
        tell::tell(tx, envelope.id, &notices, &self.mail_asked, self.clock.now()).await
    }
}
