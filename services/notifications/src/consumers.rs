//! What the service does with events: each tells some people something, or that somebody is gone.

mod accounts;
mod deletions;
mod messages;
mod money;
mod ndas;
mod people;
mod publications;

use std::collections::BTreeMap;
use std::sync::Arc;

use pitchey_bus::{Failure, HandlesMany, Subscriptions};
use pitchey_db::Tx;
use pitchey_events::{
    CreditsLow, CreditsPurchased, DataExportReady, DeletionCancelled, DeletionRequested,
    EmailVerificationRequested, EmailVerified, Envelope, Event, InvestmentTracked, MessageSent, NdaAnswerDue,
    NdaApproved, NdaExpired, NdaExpiring, NdaRejected, NdaRequested, NdaRevoked, NdaSigned, NdaWithdrawn,
    PasswordChanged, PasswordResetRequested, PaymentFailed, PaymentRefunded, PaymentSucceeded,
    PitchCommented, PitchFollowed, PitchLiked, PitchPublished, PitchViewsCounted, ReportResolved,
    SessionStarted, SubscriptionChanged, UserDeleted, UserFollowed, UserId, UserRegistered,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::mail::Letter;
use crate::ops::tell;
use crate::state::AppState;

/// Longest title of a pitch; what is longer is no title.
const TITLE: usize = 200;

/// The whole list.
pub(crate) fn subscriptions(state: &AppState) -> Subscriptions<AppState> {
    Subscriptions::of(Arc::new(state.clone()))
        .on_many::<UserRegistered>()
        .on_many::<EmailVerificationRequested>()
        .on_many::<EmailVerified>()
        .on_many::<PasswordResetRequested>()
        .on_many::<PasswordChanged>()
        .on_many::<SessionStarted>()
        .on_many::<DeletionRequested>()
        .on_many::<DeletionCancelled>()
        .on_many::<DataExportReady>()
        .on::<UserDeleted>()
        .on_many::<NdaRequested>()
        .on_many::<NdaApproved>()
        .on_many::<NdaRejected>()
        .on_many::<NdaWithdrawn>()
        .on_many::<NdaSigned>()
        .on_many::<NdaRevoked>()
        .on_many::<NdaExpired>()
        .on_many::<NdaAnswerDue>()
        .on_many::<NdaExpiring>()
        .on_many::<MessageSent>()
        .on::<PitchPublished>()
        .on_many::<UserFollowed>()
        .on_many::<PitchFollowed>()
        .on_many::<PitchLiked>()
        .on_many::<PitchCommented>()
        .on_many::<PitchViewsCounted>()
        .on_many::<InvestmentTracked>()
        .on_many::<ReportResolved>()
        .on_many::<CreditsPurchased>()
        .on_many::<CreditsLow>()
        .on_many::<PaymentSucceeded>()
        .on_many::<PaymentFailed>()
        .on_many::<PaymentRefunded>()
        .on_many::<SubscriptionChanged>()
}

/// What an event tells to whom. Says nothing of names: those are asked for when the mail is addressed.
pub(crate) trait Tells: Event {
    /// At most one notice a user.
    fn notices(envelope: &Envelope<Self>) -> Vec<Notice>
    where
        Self: Sized;
}

/// What an event tells, and the trace that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) event_id: Uuid,
    pub(crate) traceparent: Option<String>,
    pub(crate) notices: Vec<Notice>,
}

/// What one user is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) to: UserId,
    /// In the app.
    pub(crate) bell: Option<Bell>,
    /// By mail.
    pub(crate) letter: Option<Letter>,
    /// What it is told once for; without one, once for the event. What can be done and undone again and again is not told each time.
    pub(crate) once: Option<Uuid>,
}

/// Ids for links, as `{"pitchId": 42}`.
pub(crate) type Links = BTreeMap<&'static str, i64>;

/// An in-app notification. Its words are public ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bell {
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) data: Links,
}

impl Bell {
    /// One of a single line.
    pub(crate) fn new(kind: &'static str, title: impl Into<String>) -> Self {
        Self { kind, title: title.into(), body: None, data: Links::new() }
    }

    /// With more to read.
    pub(crate) fn saying(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// With the id of what it is about.
    pub(crate) fn about(mut self, what: &'static str, id: impl Into<i64>) -> Self {
        self.data.insert(what, id.into());
        self
    }
}

impl Notice {
    /// In the app and by mail.
    pub(crate) const fn both(to: UserId, bell: Bell, letter: Letter) -> Self {
        Self { to, bell: Some(bell), letter: Some(letter), once: None }
    }

    /// In the app only.
    pub(crate) const fn in_app(to: UserId, bell: Bell) -> Self {
        Self { to, bell: Some(bell), letter: None, once: None }
    }

    /// By mail only.
    pub(crate) const fn by_mail(to: UserId, letter: Letter) -> Self {
        Self { to, bell: None, letter: Some(letter), once: None }
    }

    /// Not told again for the same `what`.
    pub(crate) fn once_for(mut self, what: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(what.as_bytes()).into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        self.once = Some(uuid::Builder::from_custom_bytes(bytes).into_uuid());
        self
    }
}

impl<E: Tells> HandlesMany<E> for AppState {
    async fn handle_many(&self, tx: &mut Tx, envelopes: &[&Envelope<E>]) -> Result<(), Failure> {
        let news = envelopes.iter().map(|envelope| News {
            event_id: envelope.id,
            traceparent: envelope.traceparent.clone(),
            notices: E::notices(envelope),
        });
        Ok(tell::tell(tx, &news.collect::<Vec<_>>(), &self.mail_asked, self.clock.now()).await?)
    }
}
