use std::sync::Arc;
use std::time::Duration;

use pitchey_clock::Clock;
use pitchey_db::Databases;
use pitchey_events::Service;
use pitchey_identity::Signer;
use pitchey_launch::Failed;
use pitchey_rpc::Privacy;
use pitchey_seal::Sealer;
use tokio::sync::Notify;

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
    /// Rung when somebody has asked for a copy of the own data.
    pub exports_asked: Arc<Notify>,
    /// Who else keeps something about users.
    pub keepers: Vec<Privacy>,
    /// See [`Settings::quiet_ms`].
    pub quiet: Duration,
}

impl AppState {
    pub fn new(settings: &Settings, databases: Databases, clock: Clock) -> Result<Self, Failed> {
        let signer = Signer::new(Service::Accounts, &settings.identity, clock.clone())?;
        let keepers = settings.export_from.split(',').map(str::trim).filter(|name| !name.is_empty());
        let keepers = keepers.map(|name| {
            let service =
                name.parse::<Service>().map_err(|_| format!("export_from: {name}: no such service"))?;
            Ok::<_, Failed>(Privacy::new(service, &settings.rpc_targets, signer.clone())?)
        });
        Ok(Self {
            exports_asked: Arc::default(),
            keepers: keepers.collect::<Result<_, _>>()?,
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
