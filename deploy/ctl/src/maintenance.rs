//! `ctl maintenance`: the jobs of all services, and those that are the whole database's.

mod upkeep;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use clap::{Args, Subcommand};
use pitchey_clock::Clock;
use pitchey_config::{Certificate, Mode, Trust};
use pitchey_db::{Databases, SystemDb};
use pitchey_jobs::{Outcome, Run};
use pitchey_telemetry::{Metrics, Telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::{Failure, cli};

/// How often it is looked whether a run has ended.
const LOOK: Duration = Duration::from_millis(200);
/// How long a run that is under way may take to end when `serve` is to stop. What is cut off is taken over by the next `serve`.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do, and where.
#[derive(Debug, Args)]
pub struct Maintenance {
    /// Where.
    #[command(flatten)]
    database: cli::Database,
    /// What.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The latest run of every job.
    List,
    /// Run a job now, beside its periods: at whoever runs its service, or here if it is the whole database's.
    ///
    /// Waits for its end, and for a run of it that is under way. Exit code 1 if it failed, or if nobody took it.
    Run {
        /// As in `list`: `analytics/maintenance`, or `vacuum` if there is one of that name.
        job: String,
        /// Seconds within which somebody must begin.
        #[arg(long, default_value_t = 30)]
        within: u64,
    },
    /// Run the jobs of the whole database by the clock until told to stop: `vacuum` every week, `reindex` every month, `statistics` every quarter.
    ///
    /// Several may run: one of them does each run.
    Serve {
        /// Where /health and /metrics are.
        #[arg(long, env = "CTL_MAINTENANCE_ADDRESS", default_value = "127.0.0.1:8109")]
        address: SocketAddr,
    },
}

pub(crate) async fn run(arguments: &Maintenance) -> Result<(), Failure> {
    let url = &arguments.database.url;
    let settings = pitchey_db::Database {
        user_url: url.clone().into(),
        system_url: url.clone().into(),
        user_pool: 1,
        system_pool: 4,
        wait_ms: 5_000,
        trust: Trust::default(), // in the URL
    };
    let databases = Databases::open(&settings).await?;
    match &arguments.command {
        Command::List => list(&databases.system).await,
        Command::Run { job, within } => {
            run_job(&databases.system, url, job, Duration::from_secs(*within)).await
        }
        Command::Serve { address } => serve(databases.system, url, *address).await,
    }
}

async fn list(db: &SystemDb) -> Result<(), Failure> {
    println!("{:<44}{:<22}{:<11}{:>9}{:>11}", "job", "began", "outcome", "seconds", "rows");
    for run in known(db).await? {
        let took = run.finished_at.map(|at| (at - run.started_at).as_seconds_f64());
        println!(
            "{:<44}{:<22}{:<11}{:>9}{:>11}{}",
            name(&run),
            run.started_at.format("%F %T"),
            run.outcome.as_str(),
            took.map(|seconds| format!("{seconds:.1}")).unwrap_or_default(),
            run.rows_affected.map(|rows| rows.to_string()).unwrap_or_default(),
            run.error.as_deref().map(|error| format!("  {error}")).unwrap_or_default()
        );
    }
    for job in upkeep::JOBS {
        println!("{:<44}runs here, or in `ctl maintenance serve`", format!("{}/{job}", upkeep::OWNER));
    }
    Ok(())
}

/// The latest run of each job of a service. What `ctl` notes of itself is no job.
async fn known(db: &SystemDb) -> Result<Vec<Run>, Failure> {
    let mut tx = db.begin().await?;
    let mut runs = pitchey_jobs::latest(&mut tx, None).await?;
    tx.commit().await?;
    runs.retain(|run| run.service != "ctl");
    Ok(runs)
}

fn name(run: &Run) -> String {
    format!("{}/{}", run.service, run.job)
}

/// (service, job) of what an operator calls `asked`.
async fn find(db: &SystemDb, asked: &str) -> Result<(String, String), Failure> {
    let runs = known(db).await?;
    let own = upkeep::JOBS.iter().map(|job| (upkeep::OWNER.to_owned(), (*job).to_owned()));
    let mut all: Vec<_> = runs.into_iter().map(|run| (run.service, run.job)).chain(own).collect();
    all.sort();
    all.dedup();
    all.retain(|(service, job)| job == asked || format!("{service}/{job}") == asked);
    match <[_; 1]>::try_from(all) {
        Ok([one]) => Ok(one),
        Err(none) if none.is_empty() => {
            Err(Failure::Usage(format!("no job {asked} has ever run: ctl maintenance list")))
        }
        Err(several) => {
            let names: Vec<_> = several.iter().map(|(service, job)| format!("{service}/{job}")).collect();
            Err(Failure::Usage(format!("which one: {}", names.join(", "))))
        }
    }
}

async fn run_job(db: &SystemDb, url: &str, asked: &str, within: Duration) -> Result<(), Failure> {
    let (service, job) = find(db, asked).await?;
    let clock = Clock::system();
    let mut tx = db.begin().await?;
    let id = pitchey_jobs::ask(&mut tx, &service, &job, clock.now()).await?;
    tx.commit().await?;
    let here = (service == upkeep::OWNER).then(|| upkeep::jobs(db.clone(), clock, url).start_for_operators());
    let run = wait(db, id, within).await?;
    if let Some(here) = here {
        here.stop().await;
    }
    let took = run.finished_at.map_or(0.0, |at| (at - run.started_at).as_seconds_f64());
    match run.outcome {
        Outcome::Succeeded => {
            println!("{}: done in {took:.1} s, touched {}", name(&run), run.rows_affected.unwrap_or(0));
            Ok(())
        }
        _ => Err(Failure::Failed(format!(
            "{} failed after {took:.1} s: {}",
            name(&run),
            run.error.as_deref().unwrap_or("nobody said why")
        ))),
    }
}

/// Until the run has ended, or nobody has begun it in time.
async fn wait(db: &SystemDb, id: i64, within: Duration) -> Result<Run, Failure> {
    let asked = Instant::now();
    loop {
        let mut tx = db.begin().await?;
        let run = pitchey_jobs::answer(&mut tx, id).await?;
        if run.finished_at.is_some() {
            return Ok(run);
        }
        if run.outcome == Outcome::Requested
            && asked.elapsed() > within
            && pitchey_jobs::withdraw(&mut tx, id).await?
        {
            tx.commit().await?;
            return Err(Failure::Failed(format!(
                "nobody began {} within {within:?}: does {} run, and is no other run of it under way? It is asked for no longer",
                name(&run),
                run.service
            )));
        }
        tx.commit().await?;
        tokio::time::sleep(LOOK).await;
    }
}

pitchey_config::settings! {
    /// What `serve` reads from the environment, as services do.
    struct Settings {
        /// `production` or `development`.
        mode: Mode = Mode::Production,
        /// Logs.
        telemetry: Telemetry,
        /// What vouches for it.
        certificate: Certificate = Certificate::default(),
    }
}

async fn serve(db: SystemDb, url: &str, address: SocketAddr) -> Result<(), Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let settings = pitchey_config::load::<Settings>("ctl")?;
    let _telemetry = pitchey_telemetry::init("maintenance", settings.mode, &settings.telemetry)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let jobs = upkeep::jobs(db.clone(), Clock::system(), url).start();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(db.clone()))
            .route("/health", web::get().to(health))
            .route("/metrics", web::get().to(async || HttpResponse::Ok().body(Metrics.render())))
    })
    .workers(1)
    .disable_signals();
    let server = match settings.certificate.server() {
        Some(tls) => server.bind_rustls_0_23(address, tls)?,
        None => server.bind(address)?,
    }
    .run();
    let handle = server.handle();
    let server = tokio::spawn(server);
    println!("maintenance of the whole database, /health and /metrics at {address}");
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    handle.stop(true).await;
    server.await.map_err(|error| Failure::Failed(error.to_string()))??;
    if tokio::time::timeout(PATIENCE, jobs.stop()).await.is_err() {
        eprintln!("ctl: a run was cut off; it is begun again by the next who serves");
    }
    Ok(())
}

async fn health(db: web::Data<SystemDb>) -> HttpResponse {
    match db.begin().await {
        Ok(_) => HttpResponse::Ok().body("healthy"),
        Err(_) => HttpResponse::ServiceUnavailable().body("the database is away"),
    }
}

/// Asks the `serve` that runs on this machine.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> Result<(), Failure> {
    let is_secure = pitchey_config::load::<Settings>("ctl")?.certificate.server().is_some();
    let answer = pitchey_launch::ask_at(address, path, is_secure)
        .await
        .map_err(|error| Failure::Failed(format!("GET {path} at {address}: {error}")))?;
    if !answer.is_success {
        return Err(Failure::Failed(answer.body));
    }
    println!("{}", answer.body);
    Ok(())
}
