use std::time::Duration;

use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::dkim::Dkim;
use super::message::Outgoing;
use super::transport::NotSent;

/// A mail server.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    patience: Duration,
}

impl Smtp {
    pub(super) fn new(url: &SecretString, connections: u32, attempt_seconds: u64) -> Result<Self, Error> {
        let patience = Duration::from_secs(attempt_seconds);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())?
            .pool_config(PoolConfig::new().max_size(connections))
            .timeout(Some(patience))
            .build();
        Ok(Self { transport, patience })
    }

    /// Returns when the server has said 250 to the whole mail.
    pub(super) async fn send(&self, mail: &Outgoing, dkim: Option<&Dkim>) -> Result<(), NotSent> {
        let wire = mail.wire(dkim).map_err(|error| NotSent::Never(error.to_string()))?;
        let deadline = Instant::now() + self.patience;
        let silence = || format!("no answer within {:?}", self.patience);

        // A server that is away, or does not let us in, has not seen the mail.
        let transport = self.transport.clone();
        match ended_by(deadline, async move { transport.test_connection().await }).await {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return Err(NotSent::Later("the server hung up".to_owned())),
            Some(Err(error)) => return Err(NotSent::Later(error.to_string())),
            None => return Err(NotSent::Later(silence())),
        }
        let transport = self.transport.clone();
        match ended_by(deadline, async move { transport.send_raw(&wire.envelope, &wire.bytes).await }).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(verdict(&error)),
            None => Err(NotSent::Unknown(silence())),
        }
    }
}

/// What `work` came to, if it ended in time. It is never dropped half-way: that would put its connection back into the pool, where the
/// answer to this mail would be taken for that to the next one.
async fn ended_by<T: Send + 'static>(
    deadline: Instant,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    tokio::time::timeout_at(deadline, tokio::spawn(work)).await.ok()?.ok()
}

/// Only words about the recipient are final. What the server thinks of us, or of this hour, is no verdict on the mail.
fn verdict(error: &Error) -> NotSent {
    let text = error.to_string();
    let Some(code) = error.status() else {
        // `is_client`: it gave up before it began. Anything else may have come after the mail's last dot.
        return if error.is_client() { NotSent::Later(text) } else { NotSent::Unknown(text) };
    };
    let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let status = words.split(' ').next().unwrap_or_default();
    // RFC 3463: 5.1 speaks of addresses (7 and 8 of the sender's, 0 of any), 5.2 of the recipient's mailbox; of these, 0 to 2 of the mailbox itself,
    // closed or full, and not of this mail. 4.2 is the same for this hour.
    match (u16::from(code), status.strip_prefix("5."), status.strip_prefix("4.")) {
        (550 | 551 | 553, Some("1.1" | "1.2" | "1.3" | "1.6" | "1.10"), _) => NotSent::Bounced(text),
        (550 | 551 | 553, Some("2.0" | "2.1" | "2.2"), _) => NotSent::BouncedSoftly(text),
        (550 | 551 | 553, Some(status), _) if status.starts_with("2.") => NotSent::Never(text),
        (450..=452, _, Some("2.0" | "2.1" | "2.2")) => NotSent::MailboxLater(text),
        _ => NotSent::Later(text),
    }
}
