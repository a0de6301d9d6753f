//! One run: the work, the signs of life beside it, its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pitchey_clock::Clock;
use pitchey_db::SystemDb;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::Error;
use crate::runs::{self, Begun, Claim};

/// How often a run says that it lives. Several are missed before it is taken for dead.
const RENEW: Duration = Duration::from_secs(10);

pub(crate) type Work =
    Arc<dyn Fn(DateTime<Utc>) -> Pin<Box<dyn Future<Output = Result<i64, String>> + Send>> + Send + Sync>;

/// A job as it can be run.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) every: crate::Every,
    pub(crate) work: Work,
    pub(crate) db: SystemDb,
    pub(crate) clock: Clock,
}

/// What came of a look at a job.
pub(crate) enum Looked {
    /// This process did it, and touched so many rows; or it failed, and told so.
    Ran(Result<i64, Error>),
    /// It is done.
    Done,
    /// Somebody is at it.
    Running,
    /// It failed lately.
    Waits,
}

impl Job {
    const fn key(&self) -> runs::Job<'static> {
        runs::Job { service: self.service, name: self.name }
    }

    /// Does the run of `period`, if it is to be done.
    pub(crate) async fn attempt(&self, period: &str) -> Result<Looked, pitchey_db::Error> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let begun = runs::begin(&mut tx, self.key(), period, now, now - self.every.remembered()).await?;
        tx.commit().await?;
        match begun {
            Begun::Ours(claim) => Ok(Looked::Ran(self.run(claim, now).await)),
            Begun::TakenOver(claim) => {
                tracing::warn!(job = self.name, period, "the process that ran a job died: it is begun again");
                Ok(Looked::Ran(self.run(claim, now).await))
            }
            Begun::Done => Ok(Looked::Done),
            Begun::Running => Ok(Looked::Running),
            Begun::FailedLately => Ok(Looked::Waits),
        }
    }

    /// Does it, notes and tells how it ended.
    pub(crate) async fn run(&self, claim: Claim, now: DateTime<Utc>) -> Result<i64, Error> {
        let begun = Instant::now();
        let ended = tokio::select! {
            ended = self.work(now) => self.finish(claim, ended).await,
            lost = self.keep_alive(claim) => Err(lost),
        };
        self.tell(&ended, begun.elapsed());
        ended
    }

    /// In a task of its own, so that a panic is a failure. It ends when nobody waits for it any more.
    async fn work(&self, now: DateTime<Utc>) -> Result<i64, String> {
        match AbortOnDropHandle::new(tokio::spawn((self.work)(now))).await {
            Ok(ended) => ended,
            Err(panicked) => Err(panicked.to_string()),
        }
    }

    async fn finish(&self, claim: Claim, ended: Result<i64, String>) -> Result<i64, Error> {
        let mut tx = self.db.begin().await?;
        let told = ended.as_ref().copied().map_err(String::as_str);
        let is_ours = runs::finish(&mut tx, claim, told, self.clock.now()).await?;
        tx.commit().await?;
        if is_ours { ended.map_err(Error::Failed) } else { Err(Error::Lost) }
    }

    /// Ends only when the run is lost: another process has it, or could, as this one was not able to say that it lives.
    async fn keep_alive(&self, claim: Claim) -> Error {
        let silence = runs::SILENCE.to_std().unwrap_or(RENEW);
        let mut said = Instant::now();
        loop {
            tokio::time::sleep(RENEW).await;
            let about_to = Instant::now();
            match tokio::time::timeout(RENEW, self.renew(claim)).await {
                Ok(Ok(true)) => said = about_to,
                Ok(Ok(false)) => return Error::Lost,
                Ok(Err(error)) => {
                    tracing::warn!(job = self.name, %error, "a job could not say that it lives");
                }
                Err(_) => tracing::warn!(job = self.name, "a job could not say in time that it lives"),
            }
            // Before others take it over, not when they have.
            if said.elapsed() + RENEW >= silence {
                return Error::Lost;
            }
        }
    }

    async fn renew(&self, claim: Claim) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let is_ours = runs::renew(&mut tx, claim, self.clock.now()).await?;
        tx.commit().await?;
        Ok(is_ours)
    }

    fn tell(&self, ended: &Result<i64, Error>, took: Duration) {
        let (service, job) = (self.service, self.name);
        let outcome = match ended {
            Ok(0) => {
                tracing::debug!(job, ?took, "a job is done");
                "succeeded"
            }
            Ok(rows) => {
                tracing::info!(job, rows, ?took, "a job is done");
                metrics::counter!("jobs_rows_total", "service" => service, "job_name" => job)
                    .increment(rows.unsigned_abs());
                "succeeded"
            }
            Err(Error::Lost) => {
                tracing::error!(job, ?took, "a job was taken over by another process");
                "lost"
            }
            Err(error) => {
                tracing::error!(job, %error, ?took, "a job failed");
                "failed"
            }
        };
        let labels = [("service", service), ("job_name", job), ("outcome", outcome)];
        metrics::histogram!("jobs_run_seconds", &labels).record(took);
        if outcome == "succeeded" {
            crate::jobs::tell_standing(service, job, Some(self.clock.now()), false);
        } else {
            crate::jobs::tell_standing(service, job, None, true);
        }
    }
}
