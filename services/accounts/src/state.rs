use std::time::Duration;

use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_launch::Failed;
use pitchey_seal::Sealer;

use crate::Settings;
use crate::mail_tokens::MailTokens;
use crate::ops::throttle::Turns;
use crate::passwords::Passwords;

/// What handlers, consumers and calls share.
#[derive(Clone)]
pub struct AppState {
    pub databases: Databases,
    pub clock: Clock,
    pub passwords: Passwords,
    pub mail_tokens: MailTokens,
    pub sealer: Sealer,
    pub turns: Turns,
    /// See [`Settings::quiet_ms`].
    pub quiet: Duration,
}

impl AppState {
    pub fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        Ok(Self {
            databases,
            clock,
            passwords: Passwords::new(&settings.hashing)?,
            mail_tokens: MailTokens::new(&settings.mail_token_key)?,
            sealer: Sealer::new(&settings.pii_key)?,
            turns: Turns::default(),
            quiet: Duration::from_millis(settings.quiet_ms),
        })
    }

    /// What `answer` answers, but not before [`Settings::quiet_ms`] have passed.
    pub async fn quietly<T>(&self, answer: impl Future<Output = T>) -> T {
        let (answer, ()) = tokio::join!(answer, tokio::time::sleep(self.quiet));
        answer
    }
}
