//! The jobs of a process, from their list to their end.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pitchey_clock::Clock;
use pitchey_db::SystemDb;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::run::{Job, Looked, Work};
use crate::{Error, Every, runs};

/// How often it is looked whether an operator asks for a run.
const LISTEN: Duration = Duration::from_secs(2);
/// How often the metrics are read from the table.
const STANDING: Duration = Duration::from_secs(30);
/// How often who waits for a run looks whether it has ended.
const WAIT: Duration = Duration::from_millis(50);

/// A list of jobs over a state `S`.
pub struct Jobs<S> {
    service: &'static str,
    db: SystemDb,
    clock: Clock,
    state: S,
    once: Vec<Job>,
    each: Vec<Repeated>,
}

struct Repeated {
    name: &'static str,
    every: Duration,
    work: Work,
}

impl<S: Clone + Send + Sync + 'static> Jobs<S> {
    /// Of `service`; none yet.
    pub const fn new(service: &'static str, db: SystemDb, clock: Clock, state: S) -> Self {
        Self { service, db, clock, state, once: Vec::new(), each: Vec::new() }
    }

    /// Done by one replica a period. `work` is told the present, and returns how many rows it touched.
    #[must_use]
    pub fn once<F, E>(
        mut self,
        name: &'static str,
        every: Every,
        work: impl Fn(S, DateTime<Utc>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<i64, E>> + Send + 'static,
        E: Display,
    {
        let job = Job {
            service: self.service,
            name,
            every,
            work: self.bound(work),
            db: self.db.clone(),
            clock: self.clock.clone(),
        };
        self.once.push(job);
        self
    }

    /// Done by every replica for itself, again and again.
    #[must_use]
    pub fn each<F, E>(
        mut self,
        name: &'static str,
        every: Duration,
        work: impl Fn(S, DateTime<Utc>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<i64, E>> + Send + 'static,
        E: Display,
    {
        let work = self.bound(work);
        self.each.push(Repeated { name, every, work });
        self
    }

    fn bound<F, E>(&self, work: impl Fn(S, DateTime<Utc>) -> F + Send + Sync + 'static) -> Work
    where
        F: Future<Output = Result<i64, E>> + Send + 'static,
        E: Display,
    {
        let state = self.state.clone();
        Arc::new(move |now| {
            let work = work(state.clone(), now);
            Box::pin(async move { work.await.map_err(|error| error.to_string()) })
        })
    }

    /// Starts them on the current runtime. What is due is done at once.
    pub fn start(self) -> Started {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for job in &self.once {
            tasks.spawn(look_after(job.clone(), stop.clone()));
        }
        for repeated in self.each {
            tasks.spawn(repeat(repeated, self.clock.clone(), stop.clone()));
        }
        tasks.spawn(listen(self.once.clone(), stop.clone()));
        Started { jobs: self.once, stop, tasks }
    }

    /// Starts none by the clock: does only what operators ask for.
    pub fn start_for_operators(self) -> Started {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(listen(self.once.clone(), stop.clone()));
        Started { jobs: self.once, stop, tasks }
    }
}

/// Jobs that run when they are due.
pub struct Started {
    jobs: Vec<Job>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Started {
    /// Does `job` now, if it is to be done in this period and no replica has. Waits for one that does. Returns how many rows were touched here.
    ///
    /// # Errors
    /// The job's, the database's.
    pub async fn run(&self, job: &str) -> Result<Option<i64>, Error> {
        let job = self.job(job)?;
        run_in(job, &job.every.period(job.clock.now())).await?.transpose()
    }

    /// Does `job` now under the name `period`, unless that is done.
    ///
    /// # Errors
    /// The job's, the database's.
    pub async fn run_as(&self, job: &str, period: &str) -> Result<Option<i64>, Error> {
        run_in(self.job(job)?, period).await?.transpose()
    }

    /// Does all that is due now, one after the other. What fails is in the log, as if it had been done by the clock, and keeps no other.
    pub async fn run_due(&self) {
        for job in &self.jobs {
            // A run tells of its failure itself.
            if let Err(error) = run_in(job, &job.every.period(job.clock.now())).await {
                tracing::error!(job = job.name, %error, "nobody knows whether a job is due");
            }
        }
    }

    /// Lets those that run end, and starts no other.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the task of a job panicked");
            }
        }
    }

    fn job(&self, name: &str) -> Result<&Job, Error> {
        self.jobs.iter().find(|job| job.name == name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }
}

/// Waits for a run that is under way; does it, if it is to be done then.
async fn run_in(job: &Job, period: &str) -> Result<Option<Result<i64, Error>>, pitchey_db::Error> {
    loop {
        match job.attempt(period).await? {
            Looked::Ran(ended) => return Ok(Some(ended)),
            Looked::Done | Looked::Waits => return Ok(None),
            Looked::Running => tokio::time::sleep(WAIT).await,
        }
    }
}

/// Does the job whenever it is due and nobody has done it.
async fn look_after(job: Job, stop: CancellationToken) {
    let mut ticks = ticks(job.every.look());
    let mut done = None;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let period = job.every.period(job.clock.now());
        if done.as_ref() == Some(&period) {
            continue;
        }
        match job.attempt(&period).await {
            Ok(Looked::Ran(Ok(_)) | Looked::Done) => done = Some(period),
            // Tried again at one of the next looks; a run tells of its failure itself.
            Ok(Looked::Ran(Err(_)) | Looked::Running | Looked::Waits) => {}
            Err(error) => tracing::warn!(job = job.name, %error, "nobody knows whether a job is due"),
        }
    }
}

async fn repeat(repeated: Repeated, clock: Clock, stop: CancellationToken) {
    let mut ticks = ticks(repeated.every);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match (repeated.work)(clock.now()).await {
            Ok(rows) => tracing::trace!(job = repeated.name, rows, "done"),
            Err(error) => tracing::warn!(job = repeated.name, %error, "will be tried again"),
        }
    }
}

/// Does what operators ask for, and tells how the jobs stand.
async fn listen(jobs: Vec<Job>, stop: CancellationToken) {
    let Some(first) = jobs.first() else { return };
    let mut ticks = ticks(LISTEN);
    let mut asked = JoinSet::new();
    let mut told: Option<Instant> = None;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        while asked.try_join_next().is_some() {}
        match next_asked(first, &jobs).await {
            Ok(Some((job, claim, now))) => {
                asked.spawn(async move { job.run(claim, now).await.map(drop) });
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "nobody knows what operators ask for"),
        }
        if told.is_none_or(|told| told.elapsed() >= STANDING) {
            match read_standing(first, &jobs).await {
                Ok(()) => told = Some(Instant::now()),
                Err(error) => tracing::debug!(%error, "nobody knows how the jobs stand"),
            }
        }
    }
    while asked.join_next().await.is_some() {}
}

