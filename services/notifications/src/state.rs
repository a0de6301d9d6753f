use std::sync::Arc;

use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::{BadKey, Signer};
use pitchey_rpc::Accounts;
use tokio::sync::Notify;

use crate::Settings;
use crate::mail::Folder;

/// What every door of the service needs.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) databases: Databases,
    pub(crate) accounts: Accounts,
    pub(crate) clock: Clock,
    /// Where the development page finds what was sent.
    pub(crate) folder: Folder,
    /// Rung when a mail was asked for.
    pub(crate) mail_asked: Arc<Notify>,
}

/// The settings can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Key(#[from] BadKey),
    #[error(transparent)]
    Rpc(#[from] pitchey_rpc::Error),
}

impl AppState {
    pub(crate) fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Service::Notifications, &settings.identity, clock.clone())?;
        Ok(Self {
            databases,
            accounts: Accounts::new(&settings.rpc_targets, signer)?,
            clock,
            folder: Folder::new(&settings.mail.folder),
            mail_asked: Arc::default(),
        })
    }
}
