use pitchey_config::Mode;

use super::message::Outgoing;
use super::smtp::Smtp;
use super::{Folder, folder};
use crate::settings::{Kind, Settings};

/// How mail leaves the platform.
pub(crate) enum Transport {
    Smtp(Smtp),
    Folder(Folder),
}

/// The settings of mail can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("NOTIFICATIONS_MAIL__TRANSPORT is required in production: smtp or folder")]
    NoTransport,
    #[error("NOTIFICATIONS_MAIL__SMTP_URL is required for the transport smtp")]
    NoServer,
    #[error("NOTIFICATIONS_MAIL__SMTP_URL: {0}")]
    Server(lettre::transport::smtp::Error),
    #[error("NOTIFICATIONS_MAIL__FROM is required in production")]
    NoSender,
    #[error("NOTIFICATIONS_MAIL__FROM: {0}")]
    Sender(lettre::address::AddressError),
    #[error("NOTIFICATIONS_MAIL__ATTEMPT_SECONDS is to be less than NOTIFICATIONS_MAIL__LEASE_SECONDS")]
    Lease,
    #[error("PITCHEY_PUBLIC_URL: {0}")]
    PublicUrl(String),
}

/// A mail was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSent {
    /// Another try may help.
    #[error("{0}")]
    Later(String),
    /// It may have been taken after all.
    #[error("{0}")]
    Unknown(String),
    /// The address takes no mail.
    #[error("{0}")]
    Bounced(String),
    /// It never will be.
    #[error("{0}")]
    Never(String),
}

impl Transport {
    /// The one that the settings choose.
    pub(crate) fn new(settings: &Settings) -> Result<Self, Unusable> {
        let mail = &settings.mail;
        // Or another worker would send what this one still sends.
        if i64::try_from(mail.attempt_seconds).map_or(true, |attempt| attempt >= mail.lease_seconds) {
            return Err(Unusable::Lease);
        }
        let kind = match (mail.transport, settings.mode) {
            (Some(kind), _) => kind,
            (None, Mode::Development) => Kind::Folder,
            (None, Mode::Production) => return Err(Unusable::NoTransport),
        };
        match kind {
            Kind::Smtp => {
                let url = mail.smtp_url.as_ref().ok_or(Unusable::NoServer)?;
                Smtp::new(url, mail.smtp_connections, mail.attempt_seconds)
                    .map(Self::Smtp)
                    .map_err(Unusable::Server)
            }
            Kind::Folder => {
                tracing::info!(folder = %mail.folder.display(), "mails go to a folder, not to their recipients");
                Ok(Self::Folder(Folder::new(&mail.folder)))
            }
        }
    }

    /// Hands `mail` over. When it returns, it was taken.
    pub(super) async fn send(&self, mail: &Outgoing) -> Result<(), NotSent> {
        match self {
            Self::Smtp(smtp) => smtp.send(mail).await,
            Self::Folder(folder) => folder::keep(folder, mail).await,
        }
    }
}
