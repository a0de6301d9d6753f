use std::sync::Arc;

use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::{BadKey, Signer};
use pitchey_rpc::{Accounts, Pitches};
use tokio::sync::Notify;

use crate::Settings;
use crate::mail::{BadUnsubscribeKey, Folder, Unsubscriber};
use crate::webhook::{BadSecret, Signatures};

/// What every door of the service needs.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) databases: Databases,
    pub(crate) accounts: Accounts,
    pub(crate) pitches: Pitches,
    pub(crate) clock: Clock,
    /// Where the development page finds what was sent.
    pub(crate) folder: Folder,
    /// Reads links that unsubscribe.
    pub(crate) unsubscriber: Unsubscriber,
    /// Checks who reports what became of mails.
    pub(crate) signatures: Signatures,
    /// Rung when a mail was asked for.
    pub(crate) mail_asked: Arc<Notify>,
    /// Rung when something was published.
    pub(crate) announced: Arc<Notify>,
    /// Rung when digests are due.
    pub(crate) digests_planned: Arc<Notify>,
}

/// The settings can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Key(#[from] BadKey),
    #[error(transparent)]
    Rpc(#[from] pitchey_rpc::Error),
    #[error(transparent)]
    UnsubscribeKey(#[from] BadUnsubscribeKey),
    #[error(transparent)]
    WebhookSecret(#[from] BadSecret),
}

impl AppState {
    pub(crate) fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Service::Notifications, &settings.identity, clock.clone())?;
        Ok(Self {
            databases,
            accounts: Accounts::new(&settings.rpc_targets, signer.clone())?,
            pitches: Pitches::new(&settings.rpc_targets, signer)?,
            clock,
            folder: Folder::new(&settings.mail.folder),
            unsubscriber: Unsubscriber::new(&settings.unsubscribe_key)?,
            signatures: Signatures::new(settings.webhook_secret.as_ref())?,
            mail_asked: Arc::default(),
            announced: Arc::default(),
            digests_planned: Arc::default(),
        })
    }
}
