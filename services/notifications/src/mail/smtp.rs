use std::time::Duration;

use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

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
    pub(super) async fn send(&self, mail: &Outgoing) -> Result<(), NotSent> {
        let message = mail.message().map_err(|error| NotSent::Never(error.to_string()))?;
        match tokio::time::timeout(self.patience, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if is_final(&error) => Err(NotSent::Never(error.to_string())),
            Ok(Err(error)) => Err(NotSent::Later(error.to_string())),
            Err(_) => Err(NotSent::Later(format!("no answer within {:?}", self.patience))),
        }
    }
}

/// The server will never take this mail. That it does not let *us* in (53x) is no verdict on the mail.
fn is_final(error: &Error) -> bool {
    error.is_permanent() && error.status().is_some_and(|code| !(530..=539).contains(&u16::from(code)))
}