async fn next_asked(
    of: &Job,
    jobs: &[Job],
) -> Result<Option<(Job, runs::Claim, DateTime<Utc>)>, pitchey_db::Error> {
    let now = of.clock.now();
    let names: Vec<_> = jobs.iter().map(|job| job.name).collect();
    let mut tx = of.db.begin().await?;
    let begun = runs::begin_asked(&mut tx, of.service, &names, now).await?;
    tx.commit().await?;
    Ok(begun.and_then(|(name, claim)| {
        jobs.iter().find(|job| job.name == name).map(|job| (job.clone(), claim, now))
    }))
}

/// So that a replica that has run nothing yet tells the same as the others.
async fn read_standing(of: &Job, jobs: &[Job]) -> Result<(), pitchey_db::Error> {
    let mut tx = of.db.begin().await?;
    let standing = runs::standing(&mut tx, of.service).await?;
    tx.commit().await?;
    for (name, succeeded_at, failing) in standing {
        if let Some(job) = jobs.iter().find(|job| job.name == name) {
            tell_standing(job.service, job.name, succeeded_at, failing);
        }
    }
    Ok(())
}

/// The label is not `job`, which Prometheus gives to what it scrapes.
pub(crate) fn tell_standing(
    service: &'static str,
    job: &'static str,
    succeeded_at: Option<DateTime<Utc>>,
    failing: bool,
) {
    let labels = [("service", service), ("job_name", job)];
    metrics::gauge!("jobs_failing", &labels).set(if failing { 1.0 } else { 0.0 });
    if let Some(at) = succeeded_at {
        #[expect(clippy::cast_precision_loss, reason = "seconds of this millennium")]
        metrics::gauge!("jobs_last_success_timestamp_seconds", &labels).set(at.timestamp() as f64);
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
