use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use pitchey_clock::Clock;
use pitchey_db::SystemDb;
use rand::RngExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Transport;
use super::addresser::Addresser;
use super::digester::Digester;
use super::herald::Herald;
use super::sender::Sender;
use super::transport::Unusable;
use super::writer::Writer;
use crate::error::Error;
use crate::settings::Settings;
use crate::state::AppState;
use crate::store::email_queue;

/// How often the backlog is measured.
const MEASURE: Duration = Duration::from_secs(10);
/// Longest time between two attempts.
const LONGEST: TimeDelta = TimeDelta::hours(6);

/// One round of a worker.
pub(super) trait Work: Send + Sync + 'static {
    /// For logs.
    const NAME: &'static str;

    /// Does what is due now; true if there may be more.
    fn round(&self) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// What the workers of a replica share.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) db: SystemDb,
    pub(super) clock: Clock,
    /// Who claims.
    pub(super) name: String,
    lease: TimeDelta,
    retry: TimeDelta,
    stop: CancellationToken,
}

impl Desk {
    /// The present, and when a claim made now ends.
    pub(super) fn lease(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = self.clock.now();
        (now, now + self.lease)
    }

    /// The process is to end; what takes long stops at the next good place.
    pub(super) fn stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// When to try again after the `attempts`th failure: 1, 4, 16 ... times the base, a fifth more or less, so that what failed together does
    /// not come back together.
    pub(super) fn again(&self, attempts: i32) -> DateTime<Utc> {
        self.after(self.retry, attempts, LONGEST)
    }

    /// When to ask accounts again after the `attempts`th time that it did not answer.
    pub(super) fn ask_again(&self, attempts: i32) -> DateTime<Utc> {
        self.after(TimeDelta::seconds(2), attempts, TimeDelta::minutes(1))
    }

    /// When to ask accounts again about a mail that has waited for `age`: then it will have waited twice as long.
    pub(super) fn wait(&self, age: TimeDelta) -> DateTime<Utc> {
        self.after(age.max(TimeDelta::seconds(2)), 1, TimeDelta::minutes(1))
    }

    fn after(&self, base: TimeDelta, attempts: i32, longest: TimeDelta) -> DateTime<Utc> {
        let factor = 4_i32.saturating_pow(u32::try_from(attempts.max(1) - 1).unwrap_or(0));
        let delay = base.checked_mul(factor).unwrap_or(longest).min(longest);
        let jitter: f64 = rand::rng().random_range(0.8..=1.2);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "milliseconds of hours"
        )]
        let delay = TimeDelta::milliseconds((delay.num_milliseconds() as f64 * jitter) as i64);
        self.clock.now() + delay
    }
}

/// The workers of this replica.
pub(crate) struct Workers {
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts them on the current runtime.
    pub(crate) fn start(
        state: &AppState,
        settings: &Settings,
        transport: Transport,
    ) -> Result<Self, Unusable> {
        let stop = CancellationToken::new();
        let desk = Desk {
            db: state.databases.system.clone(),
            clock: state.clock.clone(),
            name: Uuid::new_v4().to_string(),
            lease: TimeDelta::seconds(settings.mail.lease_seconds),
            retry: TimeDelta::seconds(settings.mail.retry_seconds),
            stop: stop.clone(),
        };
        let mail_queued = Arc::new(Notify::new());
        let writer = Writer::new(settings)?;
        let addresser = Addresser::new(desk.clone(), state, writer.clone(), Arc::clone(&mail_queued));
        let digester = Digester::new(desk.clone(), state, writer.clone(), settings, Arc::clone(&mail_queued));
        let herald = Herald::new(desk.clone(), state);
        let sender = Sender::new(desk.clone(), state, writer.renderer, transport);
        let poll = Duration::from_millis(settings.mail.poll_ms);
        let tasks = vec![
            tokio::spawn(work(addresser, Arc::clone(&state.mail_asked), poll, stop.clone())),
            tokio::spawn(work(digester, Arc::clone(&state.digests_planned), poll, stop.clone())),
            tokio::spawn(work(herald, Arc::clone(&state.announced), poll, stop.clone())),
            tokio::spawn(work(sender, mail_queued, poll, stop.clone())),
            tokio::spawn(measure(desk, stop.clone())),
        ];
        Ok(Self { stop, tasks })
    }

    /// Lets the rounds that run now end.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a mail worker ended badly");
            }
        }
    }
}

/// Rounds until told to stop: while there is more, when the bell rings, and now and then.
async fn work<W: Work>(worker: W, bell: Arc<Notify>, poll: Duration, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let more = match AssertUnwindSafe(worker.round()).catch_unwind().await {
            Ok(Ok(more)) => more,
            Ok(Err(error)) => {
                tracing::warn!(%error, worker = W::NAME, "a round of mail failed; the next one tries again");
                false
            }
            Err(_) => {
                tracing::error!(worker = W::NAME, "a round of mail panicked");
                false
            }
        };
        if !more {
            tokio::select! {
                () = stop.cancelled() => {}
                () = bell.notified() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }
}

async fn measure(desk: Desk, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match backlog(&desk).await {
            Ok(backlog) => {
                let age = |since: Option<DateTime<Utc>>| {
                    since.map_or(0.0, |since| (desk.clock.now() - since).as_seconds_f64().max(0.0))
                };
                #[expect(clippy::cast_precision_loss, reason = "a gauge")]
                for (stage, depth, since) in [
                    ("address", backlog.requests, backlog.requests_since),
                    ("send", backlog.mails, backlog.mails_since),
                ] {
                    metrics::gauge!("mail_queue_depth", "stage" => stage).set(depth as f64);
                    metrics::gauge!("mail_queue_age_seconds", "stage" => stage).set(age(since));
                }
            }
            Err(error) => tracing::debug!(%error, "the mail queue could not be measured"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(MEASURE) => {}
        }
    }
}

async fn backlog(desk: &Desk) -> Result<email_queue::Backlog, Error> {
    Ok(email_queue::backlog(&mut *desk.db.connection().await?).await?)
}
