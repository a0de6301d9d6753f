use pitchey_config::Mode;

use super::dkim::Dkim;
use super::message::Outgoing;
use super::smtp::Smtp;
use super::{Folder, folder};
use crate::settings::{Kind, Mail, Settings};

/// How mail leaves the platform.
pub(crate) struct Transport {
    way: Way,
    dkim: Option<Dkim>,
}

enum Way {
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
    #[error(
        "NOTIFICATIONS_MAIL__DKIM_SELECTOR and NOTIFICATIONS_MAIL__DKIM_KEY are to be given together, with NOTIFICATIONS_MAIL__FROM"
    )]
    HalfDkim,
    #[error("NOTIFICATIONS_MAIL__DKIM_KEY: {0}")]
    Dkim(super::dkim::BadKey),
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
    /// Another try may help; the recipient's mailbox is in the way.
    #[error("{0}")]
    MailboxLater(String),
    /// The address takes no mail.
    #[error("{0}")]
    Bounced(String),
    /// The mailbox is there, but closed or full.
    #[error("{0}")]
    BouncedSoftly(String),
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
        let way = match kind {
            Kind::Smtp => {
                let url = mail.smtp_url.as_ref().ok_or(Unusable::NoServer)?;
                Smtp::new(url, mail.smtp_connections, mail.attempt_seconds)
                    .map(Way::Smtp)
                    .map_err(Unusable::Server)?
            }
            Kind::Folder => {
                tracing::info!(folder = %mail.folder.display(), "mails go to a folder, not to their recipients");
                Way::Folder(Folder::new(&mail.folder))
            }
        };
        Ok(Self { way, dkim: dkim(mail)? })
    }

    /// Hands `mail` over. When it returns, it was taken.
    pub(super) async fn send(&self, mail: &Outgoing) -> Result<(), NotSent> {
        match &self.way {
            Way::Smtp(smtp) => smtp.send(mail, self.dkim.as_ref()).await,
            Way::Folder(folder) => folder::keep(folder, mail, self.dkim.as_ref()).await,
        }
    }
}

/// The signer, where mails are to be signed: for the sender's domain.
fn dkim(mail: &Mail) -> Result<Option<Dkim>, Unusable> {
    match (&mail.dkim_selector, &mail.dkim_key, &mail.from) {
        (None, None, _) => Ok(None),
        (Some(selector), Some(key), Some(from)) => {
            let from: lettre::message::Mailbox = from.parse().map_err(Unusable::Sender)?;
            Dkim::new(from.email.domain(), selector, key).map(Some).map_err(Unusable::Dkim)
        }
        _ => Err(Unusable::HalfDkim),
    }
}
